"""The thread that writes a worker's recordings: GOPs as fragments into files of some minutes, each with its index.

Readers hand over what they have read and never wait: what does not fit into the bounded queue is dropped, counted, and
told as a gap. A fragment is whole in the file before the next is begun, so that a killed process loses the GOP in the
making and what was queued within the last milliseconds. Files reach the disk (fsync) when they are closed.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from alerts.recording.archive import Archive
from alerts.recording.gop import Gop
from alerts.recording.index import ENTRY_SIZE, MEDIA, Fragment, index_of
from ingest.fmp4 import gop_fragment, init_segment
from ingest.packet import ParameterSets

log = structlog.get_logger(__name__)

BOUND_BYTES = 64 * 1024 * 1024
BACKWARDS_S = 1.0
"""A clock that was put back by more begins a new file; less is the jitter of arrival."""
SLOW_S = 1.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Write = Callable[[int, bytes | memoryview], int]


@dataclass(slots=True)
class _OpenFile:
    media: int
    index: int
    path: Path
    parameters: ParameterSets
    began_at: float
    size: int
    ends_at: float
    fragments: int = 0


@dataclass(slots=True)
class _Camera:
    """``number``: of its next file. ``first``: nothing of it was ever recorded, so nothing is missing before."""

    number: int
    file: _OpenFile | None = None
    missing: str = ""
    failing: bool = False
    first: bool = False


class RecordingWriter:
    """Call :meth:`submit` from any thread between :meth:`start` and :meth:`stop`.

    ``full()`` says that nothing may be written any more. ``clock`` is monotonic seconds, ``write`` as :func:`os.write`.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        file_s: float,
        full: Callable[[], bool] = lambda: False,
        bound_bytes: int = BOUND_BYTES,
        clock: Callable[[], float] = time.monotonic,
        write: Write = os.write,
        fsync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self._archive = archive
        self._file_s = file_s
        self._full = full
        self._bound = bound_bytes
        self._clock = clock
        self._write = write
        self._fsync = fsync
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, Gop, str, int]] = deque()
        self._waiting_bytes = 0
        self._stopping = False
        self._cameras: dict[str, _Camera] = {}
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._counts = dict.fromkeys(
            ("fragments", "bytes", "files", "dropped", "refused_full", "failed", "before_key", "repaired"), 0
        )

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def submit(self, camera_id: str, gop: Gop, missing: str) -> bool:
        """Queue a GOP; ``False`` where the queue is full and it was dropped."""
        size = gop.size
        with self._changed:
            if self._stopping or self._waiting_bytes + size > self._bound:
                self._counts["dropped"] += 1
                return False
            self._waiting.append((camera_id, gop, missing, size))
            self._waiting_bytes += size
            self._changed.notify()
            return True

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Write what waits and close the files; whether that was done in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait_written(self, timeout_s: float) -> bool:
        """Whether everything submitted so far was dealt with within ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting_bytes == 0 and not self._waiting, timeout_s)

    def missing(self, camera_id: str) -> str:
        """Why the last GOP of the camera was not written; empty where it was."""
        camera = self._cameras.get(camera_id)
        return "" if camera is None else camera.missing

    def counters(self) -> Mapping[str, int]:
        """Since the start; ``waiting_bytes`` now."""
        with self._changed:
            return {**self._counts, "waiting_bytes": self._waiting_bytes}

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                if not self._waiting:
                    break
                camera_id, gop, missing, size = self._waiting[0]
            began = self._clock()
            self._take(camera_id, gop, missing)
            took_s = self._clock() - began
            if took_s > SLOW_S:
                log.warning("recording_slow", camera_id=camera_id, took_s=round(took_s, 2))
            with self._changed:
                self._waiting.popleft()
                self._waiting_bytes -= size
                self._changed.notify_all()
        for camera in self._cameras.values():
            self._close(camera)

    def _take(self, camera_id: str, gop: Gop, missing: str) -> None:
        camera = self._cameras.get(camera_id)
        try:
            if camera is None:
                self._counts["repaired"] += self._archive.repair(camera_id)
                camera = self._cameras[camera_id] = _Camera(
                    number := self._archive.next_number(camera_id), first=number == 1
                )
            self._put(camera_id, camera, gop, missing)
        except OSError as error:
            full = error.errno in _FULL
            self._counts["refused_full" if full else "failed"] += 1
            if camera is None:
                log.error("recording_failed", camera_id=camera_id, error=error.strerror)
                return
            camera.missing = "disk_full" if full else "write_error"
            if not camera.failing:
                log.error("recording_failed", camera_id=camera_id, error=error.strerror)
            camera.failing = True
            self._close(camera)

    def _put(self, camera_id: str, camera: _Camera, gop: Gop, missing: str) -> None:
        if self._full():
            raise OSError(errno.ENOSPC, "the reserve of the disk is reached")
        file = camera.file
        if file is not None and gop.key:
            backwards = gop.begins_at < file.ends_at - BACKWARDS_S
            if backwards:
                camera.missing = "clock_back"
            old = gop.begins_at - file.began_at >= self._file_s
            if backwards or old or gop.units[0].parameters != file.parameters:
                self._close(camera)
        file = camera.file
        if file is None:
            if not gop.key:
                self._counts["before_key"] += 1
                return
            file = camera.file = self._open(camera_id, camera, gop)
        data = gop_fragment(gop.units, file.fragments + 1, gop.durations)
        self._append(file.media, data, file.size)
        fragment = Fragment(
            begins_at=gop.begins_at,
            duration=sum(gop.durations),
            dts=gop.units[0].dts,
            offset=file.size,
            size=len(data),
            key=gop.key,
            missing=camera.missing or ("" if camera.first else missing),
        )
        try:
            self._append(file.index, fragment.pack(), file.fragments * ENTRY_SIZE)
        except OSError:
            os.ftruncate(file.media, file.size)  # what is not entered was not recorded
            raise
        file.size += len(data)
        file.fragments += 1
        file.ends_at = fragment.ends_at
        camera.missing, camera.failing, camera.first = "", False, False
        self._counts["fragments"] += 1
        self._counts["bytes"] += len(data)

    def _append(self, handle: int, data: bytes, at: int) -> None:
        """All of it or nothing: a reader of the file's end finds nothing torn after a full disk."""
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._write(handle, rest) :]
        except OSError:
            os.ftruncate(handle, at)
            raise

    def _open(self, camera_id: str, camera: _Camera, gop: Gop) -> _OpenFile:
        folder = self._archive.folder(camera_id)
        folder.mkdir(parents=True, exist_ok=True)
        began = datetime.fromtimestamp(gop.begins_at, UTC)
        path = folder / f"{camera.number:08d}-{began:%Y%m%dT%H%M%SZ}{MEDIA}"
        camera.number += 1
        parameters = gop.units[0].parameters
        init = init_segment(parameters)
        media = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            index = os.open(index_of(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o640)
            self._append(media, init, 0)
        except OSError:
            os.close(media)
            path.unlink()
            index_of(path).unlink(missing_ok=True)
            raise
        self._counts["files"] += 1
        return _OpenFile(media, index, path, parameters, gop.begins_at, len(init), gop.begins_at)

    def _close(self, camera: _Camera) -> None:
        file, camera.file = camera.file, None
        if file is None:
            return
        for handle in (file.media, file.index):
            try:
                self._fsync(handle)
            except OSError as error:
                self._counts["failed"] += 1
                log.error("recording_not_synced", file=file.path.name, error=error.strerror)
            finally:
                os.close(handle)
        if not file.fragments:
            index_of(file.path).unlink(missing_ok=True)
            file.path.unlink(missing_ok=True)
