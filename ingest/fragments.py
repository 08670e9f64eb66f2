"""Reads the fragments that :mod:`ingest.fmp4` wrote: their place in time, their samples, whether they are whole.

Boxes stand where that module puts them; anything else is not ours and is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_NTP_OF_UNIX_EPOCH = 2_208_988_800
_ERA = 1 << 32  # NTP seconds begin anew in 2036; small numbers are of that era (RFC 4330, 3)
_SEQUENCE_AT, _DECODE_TIME_AT, _MEDIA_TIME_AT, _RUN_AT = 52, 92, 24, 100
_HEAD = 120  # up to the first row of `trun`
_ROW = struct.Struct(">IIIi")
_NOT_SYNC = 0x00010000
_MOST_MOOF = 1 << 20


class NotAFragmentError(ValueError):
    """Bytes that :func:`ingest.fmp4.gop_fragment` did not write, or not all that it wrote."""


@dataclass(frozen=True, slots=True)
class FragmentHead:
    """What ``prft`` and ``moof`` tell.

    ``captured_at``: of the first picture, UTC epoch s. ``dts``: of it, 90 kHz. ``rows``: duration, size in bytes, flags
    and composition offset of each sample. ``head_size`` and ``size``: bytes before the first sample, and in all.
    """

    captured_at: float
    dts: int
    rows: tuple[tuple[int, int, int, int], ...]
    head_size: int
    size: int

    @property
    def duration(self) -> int:
        """Of all samples, 90 kHz."""
        return sum(row[0] for row in self.rows)

    @property
    def key(self) -> bool:
        """Whether decoding can begin here."""
        return not self.rows[0][2] & _NOT_SYNC


def is_sync(flags: int) -> bool:
    """Whether a sample of these flags (ISO/IEC 14496-12, 8.8.3.1) is a sync sample."""
    return not flags & _NOT_SYNC


def parse_head(data: bytes) -> FragmentHead:
    """The head of the fragment at the beginning of ``data``. Raises :class:`NotAFragmentError`."""
    if (
        len(data) < _HEAD
        or data[4:8] != b"prft"
        or data[36:40] != b"moof"
        or data[_RUN_AT + 4 : _RUN_AT + 8] != b"trun"
    ):
        raise NotAFragmentError("no prft and moof here")
    ntp = struct.unpack_from(">Q", data, 16)[0]
    moof_size = struct.unpack_from(">I", data, 32)[0]
    (count,) = struct.unpack_from(">I", data, _RUN_AT + 12)
    head_size = 32 + moof_size + 8
    if not count or moof_size != _HEAD - 32 + count * _ROW.size or len(data) < head_size:
        raise NotAFragmentError("moof ends early")
    mdat_size, mdat = struct.unpack_from(">I4s", data, 32 + moof_size)
    rows = tuple(_ROW.iter_unpack(data[_HEAD : _HEAD + count * _ROW.size]))
    if mdat != b"mdat" or mdat_size != 8 + sum(row[1] for row in rows):
        raise NotAFragmentError("mdat is not what moof says")
    seconds = ntp >> 32
    if seconds < _ERA >> 1:
        seconds += _ERA
    captured_at = seconds - _NTP_OF_UNIX_EPOCH + (ntp & 0xFFFFFFFF) / _ERA
    (dts,) = struct.unpack_from(">Q", data, _DECODE_TIME_AT)
    return FragmentHead(captured_at, dts, rows, head_size, head_size + mdat_size - 8)


def read_head(file: BinaryIO, at: int) -> FragmentHead:
    """The head of the fragment at byte ``at``; the file's position moves. Raises :class:`NotAFragmentError`."""
    file.seek(at)
    begin = file.read(40)
    if len(begin) < 40 or begin[4:8] != b"prft":
        raise NotAFragmentError(f"no fragment at byte {at}")
    (moof_size,) = struct.unpack_from(">I", begin, 32)
    if moof_size > _MOST_MOOF:
        raise NotAFragmentError(f"moof of {moof_size} bytes at byte {at}")
    return parse_head(begin + file.read(moof_size))


def init_size(file: BinaryIO) -> int:
    """Bytes of ``ftyp`` and ``moov`` at the beginning of the file. Raises :class:`NotAFragmentError`."""
    at = 0
    for name in (b"ftyp", b"moov"):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[4:] != name:
            raise NotAFragmentError(f"no {name.decode()} at byte {at}")
        at += int.from_bytes(head[:4], "big")
    return at


def retimed(fragment: bytes, sequence_number: int, dts: int) -> bytes:
    """The fragment at another place: number ``sequence_number``, decoded from ``dts`` on, 90 kHz."""
    moved = bytearray(fragment)
    (was,) = struct.unpack_from(">Q", moved, _DECODE_TIME_AT)
    (media,) = struct.unpack_from(">Q", moved, _MEDIA_TIME_AT)
    struct.pack_into(">Q", moved, _MEDIA_TIME_AT, max(0, media - was + dts))
    struct.pack_into(">I", moved, _SEQUENCE_AT, sequence_number & 0xFFFFFFFF)
    struct.pack_into(">Q", moved, _DECODE_TIME_AT, dts)
    return bytes(moved)
