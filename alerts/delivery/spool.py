"""The worker's spool: candidates on the disk before they count as reported, until nothing depends on them any more.

Append-only segments in a folder of the worker's own. A batch of candidates costs one write and one fsync (group commit,
as databases do). A candidate stays until it is *settled*: an event once the historian has stored it and its situation
is over, a repeat once the stream has told it. Until then it can be sent again; its id makes that harmless. Marks that
say what is stored or settled are not fsynced: one that is lost costs a sending that is recognised.

Segments go oldest first, so that a mark never goes before the candidate that it is about; what still lives in an old
segment is copied into the newest. Size is bounded; what does not fit, or what a full or broken disk refuses, is
counted and goes on from memory.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import structlog
from pydantic import ValidationError

from alerts.delivery.spool_file import (
    CANDIDATE,
    HEADER,
    MERGED,
    SETTLED,
    STORED,
    Record,
    decode_ids,
    encode,
    encode_ids,
    scan,
)
from alerts.event import Candidate

log = structlog.get_logger(__name__)

BOUND_BYTES = 256 * 1024 * 1024
SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENTS = 8
"""Beyond so many, what still lives in the oldest is copied forward."""

NUMBER_BYTES = 8
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Kept:
    """One of the spool. ``stored``: the historian has it; ``merged_into``: the event that counts it as a hit."""

    candidate: Candidate
    stored: bool
    merged_into: str | None = None


@dataclass(slots=True)
class _Place:
    """Where a candidate lies: its content's ``start`` and ``length`` in the file of its segment."""

    number: int
    segment: int
    start: int
    length: int
    stored: bool = False
    merged_into: str | None = None


