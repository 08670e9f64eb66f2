"""What reading pictures costs beside the model: decoded frames through the pool, and ONNX Runtime alone.

Both run as many sessions of one thread, in short slices by turns, so that what else the machine does meets both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detect.detection import Detections
from detect.detector import OnnxDetector
from detect.filler import InputFiller
from detect.stage import DetectionStage
from ingest.frame import Frame
from ingest.ledger import FrameLedger
from ingest.pictures import DecodedPicture
from models.spec import ModelSpec

RING = 8
"""Decoded pictures, looked at in turn: more than a core's own caches hold."""


@dataclass(frozen=True, slots=True)
class Slice:
    """``rate``: pictures a second; ``cost_ms``: processor time a picture, of all threads of this process."""

    rate: float
    cost_ms: float


@dataclass(slots=True)
class Comparison:
    """Slice by slice."""

    pool: list[Slice] = field(default_factory=list)
    bare: list[Slice] = field(default_factory=list)

    def ratio(self, of: Callable[[Slice], float]) -> float:
        """Median of the pool's slices to median of the bare ones'."""
        return float(np.median([of(one) for one in self.pool]) / np.median([of(one) for one in self.bare]))


def decoded(file: Path) -> list[av.VideoFrame]:
    """The first pictures of a video."""
    with av.open(str(file)) as container:
        return list(islice(container.decode(video=0), RING))


def compare(
    spec: ModelSpec, frames: Sequence[av.VideoFrame], *, sessions: int, rounds: int, slice_s: float
) -> Comparison:
    """Both by turns, ``rounds`` times; the first slices of both are thrown away."""
    cv2.setNumThreads(1)  # as in a worker
    told = Comparison()
    source = _Tap(frames, cameras=2 * sessions)
    stage = DetectionStage(
        lambda: OnnxDetector(spec, min_score=0.25, nms_iou=0.6), source, source.ledger, source.done, sessions=sessions
    )
    bare = _Bare(spec, frames[0], sessions)
    stage.start()
    with closing(source), closing(bare):
        for turn in range(rounds + 1):
            slices = source.run(slice_s), bare.run(slice_s)
            stage.check()
            if turn:
                told.pool.append(slices[0])
                told.bare.append(slices[1])
    stage.stop()
    return told


class _Tap:
    """A source of frames that is never empty while it is open; a :class:`detect.stage.FrameSource`."""

    def __init__(self, frames: Sequence[av.VideoFrame], cameras: int) -> None:
        self._names = [str(index) for index in range(cameras)]
        self.ledger = FrameLedger(self._names)
        self._frames = frames
        self._counting = threading.Lock()
        self._open = threading.Event()
        self._taken = 0
        self._finished = 0
        self._last = 0.0
        self.closed = False

    def take_next(self, busy: Collection[str], timeout: float) -> Frame | None:
        """See the protocol; called by one thread at a time. There are more cameras than sessions: one is free."""
        if not self._open.wait(timeout) or self.closed:
            return None
        with self._counting:
            if not self._open.is_set():
                return None
            self._taken += 1
        name = next(name for name in self._names if name not in busy)
        self.ledger.received(name)
        now = time.time()
        picture = DecodedPicture(self._frames[self._taken % len(self._frames)])
        return Frame(name, "main", self._taken, now, now, "arrival", picture)

    def notify(self) -> None:
        """See the protocol."""

    def done(self, _frame: Frame, _detections: Detections) -> None:
        """A frame has become detections."""
        with self._counting:
            self._finished += 1
            self._last = time.monotonic()

    def run(self, seconds: float) -> Slice:
        """Open for so long, until the last frame is through."""
        before, began, cpu = self._finished, time.monotonic(), time.process_time()
        self._open.set()
        time.sleep(seconds)
        with self._counting:
            self._open.clear()
        deadline = time.monotonic() + 30
        while self._finished < self._taken:
            if time.monotonic() > deadline:
                raise RuntimeError("efficiency: a frame did not come through the pool within 30 s")
            time.sleep(0.001)
        done = self._finished - before
        return Slice(done / (self._last - began), (time.process_time() - cpu) / done * 1000)

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self._open.set()


class _Bare:
    """ONNX Runtime alone, on a tensor that a real picture filled once."""

    def __init__(self, spec: ModelSpec, frame: av.VideoFrame, sessions: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._sessions = [
            ort.InferenceSession(str(spec.path), options, providers=["CPUExecutionProvider"]) for _ in range(sessions)
        ]
        pixels: NDArray[np.float32] = np.zeros((1, 3, spec.input.height, spec.input.width), np.float32)
        InputFiller(spec.input, pixels[0])(DecodedPicture(frame))
        self._feed = {spec.input.name: pixels}
        self._pool = ThreadPoolExecutor(sessions)

    def run(self, seconds: float) -> Slice:
        """All sessions side by side for so long, until the last run has ended."""
        began, cpu = time.monotonic(), time.process_time()
        ended = list(self._pool.map(lambda session: self._loop(session, began + seconds), self._sessions))
        done = sum(runs for runs, _ in ended)
        return Slice(done / (max(last for _, last in ended) - began), (time.process_time() - cpu) / done * 1000)

    def _loop(self, session: ort.InferenceSession, until: float) -> tuple[int, float]:
        runs, now = 0, time.monotonic()
        while now < until:
            session.run(None, self._feed)
            runs, now = runs + 1, time.monotonic()
        return runs, now

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
