"""The detection stage: N threads, each with a session of its own, fed fairly from the cameras' newest frames."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Literal, Protocol

import structlog

from detect.detection import Detections
from detect.detector import CameraDetectors
from ingest.frame import Frame
from ingest.ledger import DropCause

_log = structlog.get_logger(__name__)

_WAIT_S = 0.2  # the longest that a stop goes unnoticed by a thread that waits for a frame
_REPEAT_LOG_S = 10.0
_BOUNDS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class FrameSource(Protocol):
    """Where frames wait: :class:`ingest.mailbox.Mailboxes`."""

    @property
    def closed(self) -> bool:
        """Whether no frame will come any more."""

    def take_next(self, busy: Collection[str], timeout: float) -> Frame | None:
        """The next frame of a camera not in ``busy``, fair over cameras; ``None`` after ``timeout`` s or at close."""

    def notify(self) -> None:
        """Wakes a waiting :meth:`take_next`, since ``busy`` has changed."""


class Ledger(Protocol):
    """Where frames are accounted: :class:`ingest.ledger.FrameLedger`."""

    def analysed(self, camera_id: str) -> None:
        """A frame went through detector and rules."""

    def dropped(self, camera_id: str, cause: DropCause) -> None:
        """A frame was given up."""


class DetectionFailedError(RuntimeError):
    """Frame after frame failed, whatever the camera: the stage has stopped, and its process should be restarted."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[i]`` observations were at most ``bounds_s[i]`` (not cumulative); the last of ``counts`` is the rest."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float

    def quantile_since(self, earlier: Histogram, share: float) -> float | None:
        """The bound under which at least ``share`` of the observations since ``earlier`` lie, seconds.

        ``None`` without any; infinite where they lie beyond the last bound.
        """
        counts = [now - before for now, before in zip(self.counts, earlier.counts, strict=True)]
        wanted = share * sum(counts)
        if not wanted:
            return None
        below = accumulate(counts)
        return next(bound for bound, n in zip((*self.bounds_s, inf), below, strict=True) if n >= wanted)


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """``wait``: from capture to the start of inference. ``inference``: letterbox to NMS. ``errors``: by step.

    ``busy_s``: what all threads together spent on frames, rules included. ``sessions``: threads now.
    """

    sessions: int
    busy_s: float
    analysed: int
    errors: dict[str, int]
    wait: Histogram
    inference: Histogram


@dataclass(frozen=True, slots=True)
class StageHealth:
    """``failures_in_row`` counts over all cameras since the last success; ``error`` names the last failure."""

    phase: Literal["stopped", "running", "failing", "failed"]
    failures_in_row: int
    error: str | None


