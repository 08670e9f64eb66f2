"""H.264 as far as it must be understood to store, announce and show it (ITU-T H.264, ISO/IEC 14496-10)."""

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

SLICE, IDR, SEI, SPS, PPS, DELIMITER, FILLER = 1, 5, 6, 7, 8, 9, 12
"""NAL unit types that matter here (table 7-1)."""

SYNTAX = NalSyntax(
    codec="h264",
    shift=0,
    mask=0x1F,
    header=1,
    slices=frozenset({1, 2, 3, 4, 5}),
    keys=frozenset({IDR}),
    configuration=frozenset({SPS, PPS, DELIMITER, FILLER}),
    least=SLICE,
    greatest=21,
)

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_EXTENDED_ASPECT = 255
_SLICE_HEADER_BYTES = 32  # more than the fields up to frame_num can take


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """How slice headers tell the picture order count: ``pic_order_cnt_type``, bits of its lsb, whether deltas come."""

    kind: int = 0
    lsb_bits: int = 4
    deltas: bool = False


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says. ``width`` and ``height`` are pixels after cropping.

    ``fps``: pictures a second by the VUI's timing (E.2.1), ``None`` where it says nothing. ``frame_num_bits``: of
    ``frame_num`` in slice headers; ``gaps_allowed``: that its values may have gaps on purpose.
    """

    profile_idc: int
    constraint_flags: int
    level_idc: int
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    width: int
    height: int
    fps: float | None = None
    frame_num_bits: int = 4
    gaps_allowed: bool = False
    separate_planes: bool = False
    frames_only: bool = True
    order: PictureOrder = PictureOrder()

    @property
    def codec(self) -> str:
        """The ``codecs`` parameter of RFC 6381, 3.3: ``avc1.`` and profile, constraints, level in hex."""
        return f"avc1.{self.profile_idc:02x}{self.constraint_flags:02x}{self.level_idc:02x}"


def parse_sps(unit: bytes) -> SequenceParameters:
    """Reads a sequence parameter set (7.3.2.1.1), NAL header included.

    Raises :class:`MalformedVideo` when it ends early or describes no possible picture.
    """
    if SYNTAX.type_of(unit) != SPS or len(unit) < 4:
        raise MalformedVideo("not a sequence parameter set")
    reader = BitReader(remove_emulation_prevention(unit)[1:])
    profile, constraints, level = reader.bits(8), reader.bits(8), reader.bits(8)
    reader.ue()  # seq_parameter_set_id
    chroma, luma_depth, chroma_depth, separate = _read_chroma(reader) if profile in _HIGH_PROFILES else (1, 8, 8, False)
    frame_num_bits = 4 + _bounded(reader.ue(), 12, "log2_max_frame_num_minus4")
    order = _read_picture_order(reader)
    reader.ue()  # max_num_ref_frames
    gaps_allowed = bool(reader.bits(1))
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
    require_picture(width, height)
    return SequenceParameters(
        profile,
        constraints,
        level,
        chroma,
        luma_depth,
        chroma_depth,
        width,
        height,
        fps=_read_fps(reader),
        frame_num_bits=frame_num_bits,
        gaps_allowed=gaps_allowed,
        separate_planes=separate,
        frames_only=bool(frames_only),
        order=order,
    )


def _read_chroma(reader: BitReader) -> tuple[int, int, int, bool]:
    chroma = reader.ue()
    if chroma > 3:
        raise MalformedVideo(f"chroma_format_idc {chroma}")
    separate = bool(reader.bits(1)) if chroma == 3 else False
    luma_depth, chroma_depth = 8 + reader.ue(), 8 + reader.ue()
    reader.bits(1)  # qpprime_y_zero_transform_bypass_flag
    if reader.bits(1):  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma == 3 else 8):
            if reader.bits(1):
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma, luma_depth, chroma_depth, separate


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    """7.3.2.1.1.1: the list ends where the next scale is 0."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se() + 256) % 256
        last = following or last


def _read_picture_order(reader: BitReader) -> PictureOrder:
    kind = reader.ue()
    if kind == 0:
        return PictureOrder(0, 4 + _bounded(reader.ue(), 12, "log2_max_pic_order_cnt_lsb_minus4"))
    if kind == 1:
        always_zero = reader.bits(1)
        reader.se()
        reader.se()
        for _ in range(_bounded(reader.ue(), 255, "num_ref_frames_in_pic_order_cnt_cycle")):
            reader.se()
        return PictureOrder(1, 0, not always_zero)
    return PictureOrder(kind, 0)


def _read_fps(reader: BitReader) -> float | None:
    """Timing of the VUI (E.1.1). Cameras write nonsense behind the picture's size; that is no reason to refuse them."""
    try:
        if not reader.bits(1):  # vui_parameters_present_flag
            return None
        if reader.bits(1) and reader.bits(8) == _EXTENDED_ASPECT:  # aspect_ratio_info_present_flag
            reader.bits(32)
        if reader.bits(1):  # overscan_info_present_flag
            reader.bits(1)
        if reader.bits(1):  # video_signal_type_present_flag
            reader.bits(4)
            if reader.bits(1):  # colour_description_present_flag
                reader.bits(24)
        if reader.bits(1):  # chroma_loc_info_present_flag
            reader.ue()
            reader.ue()
        if not reader.bits(1):  # timing_info_present_flag
            return None
        units_in_tick, time_scale = reader.bits(32), reader.bits(32)
    except MalformedVideo:
        return None
    # Two fields make a picture (E.2.1, fixed_frame_rate_flag).
    fps = time_scale / (2 * units_in_tick) if units_in_tick else 0.0
    return fps if 1.0 <= fps <= 120.0 else None


