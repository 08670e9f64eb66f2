"""Looks at all cameras a few times a second, since a reader that is blocked in a read cannot tell that it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from ingest.rtsp.stall import StallGuard

log = structlog.get_logger(__name__)


class Watched(Protocol):
    """What the watch needs of a camera."""

    def last_packets(self) -> list[float]:
        """Of each open session, the monotonic time of its last packet."""

    def tick(self, stalled_here: bool) -> None:
        """Time has passed. ``stalled_here``: all streams of this machine stall at once."""


class Watch:
    """One thread for all cameras of a worker, and the guard against stalls of the whole machine."""

    def __init__(
        self,
        *,
        guard: StallGuard | None = None,
        interval_s: float = 0.2,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard or StallGuard()
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._watched: list[Watched] = []
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.errors = 0

    @property
    def stalls(self) -> int:
        """How often all streams stalled at once."""
        return self._guard.stalls

    def add(self, watched: Watched) -> None:
        """From the next look on, this camera too."""
        with self._lock:
            self._watched.append(watched)

    def remove(self, watched: Watched) -> None:
        """No longer this camera; unknown ones are ignored."""
        with self._lock:
            self._watched = [other for other in self._watched if other is not watched]

    def look(self) -> None:
        """One round over all cameras."""
        with self._lock:
            watched = list(self._watched)
        last_packets = [at for camera in watched for at in camera.last_packets()]
        was_holding = self._guard.holding
        holding = self._guard.look(self._monotonic(), last_packets)
        if holding and not was_holding:
            log.warning("ingest.stalled_here", streams=len(last_packets))
        elif was_holding and not holding:
            log.info("ingest.stall_over", streams=len(last_packets))
        for camera in watched:
            camera.tick(holding)

    def start(self) -> None:
        """Starts the thread; once."""
        self._thread = threading.Thread(target=self._run, name="ingest-watch", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Ends the thread; whether it has ended."""
        self._stopping.set()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_s):
            try:
                self.look()
            except Exception:  # the supervisor of this thread: one broken camera must not blind all others
                self.errors += 1
                log.exception("ingest.watch_failed")
