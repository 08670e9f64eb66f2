"""The quantiser of a picture, read off its first slice header without decoding (ITU-T H.264, 7.3.2.2 and 7.3.3).

A camera with a constant bit rate spends the same bytes on a quiet picture as on a busy one and turns its quantiser
instead. Size and quantiser together tell what size alone does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest import h264
from ingest.nal import BitReader, MalformedVideo, remove_emulation_prevention

_HEADER_BYTES = 64  # more than a slice header with a usual table of weights takes
_B, _I, _SI = 1, 2, 4
_INTRA = (_I, _SI)
_MOST_REFERENCES = 32


@dataclass(frozen=True, slots=True)
class _Picture:
    """What the PPS says that stands in the way to ``slice_qp_delta``."""

    entropy_coding: bool
    bottom_field_order: bool
    references: tuple[int, int]
    weighted: bool
    weighted_bipred: int
    qp: int
    redundant: bool


class QpReader:
    """Reads ``SliceQPY`` (7-30) of pictures under one SPS and its PPSs. Raises ``MalformedVideo`` for broken ones."""

    def __init__(self, parameters: h264.ParameterSets) -> None:
        self._sequence = h264.parse_sps(parameters.sps)
        self._pictures = {h264.pps_id_of(pps): _read_pps(pps) for pps in (parameters.pps, *parameters.more)}

    def qp(self, first_slice: bytes) -> int:
        """The quantiser, 0 to 51. Raises ``MalformedVideo`` for a header that is none, or an unusually long one."""
        reader = BitReader(remove_emulation_prevention(first_slice[:_HEADER_BYTES])[1:])
        idr = first_slice[0] & 0x1F == h264.IDR
        reader.ue()  # first_mb_in_slice
        kind = reader.ue() % 5
        pps = self._pictures.get(reader.ue())
        if pps is None:
            raise MalformedVideo("slice with picture parameters that nobody sent")
        if self._sequence.separate_planes:
            reader.bits(2)
        reader.bits(self._sequence.frame_num_bits)
        field = False
        if not self._sequence.frames_only:
            field = bool(reader.bits(1))
            if field:
                reader.bits(1)
        if idr:
            reader.ue()  # idr_pic_id
        self._skip_order(reader, both_fields=pps.bottom_field_order and not field)
        if pps.redundant:
            reader.ue()
        if kind == _B:
            reader.bits(1)  # direct_spatial_mv_pred_flag
        if kind not in _INTRA:
            references = list(pps.references[: 2 if kind == _B else 1])
            if reader.bits(1):  # num_ref_idx_active_override_flag
                references = [_bounded(reader.ue() + 1) for _ in references]
            for _ in references:
                _skip_list_modification(reader)
            if pps.weighted_bipred == 1 if kind == _B else pps.weighted:
                _skip_weights(reader, references, colour=self._sequence.chroma_format_idc != 0)
        if first_slice[0] & 0x60:
            _skip_marking(reader, idr)
        if pps.entropy_coding and kind not in _INTRA:
            reader.ue()  # cabac_init_idc
        value = pps.qp + reader.se()
        if not 0 <= value <= 51:
            raise MalformedVideo(f"slice quantiser {value}")
        return value

    def _skip_order(self, reader: BitReader, *, both_fields: bool) -> None:
        order = self._sequence.order
        if order.kind == 0:
            reader.bits(order.lsb_bits)
            if both_fields:
                reader.se()
        elif order.kind == 1 and order.deltas:
            reader.se()
            if both_fields:
                reader.se()


def _read_pps(pps: bytes) -> _Picture:
    reader = BitReader(remove_emulation_prevention(pps)[1:])
    reader.ue()
    reader.ue()
    entropy, bottom = bool(reader.bits(1)), bool(reader.bits(1))
    if reader.ue():
        raise MalformedVideo("slice groups: no camera sends them")
    references = reader.ue() + 1, reader.ue() + 1
    weighted, bipred = bool(reader.bits(1)), reader.bits(2)
    qp = 26 + reader.se()
    reader.se()
    reader.se()
    reader.bits(2)  # deblocking_filter_control_present_flag, constrained_intra_pred_flag
    return _Picture(entropy, bottom, references, weighted, bipred, qp, bool(reader.bits(1)))


def _skip_list_modification(reader: BitReader) -> None:
    """7.3.3.1."""
    if reader.bits(1):
        while reader.ue() != 3:
            reader.ue()


def _skip_weights(reader: BitReader, references: list[int], *, colour: bool) -> None:
    """7.3.3.2."""
    reader.ue()
    if colour:
        reader.ue()
    for _ in range(sum(references)):
        if reader.bits(1):
            reader.se()
            reader.se()
        if colour and reader.bits(1):
            for _ in range(4):
                reader.se()


def _bounded(references: int) -> int:
    if references > _MOST_REFERENCES:
        raise MalformedVideo(f"slice with {references} reference pictures")
    return references


def _skip_marking(reader: BitReader, idr: bool) -> None:
    """7.3.3.3."""
    if idr:
        reader.bits(2)
    elif reader.bits(1):
        while (operation := reader.ue()) != 0:
            reader.ue()
            if operation == 3:
                reader.ue()
