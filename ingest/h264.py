"""H.264 as far as it must be understood to store, announce and show it (ITU-T H.264, ISO/IEC 14496-10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS, DELIMITER, FILLER = 1, 5, 6, 7, 8, 9, 12
"""NAL unit types that matter here (table 7-1)."""

_SLICES = frozenset({1, 2, 3, 4, 5})
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MAX_SIDE = 16384


class MalformedH264(ValueError):
    """A bit stream that cannot be what it says it is; the text names the element."""


def split_annex_b(data: bytes) -> list[bytes]:
    """NAL units of a byte stream (annex B), without start codes and trailing zeros; empty ones are left out."""
    units: list[bytes] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        begin = start + 3
        start = data.find(b"\x00\x00\x01", begin)
        unit = data[begin : start if start >= 0 else len(data)].rstrip(b"\x00")
        if unit:
            units.append(unit)
    return units


def split_length_prefixed(data: bytes, length_size: int = 4) -> list[bytes]:
    """NAL units of an access unit with length fields of ``length_size`` bytes (ISO/IEC 14496-15, 5.3.4.2).

    Raises :class:`MalformedH264` when a length points past the end.
    """
    units: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + length_size + int.from_bytes(data[at : at + length_size], "big")
        if at + length_size > len(data) or end > len(data):
            raise MalformedH264(f"NAL unit at byte {at} ends at {end}, the access unit has {len(data)}")
        if end > at + length_size:
            units.append(data[at + length_size : end])
        at = end
    return units


def to_annex_b(units: Iterable[bytes]) -> bytes:
    """A byte stream with four-byte start codes."""
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


def to_length_prefixed(units: Iterable[bytes]) -> bytes:
    """An access unit with four-byte length fields."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def nal_type(unit: bytes) -> int:
    """``nal_unit_type``; raises :class:`MalformedH264` when the forbidden bit is set or the unit is empty."""
    if not unit or unit[0] & 0x80:
        raise MalformedH264("NAL unit is empty or its forbidden_zero_bit is set")
    return unit[0] & 0x1F


def is_slice(unit: bytes) -> bool:
    """Whether the unit carries picture data."""
    return bool(unit) and unit[0] & 0x1F in _SLICES


def remove_emulation_prevention(unit: bytes) -> bytes:
    """The raw payload (RBSP): every 00 00 03 becomes 00 00 (7.4.1)."""
    if b"\x00\x00\x03" not in unit:
        return unit
    out = bytearray()
    zeros = 0
    for byte in unit:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


class BitReader:
    """Fixed-length and Exp-Golomb codes (9.1), most significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        """u(count). Raises :class:`MalformedH264` past the end."""
        if count > self._left:
            raise MalformedH264("parameter set ends early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        """Unsigned Exp-Golomb."""
        zeros = 0
        while self.bits(1) == 0:
            zeros += 1
            if zeros > 32:
                raise MalformedH264("Exp-Golomb code of more than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """Signed Exp-Golomb."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says. ``width`` and ``height`` are pixels after cropping."""

    profile_idc: int
    constraint_flags: int
    level_idc: int
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    width: int
    height: int

    @property
    def codec(self) -> str:
        """The ``codecs`` parameter of RFC 6381, 3.3: ``avc1.`` and profile, constraints, level in hex."""
        return f"avc1.{self.profile_idc:02x}{self.constraint_flags:02x}{self.level_idc:02x}"


def parse_sps(unit: bytes) -> SequenceParameters:
    """Reads a sequence parameter set (7.3.2.1.1), NAL header included.

    Raises :class:`MalformedH264` when it ends early or describes no possible picture.
    """
    if nal_type(unit) != SPS or len(unit) < 4:
        raise MalformedH264("not a sequence parameter set")
    reader = BitReader(remove_emulation_prevention(unit)[1:])
    profile, constraints, level = reader.bits(8), reader.bits(8), reader.bits(8)
    reader.ue()  # seq_parameter_set_id
    chroma, luma_depth, chroma_depth = _read_chroma(reader) if profile in _HIGH_PROFILES else (1, 8, 8)
    reader.ue()  # log2_max_frame_num_minus4
    _skip_picture_order(reader)
    reader.ue()  # max_num_ref_frames
    reader.bits(1)  # gaps_in_frame_num_value_allowed_flag
    columns, rows = reader.ue() + 1, reader.ue() + 1
    frames_only = reader.bits(1)
    if not frames_only:
        reader.bits(1)  # mb_adaptive_frame_field_flag
    reader.bits(1)  # direct_8x8_inference_flag
    left, right, top, bottom = (reader.ue() for _ in range(4)) if reader.bits(1) else (0, 0, 0, 0)
    # Crop units of table 6-1 and 7-19 to 7-22.
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    width = columns * 16 - unit_x * (left + right)
    height = rows * 16 * (2 - frames_only) - unit_y * (top + bottom)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise MalformedH264(f"sequence parameter set describes a picture of {width} x {height}")
    return SequenceParameters(profile, constraints, level, chroma, luma_depth, chroma_depth, width, height)


def _read_chroma(reader: BitReader) -> tuple[int, int, int]:
    chroma = reader.ue()
    if chroma > 3:
        raise MalformedH264(f"chroma_format_idc {chroma}")
    if chroma == 3:
        reader.bits(1)  # separate_colour_plane_flag
    luma_depth, chroma_depth = 8 + reader.ue(), 8 + reader.ue()
    reader.bits(1)  # qpprime_y_zero_transform_bypass_flag
    if reader.bits(1):  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma == 3 else 8):
            if reader.bits(1):
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma, luma_depth, chroma_depth


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    """7.3.2.1.1.1: the list ends where the next scale is 0."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se() + 256) % 256
        last = following or last


def _skip_picture_order(reader: BitReader) -> None:
    order = reader.ue()
    if order == 0:
        reader.ue()  # log2_max_pic_order_cnt_lsb_minus4
    elif order == 1:
        reader.bits(1)
        reader.se()
        reader.se()
        for _ in range(_bounded(reader.ue(), 255, "num_ref_frames_in_pic_order_cnt_cycle")):
            reader.se()


def _bounded(value: int, limit: int, name: str) -> int:
    if value > limit:
        raise MalformedH264(f"{name} is {value}, at most {limit} is allowed")
    return value


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """One SPS and one PPS as a decoder needs them, NAL headers included, start codes not."""

    sps: bytes
    pps: bytes

    def sequence(self) -> SequenceParameters:
        """The SPS, read. Raises :class:`MalformedH264`."""
        return parse_sps(self.sps)

    def annex_b(self) -> bytes:
        """Decoder extradata as byte stream."""
        return to_annex_b((self.sps, self.pps))


def find_parameter_sets(units: Iterable[bytes]) -> ParameterSets | None:
    """The last SPS and PPS among the units; ``None`` unless both are there."""
    sps = pps = b""
    for unit in units:
        kind = unit[0] & 0x1F if unit else 0
        if kind == SPS:
            sps = unit
        elif kind == PPS:
            pps = unit
    return ParameterSets(sps, pps) if sps and pps else None


def parameter_sets_of_extradata(extradata: bytes | None) -> ParameterSets | None:
    """Parameter sets from a demuxer: byte stream, or an ``avcC`` record (ISO/IEC 14496-15, 5.3.3.1)."""
    if not extradata:
        return None
    if extradata[0] == 1:
        return find_parameter_sets(_avcc_units(extradata))
    return find_parameter_sets(split_annex_b(extradata))


def _avcc_units(record: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(record):
            return
        count = record[at] & mask
        at += 1
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            yield record[at + 2 : at + 2 + size]
            at += 2 + size
