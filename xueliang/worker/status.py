"""The worker's status thread: states to the offline rules, health to Redis, once a second and at each change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import structlog
from redis import RedisError

from alerts.health import CameraHealth, HealthBoard, WorkerInfo
from ingest.camera import CameraIngest
from ingest.state import Phase
from xueliang.worker.analysis import CameraAnalysis
from xueliang.worker.coverage import Coverage

_log = structlog.get_logger(__name__)
INTERVAL_S = 1.0


class Posted:
    """One camera with what follows its states."""

    def __init__(self, ingest: CameraIngest, analysis: CameraAnalysis) -> None:
        self.ingest = ingest
        self.analysis = analysis
        self._coverage = Coverage(ingest.camera.detection)

    def health(self, now: float, worker_id: str, detector_id: str) -> CameraHealth:
        """All that is known of the camera at ``now``, UTC epoch s."""
        told = self.ingest.health()
        gap = self._coverage.look(
            now,
            live=told["phase"] == Phase.LIVE,
            level=self.ingest.level,
            received=told["received"],
            analysed=told["analysed"],
            dropped=told["dropped"],
            analysed_until=self.analysis.analysed_until,
        )
        silence = {} if gap is None else {"unanalysed": gap.cause, "unanalysed_since": gap.since}
        # Of a picture that is not looked at nobody knows how many are on it.
        inside = self.analysis.numbers_inside() if gap is None and told["phase"] == Phase.LIVE else {}
        named = {"worker_id": worker_id, "detector": detector_id, "inside": inside}
        return CameraHealth.model_validate({**told, **silence, **named})


class StatusThread:
    """Runs until :meth:`stop`. While Redis is away the rules still see every state; missed writes are counted."""

    def __init__(
        self,
        worker_id: str,
        info: Callable[[], WorkerInfo],
        cameras: Mapping[str, Posted],
        board: HealthBoard,
        *,
        detector_id: str,
        check: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._worker_id = worker_id
        self._info = info
        self._cameras = cameras
        self._board = board
        self._detector_id = detector_id
        self._check = check
        self._clock = clock
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status", daemon=True)
        self.unwritten = 0

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def poke(self) -> None:
        """A state has changed: look now."""
        self._changed.set()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread and take the worker out of the register."""
        self._stopping.set()
        self._changed.set()
        self._thread.join(timeout_s)
        try:
            self._board.unregister(self._worker_id)
        except RedisError as error:
            _log.warning("worker_not_unregistered", error=type(error).__name__)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._changed.clear()
            self._look()
            self._check()
            self._changed.wait(INTERVAL_S)

    def _look(self) -> None:
        now = self._clock()
        for posted in self._cameras.values():
            posted.analysis.on_state(posted.ingest.state, now)
        entries = [posted.health(now, self._worker_id, self._detector_id) for posted in self._cameras.values()]
        try:
            # Written each time, not once: a Redis that came back empty must find its way to us again.
            self._board.register(self._worker_id, self._info())
            self._board.write_health(entries)
        except RedisError as error:
            self.unwritten += 1
            if self.unwritten % 30 == 1:
                _log.warning("health_not_written", error=type(error).__name__, times=self.unwritten)
