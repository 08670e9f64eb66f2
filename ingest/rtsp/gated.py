"""A decoder behind its gates: rests while nothing moves, catches up from the last key frame when it must, and gives up
what an overloaded machine cannot carry.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import structlog

from ingest import h264, h265
from ingest.gating.gate import Decision, PacketGate
from ingest.gating.level import LevelGate
from ingest.gating.slice_qp import QpReader
from ingest.gating.slice_qp_h265 import HevcQpReader
from ingest.ledger import DropCause, FrameLedger
from ingest.nal import MalformedVideo
from ingest.packet import TIMESCALE, AccessUnit, ParameterSets
from ingest.rtsp.decoding import UnitDecoder

log = structlog.get_logger(__name__)

_NEAR_S = 0.4  # a key frame that comes so soon is waited for: to enter a GOP at its end costs most
_LONGEST_GOP = 300  # units kept to catch up with; a longer GOP is entered at its next key frame


class RestingDecoder(UnitDecoder, Protocol):
    """What must be able to stand behind a gate; in the product :class:`~ingest.rtsp.decoding.FrameDecoder`."""

    def decode_alone(self, unit: AccessUnit, cause: DropCause) -> int | None:
        """See :meth:`~ingest.rtsp.decoding.FrameDecoder.decode_alone`."""

    def replay(self, unit: AccessUnit) -> None:
        """See :meth:`~ingest.rtsp.decoding.FrameDecoder.replay`."""


class GatedDecoder:
    """What :class:`~ingest.rtsp.decoding.FrameDecoder` is to its session, but only as much of it as its gates ask for.

    ``gate``: by what moves; ``None``: everything is wanted. ``level``: by what the machine can carry. Every unit is
    booked as received; what rests is dropped as ``gated`` or ``shed``. Units that are decoded only to catch up were
    booked when they came and are not booked again; after a level that left pictures out nothing is caught up with: the
    next key frame begins. Used by one thread, the stream's reader.
    """

    def __init__(
        self,
        camera_id: str,
        decoder: RestingDecoder,
        gate: PacketGate | None,
        ledger: FrameLedger,
        level: LevelGate | None = None,
    ) -> None:
        self._camera_id = camera_id
        self._decoder = decoder
        self._gate = gate
        self._level = level or LevelGate()
        self._ledger = ledger
        self._short_sighted = False
        self._quantiser: QpReader | HevcQpReader | None = None
        self._parameters: ParameterSets | None = None
        self._gop: list[AccessUnit] | None = None  # None: its beginning is not known, so nothing can be decoded
        self._decoding = False
        self._cause = DropCause.GATED  # why the last unit rested
        self.pixels = 0
        """Of one picture; 0 until the first key frame."""
        self.gop_s: float | None = None
        """From key frame to key frame; ``None`` until two came."""
        self._keyframe_at: float | None = None

    def decode(self, unit: AccessUnit) -> int | None:
        """See :class:`~ingest.rtsp.decoding.UnitDecoder`; 1 for a picture that rests: nothing speaks against it."""
        at = unit.pts / TIMESCALE
        if unit.keyframe:
            self._gop = []
            self._know(unit.parameters)
            if self._keyframe_at is not None and at > self._keyframe_at:
                self.gop_s = at - self._keyframe_at
            self._keyframe_at = at
        elif self._gop is not None and len(self._gop) >= _LONGEST_GOP:
            self._gop = None
        wanted = self._ask_gate(unit, at)
        allowed = self._level.limit(wanted, at, keyframe=unit.keyframe)
        if allowed is not wanted:
            self._cause = DropCause.SHED
        elif wanted is Decision.REST:
            self._cause = DropCause.GATED
        if allowed is Decision.DECODE and not self._decoding and self._key_frame_is_near(at):
            self._cause = DropCause.GATED
            frames: int | None = self._rest()
        elif allowed is Decision.DECODE and (self._decoding or self._gop is not None):
            frames = self._catch_up(unit)
        elif allowed is Decision.LOOK:
            self._decoding = False
            frames = self._decoder.decode_alone(unit, self._cause)
        else:
            frames = self._rest()
        if allowed is not wanted:
            self._gop = None
        elif self._gop is not None and self._gate is not None:
            self._gop.append(unit)
        return frames

    def undecodable(self) -> None:
        """See :meth:`~ingest.rtsp.decoding.FrameDecoder.undecodable`."""
        self._decoder.undecodable()

    def end_session(self, cause: DropCause) -> None:
        """See :meth:`~ingest.rtsp.decoding.FrameDecoder.end_session`."""
        self._gop = self._keyframe_at = None
        self._decoding = False
        self._decoder.end_session(cause)

    def _key_frame_is_near(self, at: float) -> bool:
        if self._gate is None or self._gop is None or self.gop_s is None or self._keyframe_at is None:
            return False
        return 0 < self._keyframe_at + self.gop_s - at <= _NEAR_S

    def _catch_up(self, unit: AccessUnit) -> int | None:
        if not self._decoding:
            self._decoding = True
            for missed in self._gop or ():
                self._decoder.replay(missed)
        return self._decoder.decode(unit)

    def _rest(self) -> int:
        self._decoding = False
        self._decoder.end_session(self._cause)
        self._ledger.received(self._camera_id)
        self._ledger.dropped(self._camera_id, self._cause)
        return 1

    def _ask_gate(self, unit: AccessUnit, at: float) -> Decision:
        if self._gate is None:
            return Decision.DECODE
        if unit.keyframe and self._gate.short_sighted is not self._short_sighted:
            self._short_sighted = self._gate.short_sighted
            log.info("ingest.gate_sight", camera_id=self._camera_id, short_sighted=self._short_sighted)
        return self._gate.note(at, unit.size, self._qp(unit), keyframe=unit.keyframe, reference=_is_reference(unit))

    def _know(self, parameters: ParameterSets) -> None:
        if parameters == self._parameters:
            return
        if self._parameters is not None and self._gate is not None:
            self._gate.relearn()
        self._parameters = parameters
        self._quantiser = None
        with suppress(MalformedVideo):  # what its pictures cost then stays as it was judged
            sequence = parameters.sequence()
            self.pixels = sequence.width * sequence.height
        if self._gate is None:
            return
        self._gate.pixels = self.pixels
        with suppress(MalformedVideo):  # then size alone must do
            if isinstance(parameters, h264.ParameterSets):
                self._quantiser = QpReader(parameters)
            else:
                self._quantiser = HevcQpReader(parameters)

    def _qp(self, unit: AccessUnit) -> int | None:
        """The picture's quantiser; ``None`` where it cannot be read: size alone must do."""
        if self._quantiser is None:
            return None
        try:
            return self._quantiser.qp(unit.first_slice)
        except MalformedVideo:
            return None


def _is_reference(unit: AccessUnit) -> bool:
    """Whether others refer to the picture: B-frames that nobody needs have a norm apart. By ``nal_ref_idc`` of H.264,
    and of H.265 by the NAL unit type.
    """
    first = unit.first_slice
    return bool(first[0] & 0x60) if isinstance(unit.parameters, h264.ParameterSets) else h265.is_reference(first)
