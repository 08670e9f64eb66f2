"""Opens one stream as a worker does, watches it for some seconds, and tells what it is.

The session is the product's own (:func:`ingest.rtsp.address.open_rtsp`) and so are the words for what is wrong. It is
read by one thread, and only for a while: nothing is tried twice, since a camera may lock out who fails often.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream

from ingest.frame import StreamName
from ingest.rtsp.address import Address, Opener, OpenLimits, SessionFailed, open_rtsp, session_failure
from ingest.rtsp.reading import video_stream
from ingest.rtsp.rtcp_clock import RtcpClock
from ingest.state import Fault
from xueliang.probe.figures import Tally
from xueliang.probe.report import Picture, StreamReport

GARBLED = 0.3
"""Share of pictures that cannot be decoded, from which on a stream is garbled: as on the wall."""

_PRFT = struct.Struct("<qi")  # AVProducerReferenceTime of FFmpeg's libavformat/avformat.h, native little endian


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """Seconds. A stream is watched for ``watch_s`` after its first key frame, longer until its second one has come
    and, up to ``clock_s``, until RTCP has told the time; never after ``timeout_s``.

    ``first_s``: from the beginning of the attempt to the first packet; some cameras wait for their next key frame.
    ``silence_s``: between packets; after it the stream is frozen, as on the wall.
    """

    timeout_s: float = 12.0
    watch_s: float = 3.0
    clock_s: float = 6.0
    first_s: float = 6.0
    silence_s: float = 2.0
    opening: OpenLimits = field(default_factory=lambda: OpenLimits(poll_s=0.5))


def probe_stream(
    name: StreamName,
    address: Address,
    limits: ProbeLimits,
    stopping: threading.Event,
    *,
    opener: Opener = open_rtsp,
    clock: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    on_picture: Callable[[av.VideoFrame], None] = lambda _: None,
) -> StreamReport:
    """Probe one stream; never raises for what a camera does. ``stopping`` ends it within half a second.

    ``on_picture`` is given the first picture that was decoded whole.
    """
    begun = steady()
    try:
        _resolve(address)
        container = opener(address, replace(limits.opening, connect_s=min(limits.opening.connect_s, limits.timeout_s)))
    except SessionFailed as failure:
        return StreamReport(name, failure.fault, failure.detail, address.transport)
    watch = _Watch(container, limits, stopping, begun, clock, steady, on_picture)
    try:
        report = replace(watch.run(name), transport=address.transport)
    finally:
        container.close()
    if report.fault is None and not stopping.is_set():
        return replace(report, audio=_audio(address, limits))
    return report


class _Watch:
    """One open session, from its first packet to the verdict."""

    def __init__(
        self,
        container: InputContainer,
        limits: ProbeLimits,
        stopping: threading.Event,
        begun: float,
        clock: Callable[[], float],
        steady: Callable[[], float],
        on_picture: Callable[[av.VideoFrame], None],
    ) -> None:
        self._on_picture = on_picture
        self._container = container
        self._limits = limits
        self._stopping = stopping
        self._begun = begun
        self._clock = clock
        self._steady = steady
        self._opened = self._last = steady()
        self._tally = Tally()
        self._rtcp = RtcpClock()
        self._reports = 0
        self._previous_wall: float | None = None
        self._first_picture: float | None = None
        self._first_key_frame: float | None = None
        self._decoded = 0
        self._broken = 0
        self._b_frames = False

    def run(self, name: StreamName) -> StreamReport:
        failure: SessionFailed | None = None
        try:
            stream = video_stream(self._container)
        except SessionFailed as refused:  # a codec that the product does not read: what it is can still be told
            failure = refused
            if not self._container.streams.video:
                return StreamReport(name, refused.fault, refused.detail, opened_s=self._opened - self._begun)
            stream = self._container.streams.video[0]
        decoder = _decoder(stream)
        ended = self._read(stream, decoder)
        failure = failure or ended or self._verdict()
        return StreamReport(
            name,
            fault=None if failure is None else failure.fault,
            detail="" if failure is None else failure.detail,
            opened_s=self._opened - self._begun,
            first_picture_s=None if self._first_picture is None else self._first_picture - self._begun,
            picture=self._picture(stream, decoder),
            figures=self._tally.figures() if self._tally.packets else None,
            decoded=self._decoded,
            broken=self._broken,
            clock_ahead_s=self._rtcp.camera_ahead_s,
        )

    def _read(self, stream: VideoStream, decoder: VideoCodecContext) -> SessionFailed | None:
        """Until enough was seen (``None``) or the stream failed."""
        while not self._enough():
            try:
                for packet in self._container.demux(stream):
                    if packet.size:
                        self._on_packet(packet, stream, decoder)
                    if self._enough():
                        return None
                return SessionFailed(Fault.UNREACHABLE, f"camera ended the session after {self._age():.1f} s")
            except (av.error.ExitError, TimeoutError):  # the poll time passed without a packet
                self._previous_wall = None
                if self._silent():
                    return SessionFailed(Fault.FROZEN, "session was open, no packets came")
            except (av.FFmpegError, OSError) as error:
                return session_failure(error)
        return None

    def _on_packet(self, packet: av.Packet[VideoStream], stream: VideoStream, decoder: VideoCodecContext) -> None:
        now, wall = self._steady(), self._clock()
        # FFmpeg's parser hands a picture out when the next one begins: it arrived when its predecessor came out.
        arrived, self._previous_wall = self._previous_wall or wall, wall
        self._last = now
        dts, base = packet.dts, stream.time_base
        media = float(dts * base) if dts is not None and base is not None else None
        self._tally.note(media, now, packet.size, keyframe=packet.is_keyframe)
        self._note_clock(packet, arrived)
        if self._first_key_frame is None and packet.is_keyframe:
            self._first_key_frame = now
        if self._first_key_frame is None:
            return  # the middle of a GOP: nobody could decode it
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            self._broken += 1
            return
        for frame in frames:
            if frame.is_corrupt:
                self._broken += 1
                continue
            self._decoded += 1
            self._b_frames = self._b_frames or frame.pict_type == PictureType.B
            if self._first_picture is None:
                self._first_picture = now
                self._on_picture(frame)

    def _note_clock(self, packet: av.Packet[VideoStream], arrived: float) -> None:
        if not packet.has_sidedata("prft"):
            return
        data = bytes(packet.get_sidedata("prft"))
        self._reports += 1
        # The first one after a report hangs on the picture before its own (ingest.rtsp.reading).
        if len(data) >= _PRFT.size and self._reports > 1:
            self._rtcp.to_server(_PRFT.unpack_from(data)[0] / 1e6, arrived)

    def _enough(self) -> bool:
        now = self._steady()
        if self._stopping.is_set() or now - self._begun >= self._limits.timeout_s:
            return True
        if self._first_key_frame is None or now - self._first_key_frame < self._limits.watch_s:
            return False
        clock_told = self._rtcp.settled or now - self._first_key_frame >= self._limits.clock_s
        return clock_told and self._tally.gop_known

    def _silent(self) -> bool:
        now = self._steady()
        if not self._tally.packets:
            return now - self._begun >= self._limits.first_s
        return now - self._last >= self._limits.silence_s

    def _verdict(self) -> SessionFailed | None:
        """Of a stream that was watched to the end."""
        if not self._tally.packets:
            return SessionFailed(Fault.FROZEN, "session was open, no packets came")
        if self._first_key_frame is None:
            return SessionFailed(Fault.GARBLED, f"packets come, but no key frame within {self._age():.0f} s")
        if self._broken > GARBLED * (self._decoded + self._broken) or not self._decoded:
            return SessionFailed(Fault.GARBLED, "packets come, but their pictures cannot be decoded")
        return None

    def _picture(self, stream: VideoStream, decoder: VideoCodecContext) -> Picture:
        declared = stream.average_rate or stream.guessed_rate
        return Picture(
            codec=stream.codec_context.name,
            profile=decoder.profile or stream.codec_context.profile,
            width=decoder.width or stream.codec_context.width or None,
            height=decoder.height or stream.codec_context.height or None,
            fps_declared=float(declared) if declared else None,
            b_frames=self._b_frames if self._decoded > 1 else None,
        )

    def _age(self) -> float:
        return self._steady() - self._opened


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """As strict as the product's own: a broken slice is an error, not a smear."""
    context = av.CodecContext.create(stream.codec_context.name, "r")
    assert isinstance(context, VideoCodecContext)
    context.extradata = stream.codec_context.extradata
    context.thread_count = 1
    context.thread_type = ThreadType.NONE
    context.options = {"err_detect": "explode", "flags": "low_delay"}
    return context


def _resolve(address: Address) -> None:
    """Raises :class:`SessionFailed` for a host name that nobody knows, which FFmpeg only calls an I/O error."""
    try:
        parts = urlsplit(address.target)
        socket.getaddrinfo(parts.hostname, parts.port or 554, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        raise SessionFailed(Fault.UNREACHABLE, "this machine knows no address of the camera's host name") from None


def _audio(address: Address, limits: ProbeLimits) -> tuple[str, ...] | None:
    """Codecs of the audio tracks, by a second and very short session; ``None`` where the camera grants none."""
    options = {"rtsp_transport": address.transport, "probesize": "32", "analyzeduration": "0"}
    patience = (limits.opening.connect_s, limits.opening.poll_s)
    try:
        with av.open(address.with_credentials(), mode="r", options=options, timeout=patience) as container:
            return tuple(stream.codec_context.name for stream in container.streams.audio)
    except (av.FFmpegError, OSError, ValueError):
        return None
