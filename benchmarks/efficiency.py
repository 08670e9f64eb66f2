"""What reading pictures costs beside the model: decoded frames through the pool, and ONNX Runtime alone.

Both run as many sessions of one thread, in short slices by turns, so that what else the machine does meets both. On an
accelerator both run as many pictures at once, and ONNX Runtime alone has them in the device's memory for good.

``python -m benchmarks.efficiency MODEL VIDEO SESSIONS ROUNDS whole|fitted`` compares in a process of its own, on its
processor.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.cases.accuracy import spec_of
from detect.accelerator import CPU, Accelerator
from detect.detection import Detections
from detect.detector import OnnxDetector
from detect.filler import InputFiller
from detect.fitting import fitted, resized
from detect.stage import DetectionStage
from ingest.frame import Frame
from ingest.ledger import FrameLedger
from ingest.pictures import DecodedPicture
from models.manifest import ModelInput
from models.spec import ModelSpec

WHOLE, FITTED = "whole", "fitted"
"""Sizes of the input: as the file has it; as the picture needs it."""
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
    spec: ModelSpec,
    frames: Sequence[av.VideoFrame],
    *,
    sessions: int,
    rounds: int,
    slice_s: float,
    accelerator: Accelerator = CPU,
    batch: int = 1,
    fit: bool = False,
) -> Comparison:
    """Both by turns, ``rounds`` times; the first slices of both are thrown away.

    ``fit``: both at the size of the input that these pictures need, else both at the whole.

    Raises :class:`models.errors.ModelError` where the model does not run on ``accelerator``.
    """
    cv2.setNumThreads(1)  # as in a worker

    def open_detectors() -> OnnxDetector:
        return OnnxDetector(spec, min_score=0.25, nms_iou=0.6, accelerator=accelerator, batch=batch, fit=fit)

    told = Comparison()
    source = _Tap(frames, cameras=2 * sessions * batch)
    stage = DetectionStage(open_detectors, source, source.ledger, source.done, sessions=sessions)
    width, height = fitted(spec.input, frames[0].width, frames[0].height)
    at = spec.input.model_copy(update={"width": width, "height": height}) if fit else spec.input
    bare = _Bare(spec, at, frames[0], sessions, accelerator, batch)
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
        self._taken = self._shown = 0
        self._finished = 0
        self._last = 0.0
        self.closed = False

    def take_next(self, busy: Collection[str], timeout: float) -> Frame | None:
        """See the protocol; called by one thread at a time. There are more cameras than sessions: one is free."""
        return next(iter(self.take_some(busy, 1, timeout)), None)

    def take_some(self, busy: Collection[str], most: int, timeout: float) -> list[Frame]:
        """See the protocol."""
        if not self._open.wait(timeout) or self.closed:
            return []
        with self._counting:
            if not self._open.is_set():
                return []
            self._taken += most
        return [self._frame(name) for name in islice((name for name in self._names if name not in busy), most)]

    def _frame(self, name: str) -> Frame:
        self._shown += 1
        self.ledger.received(name)
        now = time.time()
        picture = DecodedPicture(self._frames[self._shown % len(self._frames)])
        return Frame(name, "main", self._shown, now, now, "arrival", picture)

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

    def __init__(
        self,
        spec: ModelSpec,
        at: ModelInput,
        frame: av.VideoFrame,
        sessions: int,
        accelerator: Accelerator,
        batch: int,
    ) -> None:
        pixels: NDArray[np.float32] = np.zeros((batch, 3, at.height, at.width), np.float32)
        for target in pixels:
            InputFiller(at, target)(DecodedPicture(frame))
        self._batch = batch
        data = spec.path.read_bytes() if at == spec.input else resized(spec.path.read_bytes(), at)
        self._runs = [_bare_run(data, at, accelerator, pixels) for _ in range(sessions)]
        self._pool = ThreadPoolExecutor(sessions)

    def run(self, seconds: float) -> Slice:
        """All sessions side by side for so long, until the last run has ended."""
        began, cpu = time.monotonic(), time.process_time()
        ended = list(self._pool.map(lambda run: self._loop(run, began + seconds), self._runs))
        done = self._batch * sum(runs for runs, _ in ended)
        return Slice(done / (max(last for _, last in ended) - began), (time.process_time() - cpu) / done * 1000)

    def _loop(self, run: Callable[[], object], until: float) -> tuple[int, float]:
        runs, now = 0, time.monotonic()
        while now < until:
            run()
            runs, now = runs + 1, time.monotonic()
        return runs, now

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _bare_run(
    data: bytes, at: ModelInput, accelerator: Accelerator, pixels: NDArray[np.float32]
) -> Callable[[], object]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = [(name, dict(options_of)) for name, options_of in accelerator.providers]
    session = ort.InferenceSession(data, options, providers=providers)
    sizes = np.tile(np.array([at.width, at.height], np.int64), (len(pixels), 1))
    feed = {port.name: pixels if port.name == at.name else sizes for port in session.get_inputs()}
    if accelerator.bound_to is None:
        return partial(session.run, None, feed)
    binding = session.io_binding()
    for name, values in feed.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(values, *accelerator.bound_to))
    for output in session.get_outputs():
        binding.bind_output(output.name, "cpu")
    return partial(session.run_with_iobinding, binding)


def main(argv: Sequence[str]) -> None:
    """Prints the slices as JSON."""
    model, video, sessions, rounds, size = argv
    told = compare(
        spec_of(Path(model)),
        decoded(Path(video)),
        sessions=int(sessions),
        rounds=int(rounds),
        slice_s=1.0,
        fit=size == FITTED,
    )
    print(json.dumps(asdict(told)))


if __name__ == "__main__":
    main(sys.argv[1:])
