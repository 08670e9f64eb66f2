"""The thread that cuts the clips of alarms out of what is recorded, when their post-roll has passed.

What is asked for stands as a small file beside the recordings until somebody has been told of the clip, so that a
worker that was killed in between cuts it after its restart, and a Redis that is away costs nothing.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import ValidationError
from redis import RedisError

from alerts.event import Plain
from alerts.recording.archive import Archive
from alerts.recording.clip_file import NothingRecorded, relative_path, write_clip
from alerts.recording.evidence import Evidence

log = structlog.get_logger(__name__)

PATIENCE_S = 15.0
"""How long after its post-roll a clip waits for the GOP that holds its end; then it takes what there is."""
RETRY_S = 1.0
SLOW_S = 1.0
PENDING = "pending"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ClipRequest(Plain):
    """A clip to be: of the time around ``moment``, UTC epoch s."""

    event_id: str
    camera_id: str
    moment: float
    begins_at: float
    ends_at: float


@dataclass(slots=True)
class _Pending:
    request: ClipRequest
    spool: Path
    due_at: float
    evidence: Evidence | None = None
    asked_again: bool = False


class ClipWriter:
    """Call :meth:`request` from any thread. ``sink`` brings an :class:`Evidence` to whoever stores it; where it raises
    ``RedisError`` it is called again later.

    ``missing`` says why a camera is not recorded now, ``full`` that nothing may be written. ``clock``: UTC epoch s.
    """

    def __init__(
        self,
        archive: Archive,
        evidence: Path,
        sink: Callable[[Evidence], None],
        *,
        missing: Callable[[str], str],
        full: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._archive = archive
        self._evidence = evidence
        self._sink = sink
        self._missing = missing
        self._full = full
        self._clock = clock
        self._changed = threading.Condition()
        self._pending: dict[str, _Pending] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="clips", daemon=True)
        self._counts = dict.fromkeys(("written", "not_kept", "failed", "untold", "bytes"), 0)

    def start(self, camera_ids: frozenset[str]) -> None:
        """Start the thread; clips of these cameras that an earlier life left undone are done."""
        for camera_id in camera_ids:
            for spool in (self._archive.folder(camera_id) / PENDING).glob("*.json"):
                try:
                    request = ClipRequest.model_validate_json(spool.read_bytes())
                except (OSError, ValidationError) as error:
                    self._counts["failed"] += 1
                    log.warning("clip_request_unreadable", file=spool.name, error=type(error).__name__)
                    spool.unlink(missing_ok=True)
                    continue
                self._pending[request.event_id] = _Pending(request, spool, request.ends_at)
        self._thread.start()

    def request(self, request: ClipRequest) -> None:
        """Cut this clip when its time has come; an event that is asked for twice has one."""
        spool = self._archive.folder(request.camera_id) / PENDING / f"{request.event_id}.json"
        with self._changed:
            if self._stopping or request.event_id in self._pending:
                return
            self._pending[request.event_id] = _Pending(request, spool, request.ends_at)
            self._changed.notify()
        try:
            spool.parent.mkdir(parents=True, exist_ok=True)
            spool.write_text(request.model_dump_json(), "utf-8")
        except OSError as error:  # it is cut all the same, unless this process is killed before
            log.warning("clip_request_not_kept", event_id=request.event_id, error=error.strerror)

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End the thread; what is not done is done by the next start. Whether it has ended."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def counters(self) -> Mapping[str, int]:
        """Since the start; ``pending`` now."""
        with self._changed:
            return {**self._counts, "pending": len(self._pending)}

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                now = self._clock()
                due = [each for each in self._pending.values() if each.due_at <= now]
                if not due:
                    following = min((each.due_at for each in self._pending.values()), default=now + 3600)
                    self._changed.wait(max(0.05, min(following - now, 60.0)))
                    continue
            for pending in due:
                self._attend(pending)

    def _attend(self, pending: _Pending) -> None:
        if pending.evidence is None:
            pending.evidence = self._cut(pending)
        if pending.evidence is None:
            pending.due_at = self._clock() + RETRY_S / 2
            return
        try:
            self._sink(pending.evidence)
        except RedisError as error:
            self._counts["untold"] += 1
            if not pending.asked_again:
                log.warning("clip_not_told", event_id=pending.request.event_id, error=type(error).__name__)
            pending.asked_again = True
            pending.due_at = self._clock() + RETRY_S
            return
        with self._changed:
            del self._pending[pending.request.event_id]
        try:
            pending.spool.unlink(missing_ok=True)
        except OSError as error:  # cut and told again after a restart, under the same id
            log.warning("clip_request_not_removed", event_id=pending.request.event_id, error=error.strerror)

    def _cut(self, pending: _Pending) -> Evidence | None:
        """``None`` while the end of the clip is still to come."""
        request = pending.request
        newest = self._archive.newest(request.camera_id)
        to_come = (newest is None or newest < request.ends_at) and not self._full()
        if to_come and self._clock() < request.ends_at + PATIENCE_S:
            return None
        told = Evidence(event_id=request.event_id, camera_id=request.camera_id)
        path = relative_path(request.event_id, request.camera_id, request.moment)
        span = (request.begins_at, request.ends_at)
        began = time.perf_counter()
        try:
            if self._full():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            clip = write_clip(self._archive, request.camera_id, span, request.moment, self._evidence / path)
        except NothingRecorded:
            self._counts["not_kept"] += 1
            missing = self._missing(request.camera_id) or "unknown"
            log.info("clip_not_kept", event_id=request.event_id, camera_id=request.camera_id, missing=missing)
            return told.model_copy(update={"missing": missing})
        except (OSError, ValueError) as error:
            full = isinstance(error, OSError) and error.errno in _FULL
            self._counts["not_kept" if full else "failed"] += 1
            log.error("clip_failed", event_id=request.event_id, camera_id=request.camera_id, error=str(error))
            return told.model_copy(update={"missing": "disk_full" if full else "write_error"})
        took_s = time.perf_counter() - began
        if took_s > SLOW_S:
            log.warning("clip_slow", event_id=request.event_id, bytes=clip.bytes, took_s=round(took_s, 2))
        self._counts["written"] += 1
        self._counts["bytes"] += clip.bytes
        return told.model_copy(
            update={
                "path": path,
                "sha256": clip.sha256,
                "begins_at": clip.begins_at,
                "ends_at": clip.ends_at,
                "bytes": clip.bytes,
            }
        )
