"""One access unit of H.264 on its way from the reader to the live channel and the decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ingest.h264 import DELIMITER, FILLER, IDR, PPS, SLICE, SPS, ParameterSets, is_slice, to_annex_b

TIMESCALE = 90_000
"""Ticks a second of every timestamp in this package: RTP's clock for video (RFC 6184, 8.2.1)."""

Clock = Literal["rtcp", "arrival"]

_CONFIGURATION = frozenset({SPS, PPS, DELIMITER, FILLER})


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """All NAL units of one picture.

    ``units``: without start codes or lengths, parameter sets and delimiters left out. ``dts`` and ``pts``: 90 kHz, on
    the stream's continuous timeline. ``captured_at`` and ``arrived_at``: UTC epoch seconds on the server's clock.
    ``parameters``: the sets that apply to it.
    """

    units: tuple[bytes, ...]
    dts: int
    pts: int
    keyframe: bool
    captured_at: float
    clock: Clock
    arrived_at: float
    parameters: ParameterSets

    def annex_b(self) -> bytes:
        """What a decoder takes; a key frame brings its parameter sets along."""
        picture = to_annex_b(self.units)
        return self.parameters.annex_b() + picture if self.keyframe else picture

    @property
    def size(self) -> int:
        """Bytes of picture data."""
        return sum(len(unit) for unit in self.units)


def picture_units(units: list[bytes]) -> tuple[bytes, ...]:
    """The units that belong into a sample: slices and what accompanies them, no parameter sets, no padding."""
    return tuple(unit for unit in units if unit and unit[0] & 0x1F not in _CONFIGURATION)


def is_keyframe(units: tuple[bytes, ...]) -> bool:
    """Whether decoding can start here: the first slice is of an IDR picture."""
    return next((unit[0] & 0x1F == IDR for unit in units if is_slice(unit)), False)


def has_picture(units: tuple[bytes, ...]) -> bool:
    """Whether there is any slice at all."""
    return any(is_slice(unit) for unit in units)


def is_intact(units: tuple[bytes, ...]) -> bool:
    """Whether the NAL headers are possible ones: what can be judged of a picture without decoding it."""
    return bool(units) and all(unit[0] & 0x80 == 0 and SLICE <= unit[0] & 0x1F <= 21 for unit in units)
