"""A plain MP4 file of samples that were fragments: one that every player opens, shows the length of, and seeks in.

ISO/IEC 14496-12. One video track, timescale 90 kHz, all samples in one chunk, the tables before the data.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import groupby

from ingest.fmp4 import box
from ingest.fragments import is_sync

_MAC_OF_UNIX_EPOCH = 2_082_844_800  # seconds from 1904 to 1970: 8.2.2

Sample = tuple[int, int, int, int]
"""Duration, size, flags and composition offset, as :class:`ingest.fragments.FragmentHead` has them."""


def header(init: bytes, samples: Sequence[Sample], created_at: float) -> bytes:
    """Everything up to the first byte of the first sample; the samples follow in order.

    ``init`` is an init segment of :mod:`ingest.fmp4`, ``created_at`` UTC epoch s.
    """
    duration = sum(sample[0] for sample in samples)
    created = int(created_at) + _MAC_OF_UNIX_EPOCH
    size = sum(sample[1] for sample in samples)
    file_type = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    data_header = struct.pack(">I4sQ", 1, b"mdat", 16 + size)
    length = len(_movie(init, samples, created, duration, 0))
    offset = len(file_type) + length + len(data_header)
    return file_type + _movie(init, samples, created, duration, offset) + data_header


def _movie(init: bytes, samples: Sequence[Sample], created: int, duration: int, offset: int) -> bytes:
    def timed(name: bytes, *, track: bool) -> bytes:
        """``mvhd``, ``tkhd`` or ``mdhd`` of the init segment with times, as version 1."""
        content = _content(init, name)
        rest = content[24:] if track else content[20:]
        middle = content[12:20] if track else content[12:16]  # track id and reserved, or timescale
        return box(
            name,
            b"\x01" + content[1:4] + struct.pack(">QQ", created, created) + middle + struct.pack(">Q", duration) + rest,
        )

    table = box(
        b"stbl",
        box(b"stsd", _content(init, b"stsd")),
        _durations(samples),
        _offsets(samples),
        _syncs(samples),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1)),
        box(b"stsz", struct.pack(">III", 0, 0, len(samples)), *(struct.pack(">I", sample[1]) for sample in samples)),
        box(b"co64", struct.pack(">IIQ", 0, 1, offset)),
    )
    minf = box(b"minf", box(b"vmhd", _content(init, b"vmhd")), box(b"dinf", _content(init, b"dinf")), table)
    media = box(b"mdia", timed(b"mdhd", track=False), box(b"hdlr", _content(init, b"hdlr")), minf)
    return box(b"moov", timed(b"mvhd", track=False), box(b"trak", timed(b"tkhd", track=True), media))


def _content(init: bytes, name: bytes) -> bytes:
    """Of the first box of this name: an init segment has one of each that is asked for."""
    at = init.index(name)
    (size,) = struct.unpack_from(">I", init, at - 4)
    return init[at + 4 : at - 4 + size]


def _durations(samples: Sequence[Sample]) -> bytes:
    runs = [(len(list(group)), value) for value, group in groupby(sample[0] for sample in samples)]
    return box(b"stts", struct.pack(">II", 0, len(runs)), *(struct.pack(">II", *run) for run in runs))


def _offsets(samples: Sequence[Sample]) -> bytes:
    """Empty where pictures are shown in the order of decoding."""
    if not any(sample[3] for sample in samples):
        return b""
    runs = [(len(list(group)), value) for value, group in groupby(sample[3] for sample in samples)]
    return box(b"ctts", struct.pack(">II", 1 << 24, len(runs)), *(struct.pack(">Ii", *run) for run in runs))


def _syncs(samples: Sequence[Sample]) -> bytes:
    numbers = [number for number, sample in enumerate(samples, start=1) if is_sync(sample[2])]
    return box(b"stss", struct.pack(">II", 0, len(numbers)), *(struct.pack(">I", number) for number in numbers))
