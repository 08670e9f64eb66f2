"""How a spool's segment stands on the disk: records with length and checksum, and what is readable of a damaged one.

A record is ``XL``, its kind (1 byte), the length of its content and the CRC-32 of kind and content (both 4 bytes,
little-endian), then the content. A write that was cut off by a kill or a power cut leaves a torn tail; damage inside
costs the records it touches, since reading goes on at the next record that is whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

MAGIC = b"XL"
HEADER = struct.Struct("<2sBII")

CANDIDATE = 1
"""Content: a number (8 bytes, little-endian), then a candidate as JSON. Numbers rise in the order of finding."""
STORED = 2
"""Content: event ids, 36 bytes each: they stand in the store."""
SETTLED = 3
"""Content: event ids: nothing more has to be done for them."""

MERGED = 4
"""Content: pairs of event ids: the first was counted as a hit of the second."""

ID_BYTES = 36
LONGEST = 16 * 1024 * 1024
"""A length beyond this is damage."""


@dataclass(frozen=True, slots=True)
class Record:
    """``start`` is the offset of the content in the file."""

    kind: int
    start: int
    content: bytes


@dataclass(slots=True)
class Scan:
    """What a segment holds. ``torn`` bytes at the end were never written whole; ``damaged`` bytes inside are lost."""

    records: list[Record] = field(default_factory=list)
    torn: int = 0
    damaged: int = 0


def encode(kind: int, content: bytes) -> bytes:
    """One record."""
    return HEADER.pack(MAGIC, kind, len(content), _checksum(kind, content)) + content


def encode_ids(kind: int, ids: Iterable[str]) -> bytes:
    """A record of event ids."""
    return encode(kind, "".join(ids).encode("ascii"))


def decode_ids(content: bytes) -> list[str]:
    """The event ids of a record."""
    text = content.decode("ascii", "replace")
    return [text[start : start + ID_BYTES] for start in range(0, len(text), ID_BYTES)]


def scan(data: bytes) -> Scan:
    """All whole records of a segment."""
    found = Scan()
    at = 0
    while at < len(data):
        record = _record(data, at)
        if record is not None:
            found.records.append(record)
            at = record.start + len(record.content)
            continue
        resumed = data.find(MAGIC, at + 1)
        while resumed != -1 and _record(data, resumed) is None:
            resumed = data.find(MAGIC, resumed + 1)
        if resumed == -1:
            found.torn += len(data) - at
            break
        found.damaged += resumed - at
        at = resumed
    return found


def _record(data: bytes, at: int) -> Record | None:
    start = at + HEADER.size
    if start > len(data):
        return None
    magic, kind, length, checksum = HEADER.unpack_from(data, at)
    if magic != MAGIC or length > LONGEST or start + length > len(data):
        return None
    content = data[start : start + length]
    return Record(kind, start, content) if _checksum(kind, content) == checksum else None


def _checksum(kind: int, content: bytes) -> int:
    return crc32(content, kind)
