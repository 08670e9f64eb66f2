"""From a demuxer's packets to access units: what is in them, when they were captured, where they stand in time."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from enum import Enum, auto

import av
import structlog
from av.container import InputContainer
from av.video.stream import VideoStream

from ingest import h264
from ingest.nal import CodecName, MalformedVideo, split_annex_b
from ingest.packet import (
    SYNTAX,
    TIMESCALE,
    AccessUnit,
    Clock,
    ParameterSets,
    find_parameter_sets,
    parameter_sets_of_extradata,
)
from ingest.rtsp.address import SessionFailed
from ingest.rtsp.rtcp_clock import RtcpClock
from ingest.rtsp.timeline import Timeline
from ingest.state import Fault

log = structlog.get_logger(__name__)

_REFERENCE_S = 1.0
_PRFT = struct.Struct("<qi")  # AVProducerReferenceTime of FFmpeg's libavformat/avformat.h, native little endian


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks of this machine, seconds."""

    wall: float
    monotonic: float


def video_stream(container: InputContainer) -> VideoStream:
    """The H.264 or H.265 stream of an open session. Raises :class:`SessionFailed` where there is none."""
    if not container.streams.video:
        raise SessionFailed(Fault.UNREACHABLE, "camera offers no video")
    stream = container.streams.video[0]
    # PyAV's types do not say that there is no context for a codec that FFmpeg does not know.
    context: object = stream.codec_context
    codec = stream.codec_context.name if context is not None else "what nobody knows"
    if codec not in SYNTAX:
        raise SessionFailed(Fault.UNREACHABLE, f"camera sends {codec}, only H.264 and H.265 are supported")
    return stream


class Absent(Enum):
    """Why a packet gives no access unit although nothing is wrong with it."""

    NO_PICTURE = auto()
    BEFORE_KEYFRAME = auto()
    HALF_FRAME = auto()


