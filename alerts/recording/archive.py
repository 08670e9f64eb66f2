"""What lies recorded: files by camera, found by time. Reads by the index alone, so it may while a writer writes."""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from alerts.recording.index import ENTRY_SIZE, Fragment, index_of, repair, unpack

log = structlog.get_logger(__name__)

TOLERANCE_S = 0.5
"""Capture times of one stream jitter; two fragments that are further apart have a gap between them."""

_TICK_NS = 1_000_000_000
_NAME = re.compile(r"(\d{8,})-\d{8}T\d{6}Z\.mp4", re.ASCII)
_CAMERA = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """``number`` orders the files of a camera as they were written, whatever the clock did."""

    path: Path
    number: int


@dataclass(frozen=True, slots=True)
class Found:
    """Fragments of one file, in the order of writing."""

    file: RecordedFile
    fragments: tuple[Fragment, ...]
    init_size: int


@dataclass(frozen=True, slots=True)
class Span:
    """Recorded without a gap and under one set of parameters; UTC epoch s."""

    begins_at: float
    ends_at: float
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Not recorded; UTC epoch s. ``cause``: ``None`` where it is not known."""

    begins_at: float
    ends_at: float
    cause: str | None


class Archive:
    """The recordings under ``root``, a folder for each camera."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[str, tuple[int, list[RecordedFile]]] = {}
        self._closed: dict[str, dict[int, tuple[float, float]]] = {}

    def folder(self, camera_id: str) -> Path:
        """Where the files of a camera lie. Raises ``ValueError`` for what is no camera id."""
        if not _CAMERA.fullmatch(camera_id):
            raise ValueError("not a camera id")
        return self.root / camera_id

    def cameras(self) -> list[str]:
        """Who has a folder, recorded now or not; other folders are not ours. Raises ``OSError``."""
        return sorted(each.name for each in self.root.iterdir() if _CAMERA.fullmatch(each.name) and each.is_dir())

    def files(self, camera_id: str) -> list[RecordedFile]:
        """In the order of writing."""
        folder = self.folder(camera_id)
        try:
            changed_ns = folder.stat().st_mtime_ns
            listed = self._listed.get(camera_id)
            if listed is not None and listed[0] == changed_ns:
                return listed[1]
            with os.scandir(folder) as entries:
                matches = [match for entry in entries if (match := _NAME.fullmatch(entry.name))]
        except FileNotFoundError:
            return []
        files = sorted((RecordedFile(folder / match[0], int(match[1])) for match in matches), key=lambda f: f.number)
        # A folder that has just changed may change again within the same tick of its clock.
        if time.time_ns() - changed_ns > _TICK_NS:
            self._listed[camera_id] = changed_ns, files
        return files

    def next_number(self, camera_id: str) -> int:
        """Of the file that will be written next."""
        files = self.files(camera_id)
        return files[-1].number + 1 if files else 1

    def repair(self, camera_id: str) -> int:
        """After a start, before anything is written: mend what a kill left; returns the fragments entered anew."""
        files = self.files(camera_id)
        mended = 0
        for file in files:
            if file is files[-1] or not index_of(file.path).is_file():
                done = repair(file.path)
                mended += done.entries
                if done.entries or done.torn:
                    log.info("recording_mended", file=file.path.name, entries=done.entries, torn_bytes=done.torn)
        return mended

    def extents(self, camera_id: str) -> list[tuple[RecordedFile, float, float]]:
        """From when to when each file reaches, UTC epoch s, in the order of writing; files that hold nothing are left
        out. Of the newest file alone the index is looked at each time: nobody writes to another."""
        files = self.files(camera_id)
        known = self._closed.get(camera_id, {})
        closed: dict[int, tuple[float, float]] = {}
        reached: list[tuple[RecordedFile, float, float]] = []
        for file in files:
            reach = known.get(file.number) if file is not files[-1] else None
            reach = reach or _extent(file)
            if reach is not None:
                closed[file.number] = reach
                reached.append((file, *reach))
        if files:
            closed.pop(files[-1].number, None)
        self._closed[camera_id] = closed
        return reached

    def find(self, camera_id: str, begins_at: float, ends_at: float) -> list[Found]:
        """All fragments that overlap the time, in the order of writing."""
        found = []
        for file, first, last in self.extents(camera_id):
            if last <= begins_at or first >= ends_at:
                continue
            try:
                fragments = unpack(index_of(file.path).read_bytes())
            except FileNotFoundError:  # deleted meanwhile
                continue
            inside = tuple(each for each in fragments if each.ends_at > begins_at and each.begins_at < ends_at)
            if inside:
                found.append(Found(file, inside, fragments[0].offset))
        return found

    def newest(self, camera_id: str) -> float | None:
        """Until when the camera is recorded, UTC epoch s."""
        files = self.files(camera_id)
        reach = _extent(files[-1]) if files else None
        return None if reach is None else reach[1]


