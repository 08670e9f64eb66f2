"""Fragmented MP4, a fragment a picture or a GOP (ISO/IEC 14496-12; ``avcC``, ``hvcC``: ISO/IEC 14496-15, 5.3.3, 8.3.3).

One video track, id 1, timescale 90 kHz. Only what Media Source Extensions need is written.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ingest import h264, h265
from ingest.nal import to_length_prefixed
from ingest.packet import TIMESCALE, AccessUnit, ParameterSets, SequenceParameters

_TRACK = 1
_NTP_OF_UNIX_EPOCH = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905, figure 4
_OF_CAPTURE, _OF_ARRIVAL = 24, 2  # 8.16.5, as amended in 2020
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
# 8.8.3.1: depends on no other sample; depends on others and is no sync sample.
_SYNC_SAMPLE, _OTHER_SAMPLE = 0x02000000, 0x01010000
_ROW = struct.Struct(">IIIi")  # of a sample in ``trun``
_HIGH_PROFILES = frozenset({100, 110, 122, 144})


def box(name: bytes, *parts: bytes) -> bytes:
    """A box: 32-bit size, four-character type, content."""
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, name) + content


def _full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def mime_type(sequence: SequenceParameters) -> str:
    """The type that a page hands to ``MediaSource.isTypeSupported``."""
    return f'video/mp4; codecs="{sequence.codec}"'


def init_segment(parameters: ParameterSets) -> bytes:
    """``ftyp`` and ``moov``. Raises :class:`ingest.nal.MalformedVideo` when the SPS cannot be read."""
    sequence = parameters.sequence()
    file_type = box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41")
    movie_header = _full(
        b"mvhd",
        0,
        0,
        struct.pack(">IIIIIHHII", 0, 0, TIMESCALE, 0, 0x10000, 0x0100, 0, 0, 0),
        _MATRIX,
        bytes(24),
        struct.pack(">I", _TRACK + 1),
    )
    extends = box(b"mvex", _full(b"trex", 0, 0, struct.pack(">IIIII", _TRACK, 1, 0, 0, 0)))
    return file_type + box(b"moov", movie_header, _track(parameters, sequence), extends)


def _track(parameters: ParameterSets, sequence: SequenceParameters) -> bytes:
    header = _full(
        b"tkhd",
        0,
        3,  # enabled, in movie
        struct.pack(">IIIIIIIHHHH", 0, 0, _TRACK, 0, 0, 0, 0, 0, 0, 0, 0),
        _MATRIX,
        struct.pack(">II", sequence.width << 16, sequence.height << 16),
    )
    media_header = _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, 0, 0x55C4, 0))  # language "und"
    handler = _full(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"vide"), b"video\x00")
    data = box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    empty = struct.pack(">I", 0)
    table = box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(parameters, sequence)),
        _full(b"stts", 0, 0, empty),
        _full(b"stsc", 0, 0, empty),
        _full(b"stsz", 0, 0, empty, empty),
        _full(b"stco", 0, 0, empty),
    )
    information = box(b"minf", _full(b"vmhd", 0, 1, bytes(8)), data, table)
    return box(b"trak", header, box(b"mdia", media_header, handler, information))


def _sample_entry(parameters: ParameterSets, sequence: SequenceParameters) -> bytes:
    visual = struct.pack(
        ">6xH16xHHIIIH32sHh",
        1,
        sequence.width,
        sequence.height,
        0x480000,  # 72 dpi
        0x480000,
        0,
        1,
        b"",
        24,
        -1,
    )
    if isinstance(parameters, h265.ParameterSets):
        return box(b"hvc1", visual, box(b"hvcC", _hevc_configuration(parameters)))
    return box(b"avc1", visual, box(b"avcC", _avc_configuration(parameters)))


def _hevc_configuration(parameters: h265.ParameterSets) -> bytes:
    """HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1)."""
    sequence = parameters.sequence()
    record = b"\x01" + sequence.profile
    record += struct.pack(
        ">HBBBBHB",
        0xF000,  # segmentation, parallelism and frame rate: not told
        0xFC,
        0xFC | sequence.chroma_format_idc,
        0xF8 | sequence.bit_depth_luma - 8,
        0xF8 | sequence.bit_depth_chroma - 8,
        0,
        1 << 3 | sequence.nested << 2 | 3,  # one temporal layer, lengths of four bytes
    )
    sets = ((h265.VPS, parameters.vps), (h265.SPS, parameters.sps), (h265.PPS, parameters.pps))
    arrays = (struct.pack(">BHH", 0x80 | kind, 1, len(unit)) + unit for kind, unit in sets)
    return record + bytes((len(sets),)) + b"".join(arrays)


def _avc_configuration(parameters: h264.ParameterSets) -> bytes:
    sequence = parameters.sequence()
    record = struct.pack(
        ">BBBBBB", 1, sequence.profile_idc, sequence.constraint_flags, sequence.level_idc, 0xFF, 0xE1
    )  # lengths of four bytes; one SPS
    record += struct.pack(">H", len(parameters.sps)) + parameters.sps
    pictures = (parameters.pps, *parameters.more)
    record += bytes((len(pictures),)) + b"".join(struct.pack(">H", len(pps)) + pps for pps in pictures)
    if sequence.profile_idc in _HIGH_PROFILES:
        depths = (sequence.bit_depth_luma - 8, sequence.bit_depth_chroma - 8)
        record += struct.pack(">BBBB", 0xFC | sequence.chroma_format_idc, 0xF8 | depths[0], 0xF8 | depths[1], 0)
    return record


def ntp_timestamp(epoch_s: float) -> int:
    """UTC epoch seconds as 64-bit NTP time (RFC 5905, 6): 32 bits of seconds since 1900, 32 of fraction."""
    microseconds = round(epoch_s * 1_000_000)
    seconds, rest = divmod(microseconds, 1_000_000)
    return ((seconds + _NTP_OF_UNIX_EPOCH) & 0xFFFFFFFF) << 32 | (rest << 32) // 1_000_000


def fragment(unit: AccessUnit, sequence_number: int, duration: int) -> bytes:
    """``prft``, ``moof`` and ``mdat`` of one picture; ``duration`` in 90 kHz ticks.

    ``prft`` is version 1 with flags 24: the time is that of capture (14496-12, 8.16.5, as amended in 2020). It has
    flags 2, when the fragment was made, for a picture that may be older than anybody knows yet.
    """
    return gop_fragment((unit,), sequence_number, (duration,))


def gop_fragment(units: Sequence[AccessUnit], sequence_number: int, durations: Sequence[int]) -> bytes:
    """The same of several pictures, in the order of decoding; ``prft`` tells of the first."""
    first = units[0]
    kind = _OF_CAPTURE if first.settled else _OF_ARRIVAL
    reference = _full(
        b"prft", 1, kind, struct.pack(">IQQ", _TRACK, ntp_timestamp(first.captured_at), max(first.pts, 0))
    )
    samples = [to_length_prefixed(unit.units) for unit in units]
    fragment_header = _full(b"tfhd", 0, 0x020000, struct.pack(">I", _TRACK))  # default-base-is-moof
    decode_time = _full(b"tfdt", 1, 0, struct.pack(">Q", first.dts))
    movie_fragment_header = _full(b"mfhd", 0, 0, struct.pack(">I", sequence_number & 0xFFFFFFFF))
    rows = b"".join(
        _ROW.pack(duration, len(sample), _SYNC_SAMPLE if unit.keyframe else _OTHER_SAMPLE, unit.pts - unit.dts)
        for unit, sample, duration in zip(units, samples, durations, strict=True)
    )
    traf_size = 8 + len(fragment_header) + len(decode_time) + 12 + 8 + len(rows)
    data_offset = 8 + len(movie_fragment_header) + traf_size + 8
    # Fields: data offset; and of each sample duration, size, flags, composition offset.
    run = _full(b"trun", 1, 0x000F01, struct.pack(">Ii", len(units), data_offset), rows)
    movie_fragment = box(b"moof", movie_fragment_header, box(b"traf", fragment_header, decode_time, run))
    return b"".join((reference, movie_fragment, struct.pack(">I4s", 8 + sum(map(len, samples)), b"mdat"), *samples))
