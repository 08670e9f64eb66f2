"""Locks that stop the deletion of what was recorded: one small file a camera, beside its recordings."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import Field, TypeAdapter

from alerts.event import Plain
from alerts.recording.archive import Archive

LOCKS = "locks.json"


class RecordingLock(Plain):
    """Nothing that overlaps ``begins_at`` to ``ends_at``, UTC epoch s, is deleted: ``reason``, by whom, since when."""

    id: str
    begins_at: float
    ends_at: float
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(min_length=1, max_length=64)
    at: float


_LOCKS = TypeAdapter(tuple[RecordingLock, ...])


class Locks:
    """Of all cameras under an archive. Every method raises ``OSError`` where the file cannot be read or written, and
    ``ValueError`` where it is not one: who cannot know the locks may not delete."""

    def __init__(self, archive: Archive, *, fsync: Callable[[int], None] = os.fsync) -> None:
        self._archive = archive
        self._fsync = fsync
        self._lock = threading.Lock()

    def read(self, camera_id: str) -> tuple[RecordingLock, ...]:
        """In the order of making."""
        try:
            return _LOCKS.validate_json(self._path(camera_id).read_bytes())
        except FileNotFoundError:
            return ()

    def add(self, camera_id: str, lock: RecordingLock) -> None:
        """Durable when it returns; one of the same id is replaced."""
        with self._lock:
            others = (each for each in self.read(camera_id) if each.id != lock.id)
            self._write(camera_id, (*others, lock))

    def remove(self, camera_id: str, lock_id: str) -> RecordingLock | None:
        """The lock that was taken away; ``None`` where there was none of that id."""
        with self._lock:
            locks = self.read(camera_id)
            gone = next((each for each in locks if each.id == lock_id), None)
            if gone is not None:
                self._write(camera_id, tuple(each for each in locks if each is not gone))
            return gone

    def _path(self, camera_id: str) -> Path:
        return self._archive.folder(camera_id) / LOCKS

    def _write(self, camera_id: str, locks: tuple[RecordingLock, ...]) -> None:
        path = self._path(camera_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(_LOCKS.dump_json(locks))
                file.flush()
                self._fsync(file.fileno())
                temporary.rename(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
