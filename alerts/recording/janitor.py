"""The thread that keeps recordings and clips within their share of the disk, and says in time where that gets
difficult.

Of the workers that share a folder one deletes: who holds a lock on a file in it. What it found, and how far recording
has to step back, stands in another file there, by which the others go, too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import structlog
from pydantic import ValidationError
from redis import RedisError

from alerts.event import Plain
from alerts.recording.archive import Archive
from alerts.recording.budget import DAY_S, Stored, modes_at, next_step, plan, takes_clips
from alerts.recording.evidence import PAST, Evidence
from alerts.recording.index import index_of
from alerts.recording.kept_clips import ID_CHARS, KeptClips
from alerts.recording.locks import Locks, RecordingLock
from configs.recording import CameraRecording, RecordingMode, RecordingSettings

log = structlog.get_logger(__name__)

LOOK_S = 2.0
SWEEP_EVERY, URGENT_EVERY = 30, 5
"""Looks between two sweeps through the folder, and where the reserve is being used up."""
AMPLE_SWEEPS = 3
STATE, LOCK = ".state.json", ".janitor.lock"
GB = 1_000_000_000
_TARGET = 0.98  # of the budget: what is written until the next sweep fits, too
_NEARLY = 2.0  # reserves

Warned = Literal["nearly_full", "full", "locked"]


class DiskState(Plain):
    """Recordings and clips at ``at``, UTC epoch s. ``step``: of :data:`alerts.recording.budget.LADDER`, how far
    recording has stepped back; ``short_bytes``: what could not be freed since all is locked or young."""

    v: Literal[1] = 1
    at: float
    used_bytes: int
    budget_bytes: int
    free_bytes: int
    locked_bytes: int = 0
    short_bytes: int = 0
    step: int = 0


Usage = Callable[[Path], tuple[int, int]]
"""Bytes of the disk in all and free."""


def usage_of(folder: Path) -> tuple[int, int]:
    """Of the disk that holds ``folder``; what only root may use does not count as free."""
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


class Janitor:
    """``wanted``: of every camera of the node. ``apply`` hears what each records from now on, at each change, from the
    janitor's thread; ``usage`` raises ``OSError`` where the disk does not answer."""

    def __init__(
        self,
        archive: Archive,
        locks: Locks,
        settings: RecordingSettings,
        wanted: Mapping[str, CameraRecording],
        *,
        apply: Callable[[Mapping[str, RecordingMode]], None],
        clips: KeptClips,
        tell: Callable[[Evidence], None],
        clock: Callable[[], float] = time.time,
        usage: Usage = usage_of,
    ) -> None:
        self._archive = archive
        self._locks = locks
        self._settings = settings
        self._wanted = wanted
        self._apply = apply
        self._clips = clips
        self._tell = tell
        self._clock = clock
        self._usage = usage
        self._held: int | None = None
        self._looks = 0
        self._ample = 0
        self._sizes: dict[str, dict[int, int]] = {}
        self._applied = 0
        self._state: DiskState | None = None
        self._full = False
        self._warned: Warned | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="janitor", daemon=True)
        self._counts = dict.fromkeys(("deleted_files", "deleted_bytes", "deleted_clips", "refused", "errors"), 0)

    def heed(self, wanted: Mapping[str, CameraRecording]) -> None:
        """From now on these are the cameras of the node."""
        self._wanted = wanted

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """End the thread, and let another delete."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._held is not None:
            os.close(self._held)
            self._held = None

    @property
    def full(self) -> bool:
        """Whether the reserve is being used up, so that nothing may be written."""
        return self._full

    @property
    def state(self) -> DiskState | None:
        """The folder as it was seen last; ``None`` before."""
        return self._state

    @property
    def warning(self) -> Warned | None:
        """What a person should know: ``full``, or soon (``nearly_full``), or that locks hold more than fits."""
        return self._warned

    def degraded(self) -> dict[str, RecordingMode]:
        """The cameras that record less than they should, and what they record."""
        wanted = self._wanted
        modes = modes_at(self._applied, wanted)
        return {camera_id: mode for camera_id, mode in modes.items() if mode != wanted[camera_id].mode}

    def counters(self) -> Mapping[str, int]:
        """Since the start."""
        return dict(self._counts)

    def look(self) -> None:
        """One look at the disk; now and then a sweep through the folder."""
        self._archive.root.mkdir(parents=True, exist_ok=True)
        total, free = self._usage(self._archive.root)
        reserve = round(self._settings.reserve_gb * GB)
        self._full = free < reserve / 2
        every = URGENT_EVERY if free < reserve else SWEEP_EVERY
        if self._owner() and self._looks % every == 0:
            self._sweep(total, free, reserve)
        elif self._held is None:
            self._state = self._told() or self._state
        self._looks += 1
        state = self._state
        if state is not None and state.step != self._applied:
            before, self._applied = self.degraded(), state.step
            after = self.degraded()
            self._apply(modes_at(state.step, self._wanted))
            log.warning("recording_steps", step=state.step, before=before, after=after, free_bytes=free)
        self._warn(free, reserve)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except OSError as error:
                self._counts["errors"] += 1
                if self._counts["errors"] % 30 == 1:
                    log.error("recordings_not_looked_after", error=error.strerror, times=self._counts["errors"])
            self._stopping.wait(LOOK_S)

    def _warn(self, free: int, reserve: int) -> None:
        warned: Warned | None = None
        if self._full:
            warned = "full"
        elif self._state is not None and self._state.short_bytes > 0 and self._state.locked_bytes > 0:
            warned = "locked"
        elif self._applied or free < reserve * _NEARLY:
            warned = "nearly_full"
        if warned != self._warned:
            self._warned = warned
            log.warning("recording_disk", state=warned or "enough room again", free_bytes=free)

    def _owner(self) -> bool:
        """Whether this process deletes."""
        if self._held is None:
            handle = os.open(self._archive.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._held = handle
            # A former owner's step goes on: it is taken back only where there is room.
            self._state = self._state or self._told()
        return True

    def _told(self) -> DiskState | None:
        try:
            return DiskState.model_validate_json((self._archive.root / STATE).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            self._counts["errors"] += 1
            return None

    def _sweep(self, total: int, free: int, reserve: int) -> None:
        now = self._clock()
        files = self._stored()
        used = sum(file.bytes for file in files)
        share = self._settings.budget_share * total
        budget = round(share if self._settings.budget_gb is None else self._settings.budget_gb * GB)
        excess = max(0, used - round(_TARGET * budget), reserve - free)
        was = self._state.step if self._state is not None else 0
        keep_after = now - self._settings.keep_days * DAY_S
        made = plan(files, excess_bytes=excess, keep_after=keep_after, clips=takes_clips(was, self._wanted))
        freed = sum(self._delete(file) for file in made.delete)
        short = made.short_bytes > 0
        self._ample = 0 if short else self._ample + 1
        ample = self._ample >= AMPLE_SWEEPS and free + freed > reserve * 1.5
        step = next_step(was, self._wanted, short=short, ample=ample)
        if step != was:
            self._ample = 0
        self._state = DiskState(
            at=now,
            used_bytes=used - freed,
            budget_bytes=budget,
            free_bytes=free,
            locked_bytes=sum(file.bytes for file in files if file.locked),
            short_bytes=made.short_bytes,
            step=step,
        )
        temporary = self._archive.root / (STATE + ".tmp")
        temporary.write_text(self._state.model_dump_json(), "utf-8")
        temporary.rename(self._archive.root / STATE)

    def _stored(self) -> list[Stored]:
        """All recordings and clips; indexes, a thousandth of it, do not count."""
        files: list[Stored] = []
        locked: dict[str, tuple[RecordingLock, ...] | None] = {}
        for camera_id in self._archive.cameras():
            found = self._archive.files(camera_id)
            reaches = {file: reach for file, *reach in self._archive.extents(camera_id)}
            locks = locked[camera_id] = self._locks_of(camera_id)
            known = self._sizes.get(camera_id, {})
            sizes = self._sizes[camera_id] = {}
            for file in found:
                newest = file == found[-1]
                try:
                    size = file.path.stat().st_size if newest or file.number not in known else known[file.number]
                    # One that has lost its index is as old as its last write.
                    begins_at, ends_at = reaches.get(file) or (file.path.stat().st_mtime,) * 2
                except FileNotFoundError:  # deleted meanwhile: it takes no room
                    continue
                if not newest:
                    sizes[file.number] = size
                files.append(
                    Stored(
                        camera_id,
                        file.path.name,
                        begins_at,
                        ends_at,
                        size,
                        open=newest and camera_id in self._wanted,
                        locked=_locked(locks, begins_at, ends_at),
                    )
                )
        for clip in self._clips.read(self._archive.root):
            begins_at, ends_at = clip.moment - self._settings.pre_roll_s, clip.moment + self._settings.post_roll_s
            # Where its name does not say whose it is, everybody's locks hold it.
            holders = [locked.get(clip.camera_id, ())] if clip.camera_id else list(locked.values())
            held = any(_locked(locks, begins_at, ends_at) for locks in holders)
            name = str(clip.path)
            files.append(Stored(clip.camera_id, name, begins_at, ends_at, clip.bytes, locked=held, clip=True))
        return files

    def _locks_of(self, camera_id: str) -> tuple[RecordingLock, ...] | None:
        """``None`` where nobody knows what is locked: nothing of it goes."""
        try:
            return self._locks.read(camera_id)
        except ValueError:
            self._counts["errors"] += 1
            log.error("recording_locks_unreadable", camera_id=camera_id)
            return None

    def _delete(self, file: Stored) -> int:
        path = Path(file.name) if file.clip else self._archive.folder(file.camera_id) / file.name
        try:
            if not file.clip:
                index_of(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        except OSError as error:
            self._counts["refused"] += 1
            log.warning("recording_not_deleted", file=file.name, camera_id=file.camera_id, error=error.strerror)
            return 0
        self._counts["deleted_clips" if file.clip else "deleted_files"] += 1
        self._counts["deleted_bytes"] += file.bytes
        if file.clip:
            self._tell_gone(path.name[:ID_CHARS], file.camera_id)
        return file.bytes

    def _tell_gone(self, event_id: str, camera_id: str) -> None:
        log.warning("clip_deleted", event_id=event_id, camera_id=camera_id)
        try:
            self._tell(Evidence(event_id=event_id, camera_id=camera_id, missing=PAST))
        except RedisError as error:  # who asks for it hears then that it is gone
            log.warning("clip_deletion_not_told", event_id=event_id, error=type(error).__name__)


def _locked(locks: tuple[RecordingLock, ...] | None, begins_at: float, ends_at: float) -> bool:
    return locks is None or any(lock.begins_at < ends_at and lock.ends_at > begins_at for lock in locks)