def _bounded(value: int, limit: int, name: str) -> int:
    if value > limit:
        raise MalformedVideo(f"{name} is {value}, at most {limit} is allowed")
    return value


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """One SPS and its PPSs as a decoder needs them, NAL headers included, start codes not.

    ``more``: PPSs besides ``pps``; encoders that mix fields and frames, or tune for kinds of slices, have several.
    """

    syntax: ClassVar[NalSyntax] = SYNTAX
    codec_name: ClassVar[CodecName] = "h264"

    sps: bytes
    pps: bytes
    more: tuple[bytes, ...] = ()

    def sequence(self) -> SequenceParameters:
        """The SPS, read. Raises :class:`MalformedVideo`."""
        return parse_sps(self.sps)

    def annex_b(self) -> bytes:
        """Decoder extradata as byte stream."""
        return to_annex_b((self.sps, self.pps, *self.more))


@dataclass(frozen=True, slots=True)
class Field:
    """A picture that is one field of a frame (``field_pic_flag``); ``frame``: its ``frame_num``."""

    frame: int
    bottom: bool
    restarts: bool

    def completes(self, first: Field) -> bool:
        """Whether both make one frame (3.30, 3.31): one number, two parities; what begins anew is no second field."""
        anew = self.restarts and not first.restarts
        return self.frame == first.frame and self.bottom is not first.bottom and not anew


class SliceReader:
    """Reads the picture's number out of slice headers (7.3.3). Raises :class:`MalformedVideo` for a broken SPS."""

    def __init__(self, parameters: ParameterSets) -> None:
        self._sequence = parameters.sequence()
        self._pps_ids = {pps_id_of(pps) for pps in (parameters.pps, *parameters.more)}

    def number(self, unit: bytes) -> SliceNumber | None:
        """Of a picture's first slice; ``None`` for any other slice, and where gaps mean nothing.

        Raises :class:`MalformedVideo` for a header that cannot be one of this stream.
        """
        header = self._begin(unit)
        if header is None or self._sequence.gaps_allowed:
            return None
        _, pps_id, value = header
        if pps_id not in self._pps_ids:
            raise MalformedVideo(f"slice with the picture parameters {pps_id}")
        restarts = SYNTAX.kind(unit) == IDR
        if restarts and value:
            raise MalformedVideo(f"IDR picture with frame_num {value}")
        return SliceNumber(value, 1 << self._sequence.frame_num_bits, restarts, bool(unit[0] & 0x60))

    def field(self, unit: bytes) -> Field | None:
        """Which field the picture of a first slice is; ``None`` for a frame, and for any other slice.

        Raises :class:`MalformedVideo` for a header that cannot be one of this stream.
        """
        if self._sequence.frames_only:
            return None
        header = self._begin(unit)
        if header is None:
            return None
        reader, _, value = header
        if not reader.bits(1):  # field_pic_flag
            return None
        return Field(value, bool(reader.bits(1)), SYNTAX.kind(unit) == IDR)

    def _begin(self, unit: bytes) -> tuple[BitReader, int, int] | None:
        """``pic_parameter_set_id``, ``frame_num``, and the reader behind it; ``None`` but for a first slice."""
        reader = BitReader(remove_emulation_prevention(unit[:_SLICE_HEADER_BYTES])[1:])
        if reader.ue():  # first_mb_in_slice
            return None
        kind, pps_id = reader.ue(), reader.ue()
        if kind > 9:
            raise MalformedVideo(f"slice of type {kind}")
        if self._sequence.separate_planes:
            reader.bits(2)
        return reader, pps_id, reader.bits(self._sequence.frame_num_bits)


def pps_id_of(pps: bytes) -> int:
    """``pic_parameter_set_id``. Raises :class:`MalformedVideo` where there is none."""
    return BitReader(remove_emulation_prevention(pps[:_SLICE_HEADER_BYTES])[1:]).ue()


def find_parameter_sets(units: Iterable[bytes]) -> ParameterSets | None:
    """The last SPS among the units, and of each PPS the last; ``None`` unless one of both is there."""
    sps = b""
    pictures: dict[int, bytes] = {}
    for unit in units:
        kind = SYNTAX.kind(unit)
        if kind == SPS:
            sps = unit
        elif kind == PPS:
            try:
                pictures[pps_id_of(unit)] = unit
            except MalformedVideo:  # told by whoever wants to read slices under it
                pictures[-1] = unit
    if not sps or not pictures:
        return None
    first, *more = (pictures[pps_id] for pps_id in sorted(pictures))
    return ParameterSets(sps, first, tuple(more))


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