class DetectionStage:
    """Runs until :meth:`stop`, the source's close, or ``failure_limit`` failures in a row.

    A camera is never in two threads at once, so its results come in order. ``on_result(frame, detections)`` is called
    on the detecting thread; only after it the frame counts as analysed. A failure of the detector or of ``on_result``
    drops the frame with its cause: nobody is told that nothing was seen. ``now`` is UTC epoch s, as capture times are.
    """

    def __init__(
        self,
        open_detectors: Callable[[], CameraDetectors],
        source: FrameSource,
        ledger: Ledger,
        on_result: Callable[[Frame, Detections], None],
        *,
        sessions: int = 1,
        failure_limit: int = 20,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if sessions < 1 or failure_limit < 1:
            raise ValueError(f"want at least one session and one failure, got {sessions} and {failure_limit}")
        self._open_detectors = open_detectors
        self._source = source
        self._ledger = ledger
        self._on_result = on_result
        self._sessions = sessions
        self._failure_limit = failure_limit
        self._now = now
        self._monotonic = monotonic
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._taking = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._busy: set[str] = set()
        self._book = _Book(monotonic)
        self._fatal: str | None = None

    def start(self) -> None:
        """Opens every session, then starts the threads. Raises what opening raises, and then nothing runs."""
        if self._threads:
            raise RuntimeError("the stage was started before")
        for index, detectors in enumerate([self._open_detectors() for _ in range(self._sessions)]):
            self._add_thread(index, detectors)

    def resize(self, sessions: int) -> None:
        """From now on, or from the start on, so many threads.

        Opens sessions for more, and lets the others end their frame for fewer. Called by one thread. Raises what
        opening raises, and then nothing has changed.
        """
        if sessions < 1:
            raise ValueError(f"want at least one session, got {sessions}")
        if not self._threads:
            self._sessions = sessions
        if self._stopping.is_set() or not self._threads:
            return
        wanted = range(sessions)
        missing = [index for index in wanted if index >= len(self._threads) or not self._threads[index].is_alive()]
        opened = [self._open_detectors() for _ in missing]
        self._sessions = sessions
        for index, detectors in zip(missing, opened, strict=True):
            self._add_thread(index, detectors)

    def _add_thread(self, index: int, detectors: CameraDetectors) -> None:
        thread = threading.Thread(target=self._run, args=(index, detectors), name=f"detect-{index}", daemon=True)
        self._threads[index : index + 1] = [thread]
        thread.start()

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """No new frame is taken inside; those in hand go on. For measurements of a second at most."""
        self._open.clear()
        try:
            with self._taking:
                pass  # whoever was taking a frame has it
            yield
        finally:
            self._open.set()

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Lets each thread end its frame, and waits for all. ``False``, and a log line, when one did not end in time.

        Frames that still wait in the source are the source's to count.
        """
        self._stopping.set()
        deadline = self._monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._monotonic()))
        left = [thread.name for thread in self._threads if thread.is_alive()]
        if left:
            _log.error("detection_stop_timed_out", threads=left, timeout_s=timeout_s)
        return not left

    @property
    def health(self) -> StageHealth:
        """What the stage is doing, for the worker's health."""
        in_row, error = self._book.failing()
        if self._fatal is not None:
            return StageHealth("failed", in_row, self._fatal)
        if not any(thread.is_alive() for thread in self._threads):
            return StageHealth("stopped", in_row, error)
        return StageHealth("failing" if in_row else "running", in_row, error)

    def check(self) -> None:
        """Raises :class:`DetectionFailedError` once the limit is reached; for the supervisor's loop."""
        if self._fatal is not None:
            raise DetectionFailedError(self._fatal)

    def metrics(self) -> StageMetrics:
        """The counters since the start."""
        return self._book.metrics(self._sessions)

    def _run(self, index: int, detectors: CameraDetectors) -> None:
        try:
            while index < self._sessions and not self._stopping.is_set() and not self._source.closed:
                frame = self._take()
                if frame is not None:
                    self._analyse(detectors, frame)
        except Exception as error:  # noqa: BLE001 - a dead thread must be told, not vanish
            # The frame was handled below: what comes here is a fault of the stage's own books or of the source.
            self._give_up(f"the detection thread ended: {type(error).__name__}")
            _log.exception("detection_thread_ended")

    def _take(self) -> Frame | None:
        if not self._open.wait(_WAIT_S):
            return None
        # One thread waits at the source, the others behind it: taking a frame and marking its camera busy is one step.
        with self._taking:
            if self._stopping.is_set() or not self._open.is_set():
                return None
            frame = self._source.take_next(self._busy, _WAIT_S)
            if frame is not None:
                self._busy.add(frame.camera_id)
            return frame

    def _analyse(self, detectors: CameraDetectors, frame: Frame) -> None:
        step: Literal["detect", "result"] = "detect"
        wait_s, started = self._now() - frame.captured_at, self._monotonic()
        try:
            detections = detectors.for_camera(frame.camera_id).detect(frame.picture)
            inference_s = self._monotonic() - started
            step = "result"
            self._on_result(frame, detections)
        except Exception as error:  # noqa: BLE001 - supervises a detector and a callback: logged, counted, limited
            self._failed(frame, step, error)
        else:
            self._ledger.analysed(frame.camera_id)
            self._book.succeeded(wait_s, inference_s)
        finally:
            self._book.spent(self._monotonic() - started)
            self._busy.discard(frame.camera_id)
            self._source.notify()

    def _failed(self, frame: Frame, step: Literal["detect", "result"], error: Exception) -> None:
        self._ledger.dropped(frame.camera_id, DropCause.DETECTOR_ERROR)
        # A callback's exception may hold an address with a password: only a detector's text is told.
        text = f"{type(error).__name__}: {str(error)[:200]}" if step == "detect" else type(error).__name__
        failure = self._book.failed(frame.camera_id, step, text)
        if failure.repeats is not None:
            place = _place(error)
            _log.error(
                "frame_failed", camera_id=frame.camera_id, step=step, error=text, place=place, repeats=failure.repeats
            )
        if failure.in_row >= self._failure_limit:
            self._give_up(f"{failure.in_row} frames in a row failed, the last in step {step} with {text}")

    def _give_up(self, reason: str) -> None:
        if self._fatal is None:
            self._fatal = reason
            _log.critical("detection_failed", reason=reason)
        self._stopping.set()


@dataclass(frozen=True, slots=True)
class _Failure:
    """``repeats``: how many alike were kept silent since the last line; ``None`` where this one is silent too."""

    in_row: int
    repeats: int | None


class _Timings:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(_BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    def histogram(self) -> Histogram:
        return Histogram(_BOUNDS_S, tuple(self._counts), self._sum_s)


class _Book:
    """What the threads count together."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._analysed = 0
        self._busy_s = 0.0
        self._errors = {"detect": 0, "result": 0}
        self._wait, self._inference = _Timings(), _Timings()
        self._in_row = 0
        self._last_error: str | None = None
        self._silent: dict[tuple[str, str], tuple[float, int]] = {}

    def succeeded(self, wait_s: float, inference_s: float) -> None:
        with self._lock:
            self._analysed += 1
            self._in_row = 0
            self._wait.add(wait_s)
            self._inference.add(inference_s)

    def spent(self, seconds: float) -> None:
        with self._lock:
            self._busy_s += seconds

    def failed(self, camera_id: str, step: str, text: str) -> _Failure:
        now = self._monotonic()
        with self._lock:
            self._errors[step] += 1
            self._in_row += 1
            self._last_error = f"camera {camera_id}, step {step}: {text}"
            told_at, repeats = self._silent.get((camera_id, step), (None, 0))
            if told_at is not None and now - told_at < _REPEAT_LOG_S:
                self._silent[camera_id, step] = told_at, repeats + 1
                return _Failure(self._in_row, None)
            self._silent[camera_id, step] = now, 0
            return _Failure(self._in_row, repeats)

    def failing(self) -> tuple[int, str | None]:
        with self._lock:
            return self._in_row, self._last_error if self._in_row else None

    def metrics(self, sessions: int) -> StageMetrics:
        with self._lock:
            return StageMetrics(
                sessions=sessions,
                busy_s=self._busy_s,
                analysed=self._analysed,
                errors=dict(self._errors),
                wait=self._wait.histogram(),
                inference=self._inference.histogram(),
            )


def _place(error: Exception) -> str:
    """``file:line`` where it was raised, without the text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "unknown"
