"""The index of a recorded file: a file of its own beside it, to which the writer appends one entry a fragment.

It is derived from the fragments, and made again from them where it is behind, torn or gone: nothing but the fragments
need survive. One a file, not a database: the workers that share a folder share no lock, what deletes a file deletes
its index, and appending costs one call. An entry is appended after its fragment, so whoever reads by the index never
sees half a fragment.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import structlog

from ingest.fragments import FragmentHead, NotAFragmentError, init_size, read_head
from ingest.packet import TIMESCALE

log = structlog.get_logger(__name__)

MEDIA, INDEX = ".mp4", ".idx"
_ENTRY = struct.Struct(">dIQQIB15s")
ENTRY_SIZE = _ENTRY.size


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment of a file. ``begins_at``: UTC epoch s; ``duration`` and ``dts``: 90 kHz; ``offset`` and ``size``:
    bytes. ``missing``: why there is nothing before it, where there is a gap; empty if nobody knows."""

    begins_at: float
    duration: int
    dts: int
    offset: int
    size: int
    key: bool
    missing: str = ""

    @property
    def ends_at(self) -> float:
        """UTC epoch s."""
        return self.begins_at + self.duration / TIMESCALE

    def pack(self) -> bytes:
        """The entry."""
        missing = self.missing.encode("ascii", "replace")[:15]
        return _ENTRY.pack(self.begins_at, self.duration, self.dts, self.offset, self.size, self.key, missing)

    @classmethod
    def of(cls, head: FragmentHead, offset: int) -> Fragment:
        """From the fragment itself."""
        return cls(head.captured_at, head.duration, head.dts, offset, head.size, head.key)


def unpack(data: bytes) -> list[Fragment]:
    """All whole entries of ``data``."""
    whole = memoryview(data)[: len(data) - len(data) % ENTRY_SIZE]
    return [
        Fragment(begins_at, duration, dts, offset, size, bool(key), missing.rstrip(b"\0").decode("ascii", "replace"))
        for begins_at, duration, dts, offset, size, key, missing in _ENTRY.iter_unpack(whole)
    ]


def index_of(media: Path) -> Path:
    """Where the index of a file lies."""
    return media.with_suffix(INDEX)


@dataclass(frozen=True, slots=True)
class Repaired:
    """``entries`` that the index lacked, ``torn`` bytes that were cut from the end of the file."""

    entries: int = 0
    torn: int = 0


def repair(media: Path) -> Repaired:
    """Cut what is torn, enter what is not entered; a file without a whole fragment goes. Raises ``OSError``.

    For a file to which nobody writes.
    """
    index = index_of(media)
    known = unpack(index.read_bytes()) if index.is_file() else []
    size = media.stat().st_size
    while known and known[-1].offset + known[-1].size > size:
        known.pop()
    found: list[Fragment] = []
    with media.open("rb") as file:
        try:
            at = known[-1].offset + known[-1].size if known else init_size(file)
            while at < size:
                fragment = Fragment.of(read_head(file, at), at)
                if at + fragment.size > size:
                    break
                found.append(fragment)
                at += fragment.size
        except NotAFragmentError:
            at = known[-1].offset + known[-1].size if known else 0
            at = found[-1].offset + found[-1].size if found else at
    if not known and not found:
        log.warning("recording_empty", file=media.name, bytes=size)
        index.unlink(missing_ok=True)
        media.unlink()
        return Repaired(torn=size)
    if at < size:
        os.truncate(media, at)
    entries = b"".join(fragment.pack() for fragment in known + found)
    if not index.is_file() or index.read_bytes() != entries:
        temporary = index.with_suffix(".tmp")
        temporary.write_bytes(entries)
        temporary.rename(index)
    return Repaired(len(found), size - at)
