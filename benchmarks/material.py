"""1080p25 material for load: a static camera with sensor noise, in which something happens for a known share of time.

The calm is a stretch of the clip in which nothing happens, the activity is the clip itself, faded in and out
so that the change is no harder to miss than a person who walks in. Noise is added to every frame, so that no two
pictures are alike and the encoder has something to spend its bits on, as with a real sensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource, SourceError, fit

PROFILES = Profiles(
    main=Profile(1920, 1080, Fraction(25), 2_000_000),
    sub=Profile(640, 360, Fraction(25, 2), 400_000),
    settle_gops=8,
)
"""2 Mb/s, GOP 2 s, no B-frames."""

_FADE_S = 0.4
_NOISE_FIELDS = 16
_MARGIN = 64
_CALM_FPS = 10


@dataclass(frozen=True, slots=True)
class StagedSource:
    """A loop of ``seconds`` that shows the clip from ``from_s`` on, at each of ``starts`` for ``active_s``.

    Between them lies calm: the mean of the clip over ``calm``, from and to, seconds in which nothing happens in it.
    ``noise`` is the standard deviation of the sensor's noise, in steps of 8-bit luma.
    """

    clip: Path
    calm: tuple[float, float]
    from_s: float
    seconds: int = 60
    starts: tuple[float, ...] = (27.0,)
    active_s: float = 6.0
    noise: float = 2.0

    @property
    def title(self) -> str:
        """The clip, and how much of the time it moves."""
        return f"staged {self.clip.stem} from {self.from_s:g} s, {self.activity:.0%}"

    @property
    def activity(self) -> float:
        """Share of the time in which something happens."""
        return min(1.0, len(self.starts) * self.active_s / self.seconds)

    def identity(self) -> str:
        """Every parameter, and the version of this generator."""
        timing = (self.calm, self.from_s, self.seconds, self.starts, self.active_s, self.noise)
        return f"staged:4:{self._source.identity()}:{timing}"

    def shown(self, at_s: float) -> float:
        """How much of the clip is in the picture ``at_s`` seconds into the loop: 0 calm, 1 all of it."""
        if self.activity >= 1.0:
            return 1.0
        inside = (min(at_s - start, start + self.active_s - at_s) for start in self.starts)
        return min(1.0, max(0.0, *(distance / _FADE_S for distance in inside), 0.0))

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        """See :class:`ingest.simulator.source.Source`; enlarged to the asked size where the clip is smaller."""
        background, size = self._background(width, height)
        random = np.random.default_rng(0)
        noise = [_grain(random, height + _MARGIN, width + _MARGIN, self.noise) for _ in range(_NOISE_FIELDS)]
        moving = self._moving(fps, width, height, size)
        for index in range(int(self.seconds * fps)):
            share = self.shown(float(index / fps))
            planes = background
            if share > 0:
                planes = next(moving)
                if share < 1:
                    planes = cv2.addWeighted(planes, share, background, 1 - share, 0).astype(np.uint8, copy=False)
            field, y, x = (int(random.integers(0, most)) for most in (_NOISE_FIELDS, _MARGIN, _MARGIN))
            planes = planes.copy()
            grain = noise[field][y : y + height, x : x + width]
            planes[:height] = cv2.add(planes[:height], grain, dtype=cv2.CV_8U)  # saturates
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")

    @property
    def _source(self) -> ClipSource:
        return ClipSource(self.clip, max(self.calm[1], self.from_s + self.seconds))

    def _moving(self, fps: Fraction, width: int, height: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
        while True:  # each activity is the same piece of the clip
            pictures = islice(self._source.pictures(fps, width, height), round(self.from_s * fps), None)
            for frame in islice(pictures, round(self.active_s * fps) if self.activity < 1 else None):
                yield _enlarged(frame, width, height, size)

    def _background(self, width: int, height: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        begin, end = (round(at * _CALM_FPS) for at in self.calm)
        calm = list(islice(self._source.pictures(Fraction(_CALM_FPS), width, height), begin, end))
        if not calm:
            raise SourceError(f"clip {self.clip.name}: has no picture between {self.calm[0]:g} and {self.calm[1]:g} s")
        size = fit(calm[0].width * width, calm[0].height * width, width, height)
        planes = np.stack([frame.to_ndarray(format="yuv420p") for frame in calm])
        mean: NDArray[np.uint8] = np.round(planes.mean(axis=0)).astype(np.uint8)
        empty = av.VideoFrame.from_ndarray(mean, format="yuv420p")
        return _enlarged(empty, width, height, size), size


def stages(video: Path) -> tuple[StagedSource, ...]:
    """Clips with a stretch in which nobody is to be seen: by day, indoors, by night."""
    indoors = video / "intel_one-by-one-person-detection.mp4"
    return (
        StagedSource(video / "ken_pedestrian.mp4", calm=(1.0, 3.5), from_s=4.0),
        StagedSource(indoors, calm=(1.0, 4.0), from_s=5.5),
        StagedSource(video / "ken_night.mp4", calm=(2.5, 4.5), from_s=5.5, noise=3.0),
        StagedSource(indoors, calm=(1.0, 4.0), from_s=22.0),
    )


def _grain(random: np.random.Generator, height: int, width: int, deviation: float) -> NDArray[np.int16]:
    """Noise of a sensor behind its colour filter: neighbours are alike."""
    white = random.standard_normal((height, width), np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), 0.7)
    return np.round(soft * np.float32(deviation / float(soft.std()))).astype(np.int16)


def _enlarged(frame: av.VideoFrame, width: int, height: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """I420 planes ``(height * 3 / 2, width)``: the frame at ``size``, centred on black."""
    scaled = frame.reformat(*size, format="yuv420p")
    planes: NDArray[np.uint8] = scaled.to_ndarray().astype(np.uint8, copy=False)
    if size == (width, height):
        return planes
    bgr = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = bgr
    return cv2.cvtColor(canvas, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
