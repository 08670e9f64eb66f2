"""H.265 as far as it must be understood to store, announce and show it (ITU-T H.265, ISO/IEC 23008-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from ingest.nal import (
    BitReader,
    CodecName,
    MalformedVideo,
    NalSyntax,
    SliceNumber,
    remove_emulation_prevention,
    require_picture,
    split_annex_b,
    to_annex_b,
)

VPS, SPS, PPS, DELIMITER, END_OF_SEQUENCE, END_OF_STREAM, FILLER = 32, 33, 34, 35, 36, 37, 38
"""NAL unit types that matter here (table 7-1)."""

_IRAP = frozenset(range(16, 24))  # BLA, IDR, CRA and what is reserved for their like
_IDR = frozenset({19, 20})

SYNTAX = NalSyntax(
    codec="hevc",
    shift=1,
    mask=0x3F,
    header=2,
    slices=frozenset(range(10)) | frozenset(range(16, 22)),
    keys=_IRAP,
    configuration=frozenset({VPS, SPS, PPS, DELIMITER, END_OF_SEQUENCE, END_OF_STREAM, FILLER}),
    least=0,
    greatest=40,
)

_SLICE_HEADER_BYTES = 32  # more than the fields up to the picture order count can take


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says. ``width`` and ``height`` are pixels inside the conformance window.

    ``profile``: the twelve bytes of ``general_profile_space`` up to ``general_level_idc`` (7.3.3), as ``hvcC`` wants
    them. ``order_bits``: of ``slice_pic_order_cnt_lsb``. ``fps`` is not read: it lies behind what nothing else needs.
    """

    profile: bytes
    nested: bool
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    width: int
    height: int
    order_bits: int
    separate_planes: bool = False
    fps: float | None = None

    @property
    def codec(self) -> str:
        """The ``codecs`` parameter (ISO/IEC 14496-15, E.3), such as ``hvc1.1.6.L93.B0``."""
        first, level = self.profile[0], self.profile[11]
        space = ("", "A", "B", "C")[first >> 6]
        compatible = int(f"{int.from_bytes(self.profile[1:5], 'big'):032b}"[::-1], 2)
        constraints = self.profile[5:11].rstrip(b"\x00")
        parts = ["hvc1", f"{space}{first & 0x1F}", f"{compatible:X}", f"{'H' if first & 0x20 else 'L'}{level}"]
        return ".".join([*parts, *(f"{byte:X}" for byte in constraints)])


def parse_sps(unit: bytes) -> SequenceParameters:
    """Reads a sequence parameter set (7.3.2.2.1), NAL header included.

    Raises :class:`MalformedVideo` when it ends early or describes no possible picture.
    """
    if SYNTAX.type_of(unit) != SPS:
        raise MalformedVideo("not a sequence parameter set")
    reader = BitReader(remove_emulation_prevention(unit)[2:])
    reader.bits(4)  # sps_video_parameter_set_id
    sub_layers = reader.bits(3)
    nested = bool(reader.bits(1))
    profile = bytes(reader.bits(8) for _ in range(12))
    _skip_sub_layers(reader, sub_layers)
    reader.ue()  # sps_seq_parameter_set_id
    chroma = reader.ue()
    if chroma > 3:
        raise MalformedVideo(f"chroma_format_idc {chroma}")
    separate = bool(reader.bits(1)) if chroma == 3 else False
    width, height = reader.ue(), reader.ue()
    left, right, top, bottom = (reader.ue() for _ in range(4)) if reader.bits(1) else (0, 0, 0, 0)
    # Crop units of table 6-1.
    width -= (2 if chroma in (1, 2) else 1) * (left + right)
    height -= (2 if chroma == 1 else 1) * (top + bottom)
    require_picture(width, height)
    luma_depth, chroma_depth = 8 + reader.ue(), 8 + reader.ue()
    order_bits = 4 + reader.ue()
    if luma_depth > 16 or chroma_depth > 16 or order_bits > 16:
        raise MalformedVideo(f"depths {luma_depth} and {chroma_depth}, picture order count of {order_bits} bits")
    return SequenceParameters(
        profile, nested, chroma, luma_depth, chroma_depth, width, height, order_bits, separate_planes=separate
    )


