"""The detection stage: N threads, each with a session of its own, fed fairly from the cameras' newest frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from detect.detection import Detections
from detect.detector import CameraDetectors, ManyDetector
from detect.tally import StageMetrics, Tally
from ingest.frame import Frame
from ingest.ledger import DropCause

_log = structlog.get_logger(__name__)

_WAIT_S = 0.2  # the longest that a stop goes unnoticed by a thread that waits for a frame


class FrameSource(Protocol):
    """Where frames wait: :class:`ingest.mailbox.Mailboxes`."""

    @property
    def closed(self) -> bool:
        """Whether no frame will come any more."""

    def take_next(self, busy: Collection[str], timeout: float) -> Frame | None:
        """The next frame of a camera not in ``busy``, fair over cameras; ``None`` after ``timeout`` s or at close."""

    def take_some(self, busy: Collection[str], most: int, timeout: float) -> list[Frame]:
        """As :meth:`take_next`, with up to ``most`` frames in its order, each of another camera: those that wait."""

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
class StageHealth:
    """``failures_in_row`` counts over all cameras since the last success; ``error`` names the last failure."""

    phase: Literal["stopped", "running", "failing", "failed"]
    failures_in_row: int
    error: str | None


class DetectionStage:
    """Runs until :meth:`stop`, the source's close, or ``failure_limit`` failures in a row.

    A thread whose detectors take several pictures in one run takes as many frames as wait, each of another camera.
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
        self._tally = Tally(monotonic)
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
        in_row, error = self._tally.failing()
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
        return self._tally.metrics(self._sessions)

    def _run(self, index: int, detectors: CameraDetectors) -> None:
        many = detectors if isinstance(detectors, ManyDetector) and detectors.batch > 1 else None
        try:
            while index < self._sessions and not self._stopping.is_set() and not self._source.closed:
                if many is None:
                    frame = self._take()
                    if frame is not None:
                        self._analyse(detectors, frame)
                else:
                    self._analyse_together(many, detectors, self._take_some(many.batch))
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

    def _take_some(self, most: int) -> list[Frame]:
        if not self._open.wait(_WAIT_S):
            return []
        with self._taking:
            if self._stopping.is_set() or not self._open.is_set():
                return []
            frames = self._source.take_some(self._busy, most, _WAIT_S)
            self._busy.update(frame.camera_id for frame in frames)
            return frames

    def _analyse_together(self, many: ManyDetector, detectors: CameraDetectors, frames: list[Frame]) -> None:
        """In one run; where that fails, one by one, so that a picture that breaks a run costs no other camera's."""
        if len(frames) > 1:
            now, started = self._now(), self._monotonic()
            try:
                found = many.detect_many([frame.picture for frame in frames])
            except Exception as error:  # noqa: BLE001 - supervises a detector: logged, counted, tried one by one
                text = f"{type(error).__name__}: {str(error)[:200]}"
                repeats = self._tally.split(self._monotonic() - started)
                if repeats is not None:
                    place = _place(error)
                    _log.error("batch_failed", frames=len(frames), error=text, place=place, repeats=repeats)
            else:
                share_s = (self._monotonic() - started) / len(frames)
                for frame, detections in zip(frames, found, strict=True):
                    self._deliver(frame, detections, now - frame.captured_at, share_s)
                return
        for frame in frames:
            self._analyse(detectors, frame)

    def _deliver(self, frame: Frame, detections: Detections, wait_s: float, inference_s: float) -> None:
        started = self._monotonic()
        try:
            self._on_result(frame, detections)
        except Exception as error:  # noqa: BLE001 - supervises a callback: logged, counted, limited
            self._failed(frame, "result", error)
        else:
            self._ledger.analysed(frame.camera_id)
            self._tally.succeeded(wait_s, inference_s)
        finally:
            self._tally.spent(inference_s + self._monotonic() - started)
            self._busy.discard(frame.camera_id)
            self._source.notify()

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
            self._tally.succeeded(wait_s, inference_s)
        finally:
            self._tally.spent(self._monotonic() - started)
            self._busy.discard(frame.camera_id)
            self._source.notify()

    def _failed(self, frame: Frame, step: Literal["detect", "result"], error: Exception) -> None:
        self._ledger.dropped(frame.camera_id, DropCause.DETECTOR_ERROR)
        # A callback's exception may hold an address with a password: only a detector's text is told.
        text = f"{type(error).__name__}: {str(error)[:200]}" if step == "detect" else type(error).__name__
        failure = self._tally.failed(frame.camera_id, step, text)
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


def _place(error: Exception) -> str:
    """``file:line`` where it was raised, without the text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "unknown"
