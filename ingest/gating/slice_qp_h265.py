"""The quantiser of an H.265 picture, read off its first slice header without decoding (ITU-T H.265, 7.3.2.3, 7.3.6).

What :mod:`ingest.gating.slice_qp` is for H.264.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.h265 import (
    SYNTAX,
    ParameterSets,
    ReferenceSet,
    SequenceParameters,
    SliceSyntax,
    parse_sps,
    read_reference_set,
    skip_scaling_lists,
)
from ingest.nal import BitReader, MalformedVideo, remove_emulation_prevention

_HEADER_BYTES = 128  # more than a slice header with a usual table of weights takes
_IRAP = range(16, 24)
_IDR = (19, 20)
_B, _I = 0, 2
_MOST_REFERENCES = 16
_LOWEST_QP = -48  # QpBdOffset of 16-bit video


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the PPS says that stands in the way to ``slice_qp_delta``."""

    pps_id: int
    output_flag: bool
    extra_bits: int
    cabac_init: bool
    references: tuple[int, int]
    qp: int
    weighted: bool
    weighted_bipred: bool
    list_modification: bool


class HevcQpReader:
    """Reads ``SliceQpY`` (7-54) of pictures under one set. Raises ``MalformedVideo`` for broken sets."""

    def __init__(self, parameters: ParameterSets) -> None:
        self._sequence: SequenceParameters = parse_sps(parameters.sps)
        if self._sequence.slices is None or self._sequence.reference_sets is None:
            raise MalformedVideo("sequence parameter set that says nothing of its slices")
        self._syntax: SliceSyntax = self._sequence.slices
        self._sets: tuple[ReferenceSet, ...] = self._sequence.reference_sets
        self._picture = _read_pps(parameters.pps)

    def qp(self, first_slice: bytes) -> int:
        """The quantiser, -48 to 51. Raises ``MalformedVideo`` for a header that is none, or an unusually long one."""
        reader = BitReader(remove_emulation_prevention(first_slice[:_HEADER_BYTES])[2:])
        kind, picture = SYNTAX.kind(first_slice), self._picture
        if not reader.bits(1):  # first_slice_segment_in_pic_flag
            raise MalformedVideo("not a picture's first slice")
        if kind in _IRAP:
            reader.bits(1)  # no_output_of_prior_pics_flag
        if reader.ue() != picture.pps_id:
            raise MalformedVideo("slice with picture parameters that nobody sent")
        reader.bits(picture.extra_bits)
        slice_type = reader.ue()
        reader.bits(picture.output_flag + 2 * self._sequence.separate_planes)
        pictures, temporal = (0, False) if kind in _IDR else self._skip_references(reader)
        if self._syntax.adaptive_offset:
            colour = self._sequence.chroma_format_idc != 0 and not self._sequence.separate_planes
            reader.bits(1 + colour)  # slice_sao_luma_flag, slice_sao_chroma_flag
        if slice_type != _I:
            self._skip_prediction(reader, pictures, temporal=temporal, both=slice_type == _B)
        value = picture.qp + reader.se()
        if slice_type > _I or not _LOWEST_QP <= value <= 51:
            raise MalformedVideo(f"slice of type {slice_type} with the quantiser {value}")
        return value

    def _skip_references(self, reader: BitReader) -> tuple[int, bool]:
        """``NumPicTotalCurr`` (7-55), and ``slice_temporal_mvp_enabled_flag``."""
        order_bits = self._sequence.order_bits
        reader.bits(order_bits)
        if not reader.bits(1):  # short_term_ref_pic_set_sps_flag
            used = len(read_reference_set(reader, self._sets, in_slice=True).used)
        else:
            place = reader.bits((len(self._sets) - 1).bit_length()) if self._sets else 0
            if place >= len(self._sets):
                raise MalformedVideo(f"slice with the reference picture set {place}")
            used = len(self._sets[place].used)
        named = self._syntax.long_term
        if named is not None:
            by_place = reader.ue() if named else 0
            count = _bounded(by_place + reader.ue())
            for index in range(count):
                if index < by_place:
                    place = reader.bits((len(named) - 1).bit_length())
                    used += place < len(named) and named[place]
                else:
                    reader.bits(order_bits)
                    used += reader.bits(1)
                if reader.bits(1):  # delta_poc_msb_present_flag
                    reader.ue()
        return used, bool(reader.bits(1)) if self._syntax.temporal_vectors else False

    def _skip_prediction(self, reader: BitReader, pictures: int, *, temporal: bool, both: bool) -> None:
        picture = self._picture
        references = list(picture.references[: 1 + both])
        if reader.bits(1):  # num_ref_idx_active_override_flag
            references = [_bounded(reader.ue() + 1) for _ in references]
        if picture.list_modification and pictures > 1:
            for count in references:
                if reader.bits(1):  # ref_pic_list_modification_flag
                    reader.bits(count * (pictures - 1).bit_length())
        if both:
            reader.bits(1)  # mvd_l1_zero_flag
        if picture.cabac_init:
            reader.bits(1)
        if temporal:
            second = both and not reader.bits(1)  # collocated_from_l0_flag
            if references[second] > 1:
                reader.ue()
        if picture.weighted_bipred if both else picture.weighted:
            _skip_weights(reader, references, colour=self._sequence.chroma_format_idc != 0)
        reader.ue()  # five_minus_max_num_merge_cand