class Spool:
    """One worker's. Any thread may call; opening reads what an earlier life left.

    ``fsync`` makes what was written durable. Raises ``OSError`` where the folder cannot be made or read; later failures
    of the disk raise nothing: they are counted, and :attr:`trouble` says them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bound_bytes: int = BOUND_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        fsync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._folder = folder
        self._bound = bound_bytes
        self._segment_bytes = segment_bytes
        self._fsync = fsync
        self._lock = threading.Lock()
        self._live: dict[str, _Place] = {}
        self._living: Counter[int] = Counter()
        self._sizes: dict[int, int] = {}
        self._file: BinaryIO | None = None
        self._newest = 0
        self._number = 0
        self._counts = dict.fromkeys(
            ("kept", "settled", "syncs", "unkept_bound", "unkept_disk", "unmarked", "unreadable", "torn", "damaged"), 0
        )
        self.trouble: str | None = None
        """Why candidates are not kept now; None while all is well."""
        folder.mkdir(parents=True, exist_ok=True)
        self._read_folder()

    def keep(self, candidates: Sequence[Candidate]) -> frozenset[str]:
        """Make them durable, in order, by one write and one fsync; returns the ids of those that are."""
        with self._lock:
            size = sum(self._sizes.values())
            placed: list[tuple[str, _Place]] = []
            data = bytearray()
            for candidate in candidates:
                self._number += 1
                record = encode(
                    CANDIDATE,
                    self._number.to_bytes(NUMBER_BYTES, "little") + candidate.model_dump_json().encode(),
                )
                if size + len(data) + len(record) > self._bound:
                    self._counts["unkept_bound"] += 1
                    continue
                start = len(data) + HEADER.size
                placed.append((candidate.event.id, _Place(self._number, 0, start, len(record) - HEADER.size)))
                data += record
            trouble = None if len(placed) == len(candidates) else f"not kept: {self._bound} bytes wait for Redis"
            if placed and (failed := self._write(placed, bytes(data))) is not None:
                self._counts["unkept_disk"] += len(placed)
                placed, trouble = [], failed
            self._counts["kept"] += len(placed)
            self._tell(trouble)
            return frozenset(event_id for event_id, _ in placed)

    def stored(self, ids: Iterable[str]) -> None:
        """The historian has these events: they need not be published again, but still hold their windows."""
        self._mark(STORED, [event_id for event_id in ids if (p := self._live.get(event_id)) and not p.stored])

    def merged(self, hit_id: str, event_id: str) -> None:
        """The bus has counted this one as a hit of the other: known for longer than the bus remembers it."""
        with self._lock:
            place = self._live.get(hit_id)
            if place is None or place.merged_into is not None:
                return
            place.merged_into = event_id
            self._note(MERGED, [hit_id, event_id])

    def settle(self, ids: Iterable[str]) -> None:
        """Nothing depends on these any more."""
        self._mark(SETTLED, [event_id for event_id in ids if event_id in self._live])

    def unsettled(self) -> list[str]:
        """Ids of what may have to be sent again, in the order of finding."""
        with self._lock:
            return sorted(self._live, key=lambda event_id: self._live[event_id].number)

    def read(self, ids: Iterable[str]) -> list[Kept]:
        """These candidates, in the given order; one that is settled or cannot be read is left out."""
        with self._lock:
            places = [(event_id, place) for event_id in ids if (place := self._live.get(event_id)) is not None]
            found = [(self._read(event_id, place), place) for event_id, place in places]
        return [Kept(candidate, at.stored, at.merged_into) for candidate, at in found if candidate is not None]

    def holds(self, event_id: str) -> bool:
        """Whether it is on the disk and not settled."""
        return event_id in self._live

    def counters(self) -> dict[str, int]:
        """Since the start, and ``live`` candidates, ``bytes`` and ``segments`` on the disk now."""
        with self._lock:
            on_disk = {"live": len(self._live), "bytes": sum(self._sizes.values()), "segments": len(self._sizes)}
            return {**self._counts, **on_disk}

    def clear(self) -> None:
        """Remove the files of a spool in which nothing waits any more. Raises ``OSError``."""
        with self._lock:
            if self._live:
                raise ValueError(f"{len(self._live)} candidates wait in it")
            self._leave_segment()
            for segment in list(self._sizes):
                self._path(segment).unlink(missing_ok=True)
                del self._sizes[segment]
            self._living.clear()

    def close(self) -> None:
        """Close the file; nothing is kept or marked after that."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    # --- writing, under the lock

    def _write(self, placed: list[tuple[str, _Place]], data: bytes) -> str | None:
        """Append and fsync; returns what failed."""
        try:
            offset = self._append(data)
            self._sync()
        except OSError as error:
            cause = "disk full" if error.errno in FULL else (error.strerror or type(error).__name__).lower()
            return f"not kept: {cause}"
        for event_id, place in placed:
            place.segment = self._newest
            place.start += offset
            self._place(event_id, place)
        return None

    def _place(self, event_id: str, place: _Place | None) -> None:
        """It lies there now, or, with None, nowhere any more."""
        before = self._live.pop(event_id, None)
        if before is not None:
            self._living[before.segment] -= 1
        if place is not None:
            self._live[event_id] = place
            self._living[place.segment] += 1

    def _mark(self, kind: int, ids: list[str]) -> None:
        if not ids:
            return
        with self._lock:
            for event_id in ids:
                place = self._live.get(event_id)
                if place is None:
                    continue
                if kind == SETTLED:
                    self._place(event_id, None)
                    self._counts["settled"] += 1
                else:
                    place.stored = True
            self._note(kind, ids)

    def _note(self, kind: int, ids: list[str]) -> None:
        try:
            self._append(encode_ids(kind, ids))
            self._shrink()
        except OSError:
            self._counts["unmarked"] += len(ids)

    def _append(self, data: bytes) -> int:
        """Write to the newest segment, or to a new one where that is full; returns the offset."""
        if self._file is not None and self._sizes[self._newest] >= self._segment_bytes:
            self._sync()
            self._leave_segment()
        if self._file is None:
            self._newest += 1
            self._sizes[self._newest] = 0
            self._file = self._path(self._newest).open("ab", buffering=0)
            self._sync_folder()
        offset = self._sizes[self._newest]
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError:
            self._file.truncate(offset)
            raise
        self._sizes[self._newest] += written
        return offset

    def _sync(self) -> None:
        assert self._file is not None
        try:
            self._fsync(self._file.fileno())
        except OSError:
            # Nobody knows now what of the file is on the disk: a new one is begun.
            self._leave_segment()
            raise
        self._counts["syncs"] += 1

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            self._fsync(descriptor)
        finally:
            os.close(descriptor)

    def _leave_segment(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _shrink(self) -> None:
        """Remove segments from the oldest on, as far as nothing lives there; copy forward what keeps too many."""
        for segment in sorted(self._sizes):
            if segment == self._newest:
                return
            if self._living[segment] > 0:
                if len(self._sizes) <= SEGMENTS:
                    return
                self._copy_forward(segment)
            self._path(segment).unlink(missing_ok=True)
            del self._sizes[segment], self._living[segment]

    def _copy_forward(self, segment: int) -> None:
        data = self._path(segment).read_bytes()
        for event_id, place in [found for found in self._live.items() if found[1].segment == segment]:
            content = data[place.start : place.start + place.length]
            offset = self._append(encode(CANDIDATE, content))
            moved = replace(place, segment=self._newest, start=offset + HEADER.size)
            self._place(event_id, moved)
            if place.stored:
                self._append(encode_ids(STORED, [event_id]))
            if place.merged_into is not None:
                self._append(encode_ids(MERGED, [event_id, place.merged_into]))
        self._sync()

    def _tell(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            if trouble is not None:
                log.error("spool_trouble", trouble=trouble, waiting=len(self._live))
            else:
                log.info("spool_well_again")
        self.trouble = trouble

    # --- reading, under the lock or before anybody else knows us

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:012d}.spool"

    def _read(self, event_id: str, place: _Place) -> Candidate | None:
        try:
            with self._path(place.segment).open("rb") as file:
                file.seek(place.start)
                return Candidate.model_validate_json(file.read(place.length)[NUMBER_BYTES:])
        except (OSError, ValidationError) as error:
            self._counts["unreadable"] += 1
            log.error("spool_unreadable", event_id=event_id, error=type(error).__name__)
            return None

    def _read_folder(self) -> None:
        for path in sorted(self._folder.glob("*.spool")):
            if not path.stem.isdigit():
                continue
            segment = int(path.stem)
            data = path.read_bytes()
            found = scan(data)
            self._sizes[segment] = len(data)
            self._newest = max(self._newest, segment)
            self._counts["torn"] += found.torn
            self._counts["damaged"] += found.damaged
            if found.torn or found.damaged:
                log.warning("spool_damaged", segment=path.name, torn_bytes=found.torn, damaged_bytes=found.damaged)
            for record in found.records:
                self._take(segment, record)
        if self._live:
            log.info("spool_found", waiting=len(self._live), segments=len(self._sizes))

    def _take(self, segment: int, record: Record) -> None:
        if record.kind == CANDIDATE:
            number = int.from_bytes(record.content[:NUMBER_BYTES], "little")
            try:
                candidate = Candidate.model_validate_json(record.content[NUMBER_BYTES:])
            except ValidationError as error:
                # Written by another release, whose words this one does not know.
                self._counts["unreadable"] += 1
                log.error("spool_unreadable", number=number, faults=error.error_count())
                return
            self._number = max(self._number, number)
            self._place(candidate.event.id, _Place(number, segment, record.start, len(record.content)))
        elif record.kind in (STORED, SETTLED):
            for event_id in decode_ids(record.content):
                if record.kind == SETTLED:
                    self._place(event_id, None)
                elif event_id in self._live:
                    self._live[event_id].stored = True
        elif record.kind == MERGED:
            hit_id, event_id = decode_ids(record.content)
            if hit_id in self._live:
                self._live[hit_id].merged_into = event_id
