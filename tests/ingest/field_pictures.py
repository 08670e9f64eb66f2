"""Interlaced H.264 by field (PAFF): each field a picture of its own. Written here, since no free encoder makes it.

ITU-T H.264: sets 7.3.2.1 and 7.3.2.2, slices 7.3.3 and 7.3.4. Main profile, CAVLC; macroblocks are I_PCM or skipped.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingest.h264 import IDR, SLICE, ParameterSets

COLUMNS, FIELD_ROWS = 4, 2
"""Macroblocks of a field; a frame is 64 x 64 pixels."""
FPS = 25
_MACROBLOCKS = COLUMNS * FIELD_ROWS
_P, _I = 5, 7
_I_PCM = 25
_I_PCM_IN_P = 5 + _I_PCM
_FRAME_NUM_BITS, _ORDER_BITS = 4, 8


class BitWriter:
    """What :class:`ingest.nal.BitReader` reads."""

    def __init__(self) -> None:
        self.text = ""

    def bits(self, count: int, value: int) -> BitWriter:
        self.text += f"{value:0{count}b}" if count else ""
        return self

    def ue(self, *values: int) -> BitWriter:
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def se(self, value: int) -> BitWriter:
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def pcm(self, level: int) -> BitWriter:
        """The samples of one I_PCM macroblock, grey."""
        self.text += "0" * (-len(self.text) % 8) + f"{level:08b}" * 256 + f"{128:08b}" * 128
        return self

    def data(self) -> bytes:
        """With the trailing bits of an RBSP."""
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def escape(payload: bytes) -> bytes:
    """With emulation prevention (7.4.1)."""
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def parameters() -> ParameterSets:
    """Frames of two fields, 25 a second, picture order count of type 0, nothing put in order.

    Fields have picture parameters of their own: 0; those of whole frames are 1.
    """
    sps = BitWriter().bits(8, 77).bits(8, 0).bits(8, 30).ue(0, _FRAME_NUM_BITS - 4, 0, _ORDER_BITS - 4, 2).bits(1, 0)
    sps.ue(COLUMNS - 1, FIELD_ROWS - 1).bits(2, 0b00).bits(1, 1).bits(1, 0)  # neither frames only nor adaptive
    sps.bits(1, 1).bits(4, 0).bits(1, 1).bits(32, 1).bits(32, 2 * FPS).bits(1, 1)  # timing of the VUI
    sps.bits(3, 0).bits(1, 1).bits(1, 1).ue(0, 0, 10, 10, 0, 2)  # max_num_reorder_frames 0
    pps = [
        BitWriter().ue(place, 0).bits(2, 0).ue(0, 0, 0).bits(3, 0).se(qp).ue(0, 0).bits(3, 0b100).data()
        for place, qp in enumerate((0, 4))
    ]
    first, second = (b"\x68" + escape(data) for data in pps)
    return ParameterSets(b"\x67" + escape(sps.data()), first, (second,))


@dataclass(frozen=True)
class CodedFrame:
    """``pictures``: top and bottom field, or the frame alone; one slice each."""

    pictures: tuple[bytes, ...]
    keyframe: bool


def coded_frames(
    count: int, *, gop: int = 10, reference: bool = True, whole: frozenset[int] = frozenset()
) -> list[CodedFrame]:
    """The first frame of a GOP is an IDR field of I_PCM and a P field; in others one block is new, the rest skipped.

    ``reference``: whether inter frames are referred to. ``whole``: places in the GOP of frames that are coded as one
    picture, all of it skipped; not the first.
    """
    found = []
    for number in range(count):
        place = number % gop
        if place in whole:
            pictures: tuple[bytes, ...] = (_whole(place, reference=reference),)
        else:
            pictures = tuple(_field(place, number, bottom, reference=reference) for bottom in (False, True))
        found.append(CodedFrame(pictures, place == 0))
    return found


def _whole(place: int, *, reference: bool) -> bytes:
    writer = _begin(_P, place, reference, pps=1).bits(1, 0).bits(_ORDER_BITS, 2 * place % (1 << _ORDER_BITS)).bits(2, 0)
    writer.bits(int(reference), 0).ue(0, 1, 2 * _MACROBLOCKS)
    return bytes((SLICE | (0x60 if reference else 0),)) + escape(writer.data())


def _begin(kind: int, place: int, reference: bool, *, pps: int = 0) -> BitWriter:
    frame_num = place if reference else min(place, 1)
    return BitWriter().ue(0, kind, pps).bits(_FRAME_NUM_BITS, frame_num % (1 << _FRAME_NUM_BITS))


def _field(place: int, number: int, bottom: bool, *, reference: bool) -> bytes:
    idr = place == 0 and not bottom
    referred = place == 0 or reference
    writer = _begin(_I if idr else _P, place, reference)
    writer.bits(1, 1).bits(1, bottom)  # field_pic_flag, bottom_field_flag
    if idr:
        writer.ue(number // 2 % 2)  # idr_pic_id
    writer.bits(_ORDER_BITS, (2 * place + bottom) % (1 << _ORDER_BITS))
    if not idr:
        writer.bits(2, 0)  # neither another number of references nor another order of them
    if referred:
        writer.bits(2 if idr else 1, 0)  # marking by the sliding window
    writer.ue(0, 1)  # slice_qp_delta; no loop filter
    if idr:
        for block in range(_MACROBLOCKS):
            writer.ue(_I_PCM).pcm(16 + 29 * block)
    else:
        skipped = place % _MACROBLOCKS
        writer.ue(skipped, _I_PCM_IN_P).pcm(16 + 7 * number % 200)
        if _MACROBLOCKS - skipped - 1:
            writer.ue(_MACROBLOCKS - skipped - 1)
    kind = IDR if idr else SLICE
    return bytes((kind | (0x60 if referred else 0),)) + escape(writer.data())
