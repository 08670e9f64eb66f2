"""Pictures for the built-in model: bursts of drawn scenes that went through the simulator's own H.264.

Splits share no seed: training 10,000 up, choice of the weights 9,000 to 9,999, tests 8,000 to 8,999.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from detect.letterbox import Letterbox
from ingest.pictures import DecodedPicture
from ingest.simulator.encode import Profile, Profiles, encode
from ingest.simulator.scene.scene import Scene, SceneKind

INPUT = (448, 256)
"""Width and height of the network's input, px."""
CLASSES = ("person", "bicycle", "car", "bus", "truck")
TRAINING_SEEDS = 10_000

_SUB = Profile(640, 360, Fraction(25, 2), 400_000)  # what cameras of the simulator send as their sub-stream
_TINY = Profile(64, 36, Fraction(25, 2), 20_000)  # the encoder writes two streams; this one is not looked at
_STEP = 2  # scene frames (25/s) for one of the sub-stream
_BURST = 5


@dataclass(frozen=True)
class Samples:
    """``pictures`` uint8 ``(n, h, w, 3)`` BGR, scaled as the detector scales, without padding.

    ``objects`` float32 ``(m, 8)``: picture, class, x1, y1, x2, y2 in input px, visible share, share inside.
    """

    pictures: NDArray[np.uint8]
    objects: NDArray[np.float32]

    def of(self, index: int) -> NDArray[np.float32]:
        """Objects of one picture, ``(k, 7)``: without the picture's number."""
        return self.objects[self.objects[:, 0] == index, 1:]


@dataclass(frozen=True)
class _Burst:
    """A source for the encoder: a few frames of a scene from ``first`` on."""

    scene: Scene
    first: int

    @property
    def title(self) -> str:
        return "burst"

    def identity(self) -> str:
        return "burst"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:  # noqa: ARG002
        for number in range(_BURST):
            bgr, _ = self.scene.frame(self.first + _STEP * number)
            if (self.scene.width, self.scene.height) != (width, height):
                bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).astype(np.uint8, copy=False)
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def render(seed: int, bursts: int) -> Samples:
    """A scene's first and last picture of each burst. Kind, time of day, size and length follow from the seed."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng((seed, 11))
    kind = tuple(SceneKind)[seed % 5]
    width, height = ((1280, 720), (640, 360))[int(rng.random() < 0.3)]
    scene = Scene(seed, kind, seed // 5 % 2 == 1, width, height, seconds=int(rng.choice((14, 20, 20, 26))))
    pictures: list[NDArray[np.uint8]] = []
    objects: list[NDArray[np.float32]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(bursts):
            first = int(scene.frame_count * (number + rng.random()) / bursts)
            main, sub = Path(folder, f"{number}.main.mp4"), Path(folder, f"{number}.sub.mp4")
            # The tiny stream is "sub" to the encoder: it draws at the size of "main".
            encode(_Burst(scene, first), Profiles(main=_SUB, sub=_TINY), main, sub, lambda: False)
            with av.open(str(main)) as container:
                decoded = list(container.decode(video=0))
            for at in (0, _BURST - 1):
                objects.append(_truth(scene, first + _STEP * at, len(pictures)))
                pictures.append(_scaled(decoded[at]))
    return Samples(np.stack(pictures), np.concatenate(objects))


def _scaled(frame: av.VideoFrame) -> NDArray[np.uint8]:
    box = Letterbox.fit(frame.width, frame.height, *INPUT)
    return DecodedPicture(frame).bgr(box.width, box.height)


def _truth(scene: Scene, index: int, number: int) -> NDArray[np.float32]:
    scale = np.array([640, 360, 640, 360]) * Letterbox.fit(640, 360, *INPUT).scale
    rows = [
        (number, CLASSES.index(truth.label), *(np.array(truth.box) * scale), visible, truth.inside)
        for truth, visible in scene.seen(index)
    ]
    return np.array(rows, np.float32).reshape(-1, 8)


def render_all(seeds: Sequence[int], bursts: int, processes: int) -> Samples:
    """All scenes, in the order of seeds."""
    with ProcessPoolExecutor(processes) as pool:
        parts = list(pool.map(render, seeds, [bursts] * len(seeds), chunksize=4))
    offset = 0
    for part in parts:
        part.objects[:, 0] += offset
        offset += len(part.pictures)
    return Samples(np.concatenate([p.pictures for p in parts]), np.concatenate([p.objects for p in parts]))
