"""From access units to frames in the mailbox, every one of them accounted for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from typing import Any, Protocol

import av
from av.video.codeccontext import VideoCodecContext

from ingest.frame import Frame, StreamName
from ingest.gating.rate import RateGate
from ingest.ledger import DropCause, FrameLedger
from ingest.packet import TIMESCALE, AccessUnit, ParameterSets
from ingest.pictures import DecodedPicture
from ingest.rtsp.decoders import ON_PROCESSOR, Decoders, Hardware

_MOST_DELAYED = 16  # frames a decoder may hold back: max_dec_frame_buffering, H.264 A.3.1 and H.265 A.4.2


class FrameTarget(Protocol):
    """Where frames go; :class:`ingest.mailbox.Mailboxes` in the product."""

    def put(self, frame: Frame) -> None: ...


class UnitDecoder(Protocol):
    """What a session hands its units to: a decoder, or one behind a gate."""

    def decode(self, unit: AccessUnit) -> int | None:
        """Pictures that came of it, ``None`` when it could not be decoded."""

    def undecodable(self) -> None:
        """A unit so broken that it is not worth a decoder's time."""

    def end_session(self, cause: DropCause) -> None:
        """Nothing more will come of this session."""


class FrameDecoder:
    """Decodes one stream and offers its frames. Used by one thread, the stream's reader.

    ``see`` is shown every good picture, also those above the rate. ``thins``: whether a picture that is due, at the
    given time in seconds, is given up since the machine is overloaded.

    Books each unit as received, and the frames that it does not offer as dropped: ``undecodable``, ``rate``, ``shed``,
    ``session_ended`` for what a decoder still held. ``decoders`` opens them.
    """

    def __init__(
        self,
        camera_id: str,
        stream: StreamName,
        *,
        fps: float,
        ledger: FrameLedger,
        target: FrameTarget,
        see: Callable[[av.VideoFrame], None] = lambda _: None,
        thins: Callable[[float], bool] = lambda _: False,
        decoders: Decoders = ON_PROCESSOR,
    ) -> None:
        self._camera_id = camera_id
        self._stream: StreamName = stream
        self._ledger = ledger
        self._target = target
        self._see = see
        self._thins = thins
        self._decoders = decoders
        self._unproven: Hardware | None = None
        self._distrusted = False
        self._gate = RateGate(fps)
        self._context: VideoCodecContext | None = None
        self._parameters: ParameterSets | None = None
        self._pending: OrderedDict[int, AccessUnit] = OrderedDict()
        self._sequence = 0

    def decode(self, unit: AccessUnit) -> int | None:
        """Frames that came out of the decoder with this unit; ``None`` when it could not be decoded."""
        self._ledger.received(self._camera_id)
        self._set_up(unit)
        if self._context is None:
            self._ledger.dropped(self._camera_id, DropCause.UNDECODABLE)
            return None
        self._pending[unit.pts] = unit
        try:
            frames = self._context.decode(_packet(unit))
        except av.FFmpegError as error:
            self._give_up(unit.pts)
            self._doubt(error)
            return None
        if self._unproven is not None and frames:
            self._decoders.shown(self._camera_id, self._unproven, self._context)
            self._unproven = None
        for frame in frames:
            self._offer(frame)
        overdue = len(self._pending) > _MOST_DELAYED
        while len(self._pending) > _MOST_DELAYED:
            self._give_up(next(iter(self._pending)))
        # A decoder that keeps everything to itself has an error that it does not tell (H.265's slice headers).
        return None if overdue and not frames else len(frames)

    def decode_alone(self, unit: AccessUnit, cause: DropCause) -> int | None:
        """As :meth:`decode`, for a key frame after which nothing is decoded; ends with :meth:`end_session`."""
        frames = self.decode(unit)
        if self._context is not None and self._pending:  # a decoder that puts pictures in order waits for the next
            with suppress(av.FFmpegError):
                for frame in self._context.decode(None):
                    self._offer(frame)
        self.end_session(cause)
        return None if frames is None else 1

    def replay(self, unit: AccessUnit) -> None:
        """Decodes a unit that was booked before, for the sake of those that follow; nothing is offered or booked."""
        self._set_up(unit)
        if self._context is None:
            return
        with suppress(av.FFmpegError):  # the picture itself was closed long ago; what suffers from it tells by itself
            self._context.decode(_packet(unit))

    def undecodable(self) -> None:
        """A unit so broken that it is not worth a decoder's time."""
        self._ledger.received(self._camera_id)
        self._ledger.dropped(self._camera_id, DropCause.UNDECODABLE)

    def end_session(self, cause: DropCause) -> None:
        """Frees the decoder; frames that it still held are counted under ``cause``."""
        self._close(cause)
        self._distrusted = False

    def _set_up(self, unit: AccessUnit) -> None:
        if unit.keyframe and unit.parameters != self._parameters:
            self._close(DropCause.SESSION_ENDED)
            opened = self._decoders.open(unit.parameters, on_processor=self._distrusted)
            self._context, self._unproven = opened.context, opened.hardware
            self._parameters = unit.parameters

    def _offer(self, decoded: av.VideoFrame) -> None:
        unit = self._pending.pop(decoded.pts, None) if decoded.pts is not None else None
        if unit is None:
            return  # a second field, or a frame that was given up before: its unit is closed in the ledger
        if decoded.is_corrupt:
            self._ledger.dropped(self._camera_id, DropCause.UNDECODABLE)
            return
        self._see(decoded)
        pts_s = unit.pts / TIMESCALE
        if not self._gate.passes(pts_s):
            self._ledger.dropped(self._camera_id, DropCause.RATE)
            return
        if self._thins(pts_s):
            self._ledger.dropped(self._camera_id, DropCause.SHED)
            return
        self._sequence += 1
        self._target.put(
            Frame(
                camera_id=self._camera_id,
                stream=self._stream,
                sequence=self._sequence,
                pts_s=pts_s,
                captured_at=unit.captured_at,
                clock=unit.clock,
                picture=DecodedPicture(decoded),
            )
        )

    def _doubt(self, error: av.FFmpegError) -> None:
        """Hardware that fails before its first picture: from the next key frame on, the session does without."""
        if self._unproven is not None:
            self._decoders.failed(self._camera_id, self._unproven, error)
            self._distrusted = True
            self._close(DropCause.UNDECODABLE)

    def _give_up(self, pts: int) -> None:
        if self._pending.pop(pts, None) is not None:
            self._ledger.dropped(self._camera_id, DropCause.UNDECODABLE)

    def _close(self, cause: DropCause) -> None:
        self._context = None
        self._unproven = None
        self._parameters = None
        if self._pending:
            self._ledger.dropped(self._camera_id, cause, len(self._pending))
            self._pending.clear()


def _packet(unit: AccessUnit) -> av.Packet[Any]:
    packet = av.Packet(unit.annex_b())
    packet.pts, packet.dts, packet.time_base = unit.pts, unit.dts, Fraction(1, TIMESCALE)
    return packet
