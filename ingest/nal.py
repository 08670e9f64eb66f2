"""What H.264 and H.265 share: NAL units, how they are strung together, and the codes inside parameter sets.

ITU-T H.264 (ISO/IEC 14496-10) and H.265 (ISO/IEC 23008-2), annex B of either; lengths: ISO/IEC 14496-15, 5.3.4.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

CodecName = Literal["h264", "hevc"]
"""The codecs that are read, by the names of FFmpeg's decoders."""

MAX_SIDE = 16384


class MalformedVideo(ValueError):
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
    """NAL units of an access unit with length fields of ``length_size`` bytes.

    Raises :class:`MalformedVideo` when a length points past the end.
    """
    units: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + length_size + int.from_bytes(data[at : at + length_size], "big")
        if at + length_size > len(data) or end > len(data):
            raise MalformedVideo(f"NAL unit at byte {at} ends at {end}, the access unit has {len(data)}")
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


def remove_emulation_prevention(unit: bytes) -> bytes:
    """The raw payload (RBSP): every 00 00 03 becomes 00 00 (H.264, 7.4.1; H.265, 7.4.2)."""
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
    """Fixed-length and Exp-Golomb codes (H.264, 9.1; H.265, 9.2), most significant bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        """u(count). Raises :class:`MalformedVideo` past the end."""
        if count > self._left:
            raise MalformedVideo("parameter set or slice header ends early")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def ue(self) -> int:
        """Unsigned Exp-Golomb."""
        zeros = self._left - (self._value & ((1 << self._left) - 1)).bit_length()
        if zeros > 32:
            raise MalformedVideo("Exp-Golomb code of more than 32 bits")
        return self.bits(2 * zeros + 1) - 1

    def se(self) -> int:
        """Signed Exp-Golomb."""
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def require_picture(width: int, height: int) -> None:
    """Raises :class:`MalformedVideo` for a size that no camera sends."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise MalformedVideo(f"sequence parameter set describes a picture of {width} x {height}")


@dataclass(frozen=True, slots=True)
class SliceNumber:
    """Where a slice's picture stands among the others of its stream, modulo ``modulus``.

    H.264: ``frame_num``, which counts reference pictures. H.265: ``slice_pic_order_cnt_lsb``. ``restarts``: the count
    begins anew here. ``reference``: others may refer to the picture.

    H.265 only: ``references``: how far from it, in order of output, the pictures are that it is made from; ``None``
    where that cannot be read. ``leading``: it comes after a random access point and is shown before. ``anchor``: the
    count of later pictures goes on from it (8.3.1).
    """

    value: int
    modulus: int
    restarts: bool
    reference: bool
    references: tuple[int, ...] | None = None
    leading: bool = False
    anchor: bool = True


@dataclass(frozen=True, slots=True)
class NalSyntax:
    """What a codec's NAL unit types mean (H.264, table 7-1; H.265, table 7-1).

    The type is ``unit[0] >> shift & mask``. ``slices`` carry picture data; decoding can start at one of ``keys``;
    ``configuration`` is what does not belong into a sample: parameter sets, delimiters, padding. Types up to
    ``greatest`` are possible ones.
    """

    codec: CodecName
    shift: int
    mask: int
    header: int
    slices: frozenset[int]
    keys: frozenset[int]
    configuration: frozenset[int]
    least: int
    greatest: int

    def type_of(self, unit: bytes) -> int:
        """``nal_unit_type``; raises :class:`MalformedVideo` when the forbidden bit is set or the header incomplete."""
        if len(unit) < self.header or unit[0] & 0x80:
            raise MalformedVideo("NAL unit is empty or its forbidden_zero_bit is set")
        return unit[0] >> self.shift & self.mask

    def kind(self, unit: bytes) -> int:
        """The same without a check; -1 for an empty unit."""
        return unit[0] >> self.shift & self.mask if unit else -1

    def is_slice(self, unit: bytes) -> bool:
        """Whether the unit carries picture data."""
        return self.kind(unit) in self.slices

    def picture_units(self, units: Iterable[bytes]) -> tuple[bytes, ...]:
        """The units that belong into a sample: slices and what accompanies them, no parameter sets, no padding."""
        return tuple(unit for unit in units if unit and self.kind(unit) not in self.configuration)

    def is_keyframe(self, units: Iterable[bytes]) -> bool:
        """Whether decoding can start here: the first slice is of an intra random access picture."""
        return next((self.kind(unit) in self.keys for unit in units if self.is_slice(unit)), False)

    def has_picture(self, units: Iterable[bytes]) -> bool:
        """Whether there is any slice at all."""
        return any(self.is_slice(unit) for unit in units)

    def is_intact(self, units: tuple[bytes, ...]) -> bool:
        """Whether the NAL headers are possible ones: what can be judged of a picture without decoding it."""
        return bool(units) and all(
            len(unit) >= self.header and not unit[0] & 0x80 and self.least <= self.kind(unit) <= self.greatest
            for unit in units
        )