def _skip_sub_layers(reader: BitReader, sub_layers: int) -> None:
    """The rest of profile_tier_level (7.3.3)."""
    present = [(reader.bits(1), reader.bits(1)) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.bits(88 * has_profile + 8 * has_level)


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """One VPS, SPS and PPS as a decoder needs them, NAL headers included, start codes not."""

    syntax: ClassVar[NalSyntax] = SYNTAX
    codec_name: ClassVar[CodecName] = "hevc"

    vps: bytes
    sps: bytes
    pps: bytes

    def sequence(self) -> SequenceParameters:
        """The SPS, read. Raises :class:`MalformedVideo`."""
        return parse_sps(self.sps)

    def annex_b(self) -> bytes:
        """Decoder extradata as byte stream."""
        return to_annex_b((self.vps, self.sps, self.pps))


class SliceReader:
    """Reads the picture order count out of slice headers (7.3.6.1). Raises :class:`MalformedVideo` for broken sets."""

    def __init__(self, parameters: ParameterSets) -> None:
        self._sequence = parameters.sequence()
        reader = BitReader(remove_emulation_prevention(parameters.pps[:_SLICE_HEADER_BYTES])[2:])
        self._pps_id = reader.ue()
        reader.ue()  # pps_seq_parameter_set_id
        reader.bits(1)  # dependent_slice_segments_enabled_flag
        self._output_flag = bool(reader.bits(1))
        self._extra_bits = reader.bits(3)

    def number(self, unit: bytes) -> SliceNumber | None:
        """Of a picture's first slice; ``None`` for any other slice.

        Raises :class:`MalformedVideo` for a header that cannot be one of this stream.
        """
        reader = BitReader(remove_emulation_prevention(unit[:_SLICE_HEADER_BYTES])[2:])
        if not reader.bits(1):  # first_slice_segment_in_pic_flag
            return None
        kind = SYNTAX.kind(unit)
        if kind in _IRAP:
            reader.bits(1)  # no_output_of_prior_pics_flag
        pps_id = reader.ue()
        reader.bits(self._extra_bits)
        slice_type = reader.ue()
        if pps_id != self._pps_id or slice_type > 2:
            raise MalformedVideo(f"slice of type {slice_type} with the picture parameters {pps_id}")
        modulus = 1 << self._sequence.order_bits
        if kind in _IDR:
            return SliceNumber(0, modulus, restarts=True, reference=True)
        reader.bits(self._output_flag + 2 * self._sequence.separate_planes)
        order = reader.bits(self._sequence.order_bits)
        # Even types below 16 are not referred to within their sub-layer (table 7-1).
        return SliceNumber(order, modulus, restarts=kind in _IRAP, reference=kind >= 16 or bool(kind % 2))


def find_parameter_sets(units: Iterable[bytes]) -> ParameterSets | None:
    """The last VPS, SPS and PPS among the units; ``None`` unless all are there."""
    found = {VPS: b"", SPS: b"", PPS: b""}
    for unit in units:
        kind = SYNTAX.kind(unit)
        if kind in found:
            found[kind] = unit
    return ParameterSets(found[VPS], found[SPS], found[PPS]) if all(found.values()) else None


def parameter_sets_of_extradata(extradata: bytes | None) -> ParameterSets | None:
    """Parameter sets from a demuxer: byte stream, or an ``hvcC`` record (ISO/IEC 14496-15, 8.3.3.1)."""
    if not extradata:
        return None
    if extradata[0] == 1:
        return find_parameter_sets(_hvcc_units(extradata))
    return find_parameter_sets(split_annex_b(extradata))


def _hvcc_units(record: bytes) -> Iterator[bytes]:
    arrays = record[22] if len(record) > 22 else 0
    at = 23
    for _ in range(arrays):
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at : at + 2], "big")
            yield record[at + 2 : at + 2 + size]
            at += 2 + size
            if at > len(record):
                return
