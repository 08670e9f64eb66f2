"""A detector on drawn scenes through the simulator's own encoder: decoded pictures with their truth, and verdicts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from benchmarks.accuracy import Judged
from detect.detector import Detector
from ingest.pictures import DecodedPicture
from ingest.simulator.encode import Profile, Profiles, encode
from ingest.simulator.scene.scene import Scene, SceneKind, TruthObject
from ingest.simulator.source import SceneSource

MIN_HEIGHT = 12.0
"""px in the 640 x 360 sub-stream (8.4 px at an input of 448 px width): the least height that counts."""
MIN_VISIBLE = 0.5
"""The share of an object's own pixels that nothing nearer hides: the least that counts."""
MIN_INSIDE = 0.5
"""The share of an object's box that lies in the picture: the least that counts."""

_FPS = Fraction(25, 2)  # the sub-stream's; drawing what it leaves out would double the time
_PROFILES = Profiles(main=Profile(1280, 720, _FPS, 2_000_000), sub=Profile(640, 360, _FPS, 400_000))


@dataclass
class Verdicts:
    """What was found on the pictures of one scene, and how long each took."""

    kind: SceneKind
    night: bool
    pictures: list[Judged] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Beginning:
    """The first ``count`` pictures of a scene: as crowded as the whole, which a short scene would not be."""

    scene: SceneSource
    count: int

    @property
    def title(self) -> str:
        return self.scene.title

    def identity(self) -> str:
        return f"{self.scene.identity()}:{self.count}"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[VideoFrame]:
        return islice(self.scene.pictures(fps, width, height), self.count)


def unseen(first_seed: int, count: int) -> list[SceneSource]:
    """``count`` scenes of each kind by day and by night, seeds in sequence."""
    asked = [(kind, night) for kind in SceneKind for night in (False, True) for _ in range(count)]
    return [SceneSource(seed=first_seed + number, kind=kind, night=night) for number, (kind, night) in enumerate(asked)]


def decoded(
    source: SceneSource, workdir: Path, *, every: int, seconds: float
) -> Iterator[tuple[Scene, int, VideoFrame]]:
    """Each ``every``-th frame of the sub-stream as a camera sends it, with its scene and number."""
    main, sub = workdir / f"{source.title}.main.mp4", workdir / f"{source.title}.sub.mp4"
    encode(_Beginning(source, round(seconds * _FPS)), _PROFILES, main, sub, lambda: False)
    scene = source.scene(_FPS)
    with av.open(str(sub)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index % every == every - 1:
                yield scene, index, frame


def look(
    detector: Detector, sources: Sequence[SceneSource], workdir: Path, *, every: int, seconds: float
) -> list[Verdicts]:
    """The detector's answers with the truth, for the first ``seconds`` of each source."""
    found = []
    for source in sources:
        verdicts = Verdicts(source.kind, source.night)
        for scene, index, frame in decoded(source, workdir, every=every, seconds=seconds):
            began = time.perf_counter()
            detections = detector.detect(DecodedPicture(frame))
            verdicts.milliseconds.append((time.perf_counter() - began) * 1000)
            seen = [pair for pair in scene.seen(index) if pair[0].label in detector.labels]
            verdicts.pictures.append(
                Judged(
                    detections.boxes,
                    detections.scores,
                    detections.classes,
                    np.array([one.box for one, _ in seen], np.float32).reshape(-1, 4)
                    * np.array([frame.width, frame.height] * 2, np.float32),
                    np.array([detector.labels.index(one.label) for one, _ in seen], np.int16),
                    np.array([_counts(one, visible, frame.height) for one, visible in seen], bool),
                    MIN_HEIGHT,
                )
            )
        found.append(verdicts)
    return found


def _counts(one: TruthObject, visible: float, height: int) -> bool:
    tall = (one.box[3] - one.box[1]) * height >= MIN_HEIGHT
    return tall and visible >= MIN_VISIBLE and one.inside >= MIN_INSIDE