def _read_pps(pps: bytes) -> _Picture:
    """7.3.2.3.1, up to ``lists_modification_present_flag``."""
    reader = BitReader(remove_emulation_prevention(pps)[2:])
    pps_id = reader.ue()
    reader.ue()  # pps_seq_parameter_set_id
    reader.bits(1)  # dependent_slice_segments_enabled_flag
    output_flag, extra_bits = bool(reader.bits(1)), reader.bits(3)
    reader.bits(1)  # sign_data_hiding_enabled_flag
    cabac_init = bool(reader.bits(1))
    references = _bounded(reader.ue() + 1), _bounded(reader.ue() + 1)
    qp = 26 + reader.se()
    reader.bits(2)  # constrained_intra_pred_flag, transform_skip_enabled_flag
    if reader.bits(1):  # cu_qp_delta_enabled_flag
        reader.ue()
    reader.se()
    reader.se()
    reader.bits(1)  # pps_slice_chroma_qp_offsets_present_flag
    weighted, bipred = bool(reader.bits(1)), bool(reader.bits(1))
    reader.bits(1)  # transquant_bypass_enabled_flag
    tiles = reader.bits(1)
    reader.bits(1)  # entropy_coding_sync_enabled_flag
    if tiles:
        columns, rows = reader.ue(), reader.ue()
        if not reader.bits(1):  # uniform_spacing_flag
            for _ in range(min(columns + rows, 64)):
                reader.ue()
        reader.bits(1)  # loop_filter_across_tiles_enabled_flag
    reader.bits(1)  # pps_loop_filter_across_slices_enabled_flag
    if reader.bits(1):  # deblocking_filter_control_present_flag
        reader.bits(1)
        if not reader.bits(1):  # pps_deblocking_filter_disabled_flag
            reader.se()
            reader.se()
    if reader.bits(1):  # pps_scaling_list_data_present_flag
        skip_scaling_lists(reader)
    modification = bool(reader.bits(1))
    return _Picture(pps_id, output_flag, extra_bits, cabac_init, references, qp, weighted, bipred, modification)


def _skip_weights(reader: BitReader, references: list[int], *, colour: bool) -> None:
    """``pred_weight_table()`` (7.3.6.3), for references that are other pictures, as those of one layer are."""
    reader.ue()
    if colour:
        reader.se()
    for count in references:
        luma = [reader.bits(1) for _ in range(count)]
        chroma = [reader.bits(1) if colour else 0 for _ in range(count)]
        for light, tint in zip(luma, chroma, strict=True):
            for _ in range(2 * light + 4 * tint):
                reader.se()


def _bounded(references: int) -> int:
    if references > _MOST_REFERENCES:
        raise MalformedVideo(f"slice with {references} reference pictures")
    return references