def _extent(file: RecordedFile) -> tuple[float, float] | None:
    """``None`` where it holds nothing or is gone."""
    try:
        with index_of(file.path).open("rb") as index:
            entries = index.seek(0, 2) // ENTRY_SIZE
            if not entries:
                return None
            index.seek(0)
            first = unpack(index.read(ENTRY_SIZE))[0]
            index.seek((entries - 1) * ENTRY_SIZE)
            last = unpack(index.read(ENTRY_SIZE))[0]
    except FileNotFoundError:
        return None
    return first.begins_at, last.ends_at


def init_of(found: Found) -> bytes:
    """The init segment of the file. Raises ``OSError``."""
    with found.file.path.open("rb") as media:
        return media.read(found.init_size)


def size_of(init: bytes) -> tuple[int, int]:
    """Width and height that an init segment tells, px (``tkhd``; ISO/IEC 14496-12, 8.3.2)."""
    at = init.index(b"tkhd") - 4
    end = at + int(struct.unpack_from(">I", init, at)[0])
    width, height = struct.unpack_from(">II", init, end - 8)
    return width >> 16, height >> 16


def one_init(found: Sequence[Found], moment: float) -> list[Found]:
    """Of ``found`` what belongs together under one init segment, around the first that reaches beyond ``moment``."""
    if not found:
        return []
    at = next((i for i, each in enumerate(found) if each.fragments[-1].ends_at > moment), len(found) - 1)
    init = init_of(found[at])
    first = last = at
    while first > 0 and init_of(found[first - 1]) == init:
        first -= 1
    while last + 1 < len(found) and init_of(found[last + 1]) == init:
        last += 1
    return list(found[first : last + 1])


def timeline(
    found: Iterable[Found], begins_at: float, ends_at: float, missing_now: str | None
) -> tuple[list[Span], list[Gap]]:
    """Spans and gaps between ``begins_at`` and ``ends_at``; ``missing_now``: why nothing is recorded at its end.

    Where a clock was put back two fragments may tell of the same time: both count as recorded.
    """
    spans: list[Span] = []
    gaps: list[Gap] = []
    covered = begins_at
    for fragment, size in sorted(_sized(found), key=lambda each: each[0].begins_at):
        begin, end = max(fragment.begins_at, begins_at), min(fragment.ends_at, ends_at)
        if end <= begin:
            continue
        gap = begin - covered > TOLERANCE_S
        if gap:
            gaps.append(Gap(covered, begin, fragment.missing or None))
        last = spans[-1] if spans else None
        if last is None or gap or size != (last.width, last.height):
            spans.append(Span(begin, end, *size, fragment.size))
        else:
            ends = max(last.ends_at, end)
            spans[-1] = Span(last.begins_at, ends, last.width, last.height, last.bytes + fragment.size)
        covered = max(covered, end)
    if ends_at - covered > TOLERANCE_S:
        gaps.append(Gap(covered, ends_at, missing_now))
    return spans, gaps


def _sized(found: Iterable[Found]) -> Iterator[tuple[Fragment, tuple[int, int]]]:
    for each in found:
        try:
            size = size_of(init_of(each))
        except FileNotFoundError:  # deleted meanwhile: told as a gap
            continue
        for fragment in each.fragments:
            yield fragment, size
