"""H.265 as far as it must be understood to store, announce and show it (ITU-T H.265, ISO/IEC 23008-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

_LEADING = frozenset(range(6, 10))  # RADL and RASL
_NOT_REFERRED_TO = frozenset(range(0, 15, 2))  # within their sub-layer
_SLICE_HEADER_BYTES = 64  # more than the fields up to the reference picture set usually take
_MOST_SETS, _MOST_REFERENCES, _MOST_LONG_TERM = 64, 16, 32


def is_reference(first_slice: bytes) -> bool:
    """Whether others of its temporal sub-layer may refer to the slice's picture (table 7-1)."""
    return SYNTAX.kind(first_slice) not in _NOT_REFERRED_TO


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """A short-term reference picture set (7.4.8): distances in order of output, and whether the picture itself is made
    from that one; first those shown before it, the nearest first, then those shown after it.
    """

    entries: tuple[tuple[int, bool], ...] = ()

    @property
    def used(self) -> tuple[int, ...]:
        """Distances of the pictures that this one is made from; the others are kept for later ones."""
        return tuple(distance for distance, used in self.entries if used)


@dataclass(frozen=True, slots=True)
class SliceSyntax:
    """What an SPS says that stands in slice headers on the way to the quantiser.

    ``long_term``: of each long-term reference picture that slices name by its place, whether the picture itself is
    made from it; ``None`` where there are no long-term references.
    """

    adaptive_offset: bool
    long_term: tuple[bool, ...] | None
    temporal_vectors: bool


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says. ``width`` and ``height`` are pixels inside the conformance window.

    ``profile``: the twelve bytes of ``general_profile_space`` up to ``general_level_idc`` (7.3.3), as ``hvcC`` wants
    them. ``order_bits``: of ``slice_pic_order_cnt_lsb``. ``reference_sets``: the short-term reference picture sets that
    slices name by their place, ``slices``: the rest of what their headers depend on; ``None`` where they cannot be
    read. ``fps`` is not read: it lies behind all these.
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
    reference_sets: tuple[ReferenceSet, ...] | None = None
    slices: SliceSyntax | None = None
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
    reference_sets, slices = _read_slice_syntax(reader, sub_layers, order_bits)
    return SequenceParameters(
        profile,
        nested,
        chroma,
        luma_depth,
        chroma_depth,
        width,
        height,
        order_bits,
        separate_planes=separate,
        reference_sets=reference_sets,
        slices=slices,
    )


def _skip_sub_layers(reader: BitReader, sub_layers: int) -> None:
    """The rest of profile_tier_level (7.3.3)."""
    present = [(reader.bits(1), reader.bits(1)) for _ in range(sub_layers)]
    if sub_layers:
        reader.bits(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.bits(88 * has_profile + 8 * has_level)


def _read_slice_syntax(
    reader: BitReader, sub_layers: int, order_bits: int
) -> tuple[tuple[ReferenceSet, ...] | None, SliceSyntax | None]:
    """The rest of the SPS as far as slice headers need it. Only judges do: no reason to refuse a camera."""
    sets: list[ReferenceSet] | None = None
    try:
        for _ in range(1 + sub_layers * reader.bits(1)):  # sps_sub_layer_ordering_info_present_flag
            _skip_ue(reader, 3)
        _skip_ue(reader, 6)  # sizes of blocks
        if reader.bits(1) and reader.bits(1):  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
            skip_scaling_lists(reader)
        reader.bits(1)  # amp_enabled_flag
        adaptive_offset = bool(reader.bits(1))
        if reader.bits(1):  # pcm_enabled_flag
            reader.bits(8)
            _skip_ue(reader, 2)
            reader.bits(1)
        count = reader.ue()
        if count > _MOST_SETS:
            return None, None
        found: list[ReferenceSet] = []
        for _ in range(count):
            found.append(read_reference_set(reader, found, in_slice=False))
        sets = found
        long_term = _read_long_term(reader, order_bits) if reader.bits(1) else None
        return tuple(sets), SliceSyntax(adaptive_offset, long_term, bool(reader.bits(1)))
    except MalformedVideo:
        return None if sets is None else tuple(sets), None


def _read_long_term(reader: BitReader, order_bits: int) -> tuple[bool, ...]:
    used = []
    for _ in range(min(reader.ue(), _MOST_LONG_TERM + 1)):
        reader.bits(order_bits)
        used.append(bool(reader.bits(1)))
    if len(used) > _MOST_LONG_TERM:
        raise MalformedVideo(f"more than {_MOST_LONG_TERM} long-term reference pictures")
    return tuple(used)


def _skip_ue(reader: BitReader, count: int) -> None:
    for _ in range(count):
        reader.ue()


def skip_scaling_lists(reader: BitReader) -> None:
    """``scaling_list_data()`` (7.3.4). Raises :class:`MalformedVideo` where it ends early."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not reader.bits(1):
                reader.ue()
                continue
            for _ in range(min(64, 1 << 4 + 2 * size) + (size > 1)):
                reader.se()


def read_reference_set(reader: BitReader, known: Sequence[ReferenceSet], *, in_slice: bool) -> ReferenceSet:
    """``st_ref_pic_set()`` (7.3.7); one predicted from another is derived by (7-61) and (7-62).

    Raises :class:`MalformedVideo`.
    """
    if known and reader.bits(1):  # inter_ref_pic_set_prediction_flag
        back = 1 + (reader.ue() if in_slice else 0)
        if back > len(known):
            raise MalformedVideo(f"reference picture set predicted from {back} before the first")
        return _predict(reader, known[-back].entries)
    counts = reader.ue(), reader.ue()
    if sum(counts) > _MOST_REFERENCES:
        raise MalformedVideo(f"reference picture set of {sum(counts)} pictures")
    entries = []
    for sign, count in zip((-1, 1), counts, strict=True):
        distance = 0
        for _ in range(count):
            distance += sign * (reader.ue() + 1)
            entries.append((distance, bool(reader.bits(1))))
    return ReferenceSet(tuple(entries))


def _predict(reader: BitReader, entries: tuple[tuple[int, bool], ...]) -> ReferenceSet:
    sign = -1 if reader.bits(1) else 1
    shift = sign * (reader.ue() + 1)
    found = []
    for distance in (*(distance for distance, _ in entries), 0):
        used = bool(reader.bits(1))
        if (used or reader.bits(1)) and distance + shift:
            found.append((distance + shift, used))
    # Both formulas give each side from the nearest to the farthest.
    return ReferenceSet(tuple(sorted(found, key=lambda entry: (entry[0] > 0, abs(entry[0])))))


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
        return SliceNumber(
            order,
            modulus,
            restarts=kind in _IRAP,
            reference=kind not in _NOT_REFERRED_TO,
            references=self._references(reader),
            leading=kind in _LEADING,
            anchor=unit[1] & 7 == 1 and kind not in _LEADING and kind not in _NOT_REFERRED_TO,  # of temporal layer 0
        )

    def _references(self, reader: BitReader) -> tuple[int, ...] | None:
        """What follows the picture order count; ``None`` where it cannot be read, which concerns nobody else."""
        known = self._sequence.reference_sets
        if known is None:
            return None
        try:
            if not reader.bits(1):  # short_term_ref_pic_set_sps_flag
                return read_reference_set(reader, known, in_slice=True).used
            place = reader.bits((len(known) - 1).bit_length()) if known else 0
            return known[place].used if place < len(known) else None
        except MalformedVideo:
            return None


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