class UnitReader:
    """Turns one session's packets into access units. ``clock``: the camera's, as its last session left it.

    FFmpeg's parser hands out a picture when the next one begins (and joins the slices of one). So a picture arrived
    when its predecessor was handed out; that moment is taken as its arrival, not the later one of its own hand-out.

    It hands out fields one by one. A frame's two make one access unit here, with the time of the first: frames are what
    is counted, analysed, shown and compared in size. A field that waits for its other half when the session ends is
    forgotten with it, as is a picture that the parser still holds.
    """

    def __init__(self, stream: VideoStream, timeline: Timeline, clock: RtcpClock, now: Moment) -> None:
        self._timeline = timeline
        self._codec: CodecName = "hevc" if stream.codec_context.name == "hevc" else "h264"
        self._syntax = SYNTAX[self._codec]
        self._parameters = parameter_sets_of_extradata(self._codec, stream.codec_context.extradata)
        self._per_second = stream.time_base.denominator / stream.time_base.numerator if stream.time_base else TIMESCALE
        self._previous: Moment | None = None
        self._in_gop = False
        self._has_reference = False
        self._reference: tuple[float, int] | None = None  # a picture's time by the camera's clock, and its PTS
        self._slices: tuple[ParameterSets, h264.SliceReader | None] | None = None
        self._first_field: h264.Field | None = None
        self._half: AccessUnit | None = None
        self._paired = False
        self.clock = clock
        self._spacing = RtcpClock(step_s=math.inf)  # of RTP time alone, which the timeline keeps from jumping
        clock.resume(now.wall)
        timeline.new_session()

    def silence(self) -> None:
        """The demuxer came back with nothing: the next picture's arrival is not the last one's hand-out."""
        self._previous = None

    def heard_at(self, now: Moment, poll_s: float) -> Moment:
        """When the camera was last heard of, if a packet is handed out ``now``; asked before :meth:`read`.

        After ``poll_s`` without data the parser gives up the picture that it held. That is no sign of life: the
        camera was last heard when that picture began.
        """
        if self._previous is not None and now.monotonic - self._previous.monotonic >= poll_s:
            return self._previous
        return now

    def read(self, packet: av.Packet[VideoStream], now: Moment) -> tuple[AccessUnit, ...] | Absent:
        """What is complete with this packet, or why nothing is: a frame, and before it a field that stayed alone.

        Raises :class:`MalformedVideo` for what cannot be a picture.
        """
        arrival, self._previous = self._previous or now, now
        all_units = split_annex_b(bytes(packet))
        syntax = self._syntax
        units = syntax.picture_units(all_units)
        possible = syntax.has_picture(units) and syntax.is_intact(units)
        keyframe = possible and syntax.is_keyframe(units)
        if keyframe:
            self._parameters = find_parameter_sets(self._codec, all_units) or self._parameters
        if possible and self._is_second_field(units):
            return self._completed(units)
        dts, pts = self._timeline.map(self._ticks(packet.dts), self._ticks(packet.pts), arrival.monotonic)
        if not syntax.has_picture(units):
            if all_units and syntax.is_intact(tuple(all_units)):
                return Absent.NO_PICTURE
            raise MalformedVideo("packet holds no picture")
        if not possible:
            raise MalformedVideo("packet holds impossible NAL units")
        self._in_gop = self._in_gop or keyframe
        if not self._in_gop or self._parameters is None:
            return Absent.BEFORE_KEYFRAME
        captured_at, clock, settled = self._capture_time(packet, pts, arrival)
        unit = AccessUnit(
            units=units,
            dts=dts,
            pts=pts,
            keyframe=keyframe,
            captured_at=captured_at,
            clock=clock,
            arrived_at=arrival.wall,
            parameters=self._parameters,
            settled=settled,
        )
        alone, self._half = self._half, None
        before = () if alone is None else (replace(alone, half=self._paired),)
        if self._first_field is None:
            return (*before, unit)
        self._half = unit
        return before or Absent.HALF_FRAME

    def _completed(self, second: tuple[bytes, ...]) -> tuple[AccessUnit, ...] | Absent:
        first, self._half = self._half, None
        if first is None:
            return Absent.HALF_FRAME
        self._paired = True
        return (replace(first, units=first.units + second),)

    def _is_second_field(self, units: tuple[bytes, ...]) -> bool:
        field = self._field(next(filter(self._syntax.is_slice, units)))
        first, self._first_field = self._first_field, None
        if field is None:
            return False
        if first is not None and field.completes(first):
            return True
        self._first_field = field
        return False

    def _field(self, first_slice: bytes) -> h264.Field | None:
        """``None`` for a frame, and for what cannot be read: the decoder will tell."""
        if not isinstance(self._parameters, h264.ParameterSets):
            return None
        try:
            if self._slices is None or self._slices[0] != self._parameters:
                self._slices = self._parameters, None
                self._slices = self._parameters, h264.SliceReader(self._parameters)
            reader = self._slices[1]
            return None if reader is None else reader.field(first_slice)
        except MalformedVideo:
            return None

    @property
    def parameters(self) -> ParameterSets | None:
        """The parameter sets that hold now."""
        return self._parameters

    def _ticks(self, stamp: int | None) -> int | None:
        return None if stamp is None else round(stamp * TIMESCALE / self._per_second)

    def _capture_time(self, packet: av.Packet[VideoStream], pts: int, arrival: Moment) -> tuple[float, Clock, bool]:
        """When it was taken, who says so, and whether it may not have been earlier."""
        spaced = self._spacing.to_server(pts / TIMESCALE, arrival.monotonic) - arrival.monotonic + arrival.wall
        camera_s = self._camera_time(packet)
        if camera_s is not None:
            captured_at = self.clock.to_server(camera_s, arrival.wall)
            if self.clock.settled:
                return captured_at, "rtcp", True
        return spaced, "arrival", self._spacing.settled

    def _camera_time(self, packet: av.Packet[VideoStream]) -> float | None:
        """By the camera's own clock; ``None`` where it does not tell.

        Asked of FFmpeg once a second: between two reports of a camera its clock is its time stamps', and each question
        costs three turns at the interpreter's lock.
        """
        if self._reference is not None and packet.pts is not None:
            camera_s, pts = self._reference
            since = (packet.pts - pts) / self._per_second
            if 0 < since < _REFERENCE_S:
                return camera_s + since
        self._reference = None
        if not packet.has_sidedata("prft"):
            return None
        data = bytes(packet.get_sidedata("prft"))
        # The parser hangs the first time stamp after a sender report on the picture before its own (measured);
        # it would pass for the smallest delay of the whole window.
        first, self._has_reference = not self._has_reference, True
        if len(data) < _PRFT.size or first:
            return None
        microseconds, _ = _PRFT.unpack_from(data)
        if packet.pts is not None and self.clock.settled:
            self._reference = microseconds / 1e6, packet.pts
        return float(microseconds / 1e6)
