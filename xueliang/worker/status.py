"""The worker's status thread: states to the offline rules, health to Redis, once a second and at each change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from redis import RedisError

from alerts.health import CameraHealth, HealthBoard, WorkerInfo
from ingest.camera import CameraIngest
from xueliang.worker.analysis import CameraAnalysis

_log = structlog.get_logger(__name__)
INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Posted:
    """One camera with what follows its states."""

    ingest: CameraIngest
    analysis: CameraAnalysis


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
        entries = [
            CameraHealth.model_validate(
                {**posted.ingest.health(), "worker_id": self._worker_id, "detector": self._detector_id}
            )
            for posted in self._cameras.values()
        ]
        try:
            # Written each time, not once: a Redis that came back empty must find its way to us again.
            self._board.register(self._worker_id, self._info())
            self._board.write_health(entries)
        except RedisError as error:
            self.unwritten += 1
            if self.unwritten % 30 == 1:
                _log.warning("health_not_written", error=type(error).__name__, times=self.unwritten)
