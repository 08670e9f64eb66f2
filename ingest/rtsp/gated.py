"""A decoder behind its packet gate: rests while nothing moves, and catches up from the last key frame when it must."""

from __future__ import annotations

from contextlib import suppress

from ingest import h264
from ingest.gating.gate import Decision, PacketGate
from ingest.gating.slice_qp import QpReader
from ingest.ledger import DropCause, FrameLedger
from ingest.nal import MalformedVideo
from ingest.packet import TIMESCALE, AccessUnit, ParameterSets
from ingest.rtsp.decoding import FrameDecoder

_LONGEST_GOP = 300  # units kept to catch up with; a longer GOP is entered at its next key frame


class GatedDecoder:
    """What :class:`FrameDecoder` is to its session, but only as much of it as the gate asks for.

    Every unit is booked as received; what rests is dropped as ``gated``. Units that are decoded only to catch up were
    booked when they came and are not booked again. Used by one thread, the stream's reader.
    """

    def __init__(self, camera_id: str, decoder: FrameDecoder, gate: PacketGate, ledger: FrameLedger) -> None:
        self._camera_id = camera_id
        self._decoder = decoder
        self._gate = gate
        self._ledger = ledger
        self._quantiser: QpReader | None = None
        self._parameters: ParameterSets | None = None
        self._gop: list[AccessUnit] | None = None  # None: its beginning is not known, so nothing can be decoded
        self._decoding = False

    def decode(self, unit: AccessUnit) -> int | None:
        """See :meth:`FrameDecoder.decode`; 1 for a picture that rests, since nothing speaks against it."""
        if unit.keyframe:
            self._gop = []
            self._know(unit.parameters)
        elif self._gop is not None and len(self._gop) >= _LONGEST_GOP:
            self._gop = None
        decision = self._gate.note(
            unit.pts / TIMESCALE,
            unit.size,
            self._qp(unit),
            keyframe=unit.keyframe,
            reference=_is_reference(unit),
        )
        if decision is Decision.DECODE and (self._decoding or self._gop is not None):
            frames = self._catch_up(unit)
        elif decision is Decision.LOOK:
            frames = self._decoder.decode(unit)
            self._rest()
        else:
            self._rest()
            self._ledger.received(self._camera_id)
            self._ledger.dropped(self._camera_id, DropCause.GATED)
            frames = 1
        if self._gop is not None:
            self._gop.append(unit)
        return frames

    def undecodable(self) -> None:
        """See :meth:`FrameDecoder.undecodable`."""
        self._decoder.undecodable()

    def end_session(self, cause: DropCause) -> None:
        """See :meth:`FrameDecoder.end_session`."""
        self._gop = None
        self._decoding = False
        self._decoder.end_session(cause)

    def _catch_up(self, unit: AccessUnit) -> int | None:
        if not self._decoding:
            self._decoding = True
            for missed in self._gop or ():
                self._decoder.replay(missed)
        return self._decoder.decode(unit)

    def _rest(self) -> None:
        if self._decoding:
            self._decoding = False
        self._decoder.end_session(DropCause.GATED)

    def _know(self, parameters: ParameterSets) -> None:
        if parameters == self._parameters:
            return
        if self._parameters is not None:
            self._gate.relearn()
        self._parameters = parameters
        self._quantiser = None
        if isinstance(parameters, h264.ParameterSets):
            with suppress(MalformedVideo):  # then size alone must do, as with H.265
                self._quantiser = QpReader(parameters)

    def _qp(self, unit: AccessUnit) -> int | None:
        """The picture's quantiser; ``None`` where it cannot be read: size alone must do."""
        if self._quantiser is None:
            return None
        try:
            return self._quantiser.qp(unit.first_slice)
        except MalformedVideo:
            return None


def _is_reference(unit: AccessUnit) -> bool:
    """Whether others refer to the picture: ``nal_ref_idc`` of H.264; B-frames that nobody needs have a norm apart."""
    return not isinstance(unit.parameters, h264.ParameterSets) or bool(unit.first_slice[0] & 0x60)
