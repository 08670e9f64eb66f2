"""One stream's reader: a thread that opens the session, reads it, and opens it again.

``run`` retries, ``run_once`` works. Only the reader thread touches its container: closing one from another thread
crashes FFmpeg (measured). Without data the reads come back after :attr:`OpenLimits.poll_s`, so a frozen camera neither
holds up a stop nor ends its session before :attr:`SessionLimits.silence_s`.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import av
import structlog
from av.container import InputContainer
from av.video.stream import VideoStream

from ingest.frame import StreamName
from ingest.judges.stream import StreamJudge
from ingest.ledger import DropCause
from ingest.lifecycle import Lifecycle, Limits, Verdicts, differs
from ingest.live import LiveChannel
from ingest.nal import MalformedVideo
from ingest.packet import AccessUnit
from ingest.rtsp.address import Address, Opener, OpenLimits, Patience, SessionFailed, open_rtsp, session_failure
from ingest.rtsp.backoff import REFUSED_S, Backoff
from ingest.rtsp.counts import Counts, SessionCounts
from ingest.rtsp.decoding import UnitDecoder
from ingest.rtsp.failures import FailureLog
from ingest.rtsp.link import Link, connections, link_since
from ingest.rtsp.reading import Absent, Moment, UnitReader, video_stream
from ingest.rtsp.rtcp_clock import RtcpClock
from ingest.rtsp.timeline import Timeline
from ingest.state import Fault, Phase, StreamState

log = structlog.get_logger(__name__)

_NICE = 4
_NOISE = "session was open, what came were no packets; cut off"
_CUT_S = 1.0  # until a reader whose connection was cut has ended


def real_now() -> Moment:
    """This machine's clocks."""
    return Moment(time.time(), time.monotonic())


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Seconds.

    ``silence_s``: without packets for so long, the session is opened anew. ``settled_s``: a session that lived so long
    was a good one, and the waits between attempts begin anew. ``trusted_s``: a session that brought pictures for so
    long speaks RTSP. ``cut_s``: so long after ``silence_s`` it is cut off where FFmpeg does not hand it back, since
    what comes instead of packets never ends.
    """

    silence_s: float = 5.0
    settled_s: float = 5.0
    trusted_s: float = 8.0
    cut_s: float = 5.0
    opening: OpenLimits = field(default_factory=OpenLimits)
    phases: Limits = field(default_factory=Limits)


class StreamSession:
    """Keeps one stream open.

    ``decoder`` is given for the stream that is analysed. ``timeline`` is that of the channel, and ``judge`` that of the
    stream, where they outlive the session; the decoder's pictures go to the same judge. ``on_state`` hears every
    change, in order, from the reader's or the watch's thread; it must not block.
    """

    def __init__(
        self,
        camera_id: str,
        stream: StreamName,
        address: Address,
        channel: LiveChannel,
        *,
        decoder: UnitDecoder | None = None,
        timeline: Timeline | None = None,
        judge: StreamJudge | None = None,
        limits: SessionLimits | None = None,
        opener: Opener = open_rtsp,
        now: Callable[[], Moment] = real_now,
        uniform: Callable[[float, float], float] = random.uniform,
        on_state: Callable[[StreamState], None] = lambda _: None,
    ) -> None:
        self.camera_id = camera_id
        self.stream: StreamName = stream
        self._address = address
        self._channel = channel
        self._decoder = decoder
        self._limits = limits or SessionLimits()
        self._opener = opener
        self._now = now
        self._on_state = on_state
        self._log = log.bind(camera_id=camera_id, stream=stream)
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._lifecycle = Lifecycle(camera_id, stream, now().wall, self._limits.phases)
        self._told = self._lifecycle.state
        self._judge = judge or StreamJudge(lambda: now().monotonic)
        self._failures = FailureLog(self._log)
        self._backoff = Backoff(uniform)
        self._timeline = timeline or Timeline()
        self._clock = RtcpClock()
        self._counts = Counts()
        self._opened_at: float | None = None
        self._link = Link()
        self._cut = self._unguarded = False
        self._last_packet: float = now().monotonic
        self._last_picture: float = self._last_packet
        self._held = False
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> StreamState:
        """The stream's state now."""
        with self._lock:
            return self._lifecycle.state

    @property
    def running(self) -> bool:
        """Whether the reader thread lives."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def open_and_silent_since(self) -> float | None:
        """Monotonic time of the last packet of the open session; ``None`` while none is open."""
        with self._lock:
            return None if self._opened_at is None else self._last_packet

    def counts(self) -> SessionCounts:
        """Figures for health and metrics."""
        with self._lock:
            counts, clock = self._counts, self._clock
            return SessionCounts(
                sessions=counts.sessions,
                packets=counts.packets,
                units=counts.units,
                bytes=counts.bytes,
                malformed=counts.malformed,
                undecodable=counts.undecodable,
                lost=self._judge.lost,
                time_jumps=self._timeline.jumps,
                clock_steps=clock.steps,
                unexpected_errors=counts.unexpected_errors,
                camera_ahead_s=clock.camera_ahead_s,
                drift_ppm=clock.drift_ppm,
                clock=counts.clock,
            )

    def start(self) -> None:
        """Starts the reader thread; once."""
        if self._thread is not None:  # a reader that ended is not started again: its owner makes a new one
            raise RuntimeError(f"{self.camera_id}/{self.stream}: reader already started")
        self._thread = threading.Thread(target=self.run, name=f"ingest-{self.camera_id}-{self.stream}", daemon=True)
        self._thread.start()

    def request_stop(self) -> None:
        """Asks the reader to end; it does so within the poll time."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Waits for the reader; whether it has ended. One that is kept in a read is cut off after ``timeout``."""
        if self._thread is not None:
            self._thread.join(timeout)
            if self.running and self._link.cut():
                self._thread.join(_CUT_S)
        return not self.running

    def retry_now(self) -> None:
        """Cuts a wait short: the settings changed, or somebody asked."""
        with self._lock:
            self._lifecycle.settings_changed(self._now().wall)
            self._backoff.reset()
        self._wake.set()

    def tick(self, stalled_here: bool) -> None:
        """Called a few times a second from outside, since the reader itself may be blocked in a read."""
        now = self._now()
        with self._lock:
            self._held = stalled_here
            # A session that is not open has sent nothing since it ended: the picture's age goes on counting.
            self._lifecycle.tick(
                now.wall,
                now.monotonic - self._last_packet,
                now.monotonic - self._last_picture,
                self._verdicts(stalled_here),
            )
            stuck = None if stalled_here else self._stuck(now.monotonic - self._last_packet)
        if stuck is not None:
            self._log.warning("ingest.connection_cut", found=stuck.cut())
        self._tell()

    def _stuck(self, silent_s: float) -> Link | None:
        """The connection of a session that must be cut off, once."""
        limits = self._limits
        if self._cut or not self._unguarded or self._opened_at is None or silent_s <= limits.silence_s + limits.cut_s:
            return None
        self._cut = True
        return self._link

    def run(self) -> None:
        """Opens and reads until :meth:`request_stop`."""
        _step_back()
        while not self._stopping.is_set():
            with self._lock:
                self._lifecycle.attempt(self._now().wall)
            self._tell()
            failure = self._attempt()
            if self._stopping.is_set():
                break
            wait = self._note_failure(failure)
            self._tell()
            self._wake.wait(wait)
            self._wake.clear()
        self._log.info("ingest.reader_stopped")

    def _attempt(self) -> SessionFailed:
        try:
            return self.run_once()
        except SessionFailed as failure:
            return failure
        except (av.FFmpegError, OSError) as error:
            return session_failure(error)
        except Exception as error:  # noqa: BLE001  # the supervisor of this thread: logged, counted, tried again
            with self._lock:
                self._counts.unexpected_errors += 1
            # No exc_info: a renderer may show local variables, and a container's repr holds the whole URL.
            where = "".join(traceback.format_tb(error.__traceback__))
            self._log.error("ingest.unexpected_error", kind=type(error).__name__, where=where)
            return SessionFailed(Fault.UNREACHABLE, f"reader failed: {type(error).__name__}; see the log")

    def run_once(self) -> SessionFailed:
        """One session from opening to its end; returns why it ended, raises why it could not go on."""
        before = connections(self._address.url)
        container = self._opener(self._address, self._limits.opening)
        link = link_since(before, self._address.url)
        try:
            stream = video_stream(container)
            now = self._now()
            reader = UnitReader(stream, self._timeline, self._clock, now)
            with self._lock:
                self._counts.sessions += 1
                self._opened_at = self._last_packet = now.monotonic
                self._link, self._cut, self._unguarded = link, False, False
                if self._lifecycle.state.phase is Phase.CONNECTING:
                    self._last_picture = now.monotonic
                self._lifecycle.opened(now.wall)
            self._judge.opened()
            if self._counts.sessions == 1:
                self._log.info("ingest.session_opened")
            return self._read(container, stream, reader)
        except (av.FFmpegError, OSError):
            if self._cut:
                return SessionFailed(Fault.FROZEN, _NOISE)
            raise
        finally:
            with self._lock:
                self._link = Link()
            container.close()
            if self._decoder is not None:
                self._decoder.end_session(DropCause.SHUTDOWN if self._stopping.is_set() else DropCause.SESSION_ENDED)

    def _read(self, container: InputContainer, stream: VideoStream, reader: UnitReader) -> SessionFailed:
        patience = container.read_timeout
        while not self._stopping.is_set():
            try:
                for packet in container.demux(stream):
                    if packet.size:
                        self._on_packet(packet, reader)
                    if isinstance(patience, Patience) and not patience.waived and self._trusted():
                        patience.waived = self._unguarded = True
                        break  # it is asked for when the next demux begins
                    if self._stopping.is_set():
                        break
                else:
                    if self._cut:
                        return SessionFailed(Fault.FROZEN, _NOISE)
                    return SessionFailed(Fault.UNREACHABLE, "camera ended the session")
            except (av.error.ExitError, TimeoutError):
                # The poll time passed without a packet; the session is as good as before.
                reader.silence()
                if self._silent_too_long():
                    return SessionFailed(Fault.FROZEN, "session was open, no packets came")
        return SessionFailed(Fault.UNREACHABLE, "reader was stopped")

    def _trusted(self) -> bool:
        """Whether pictures have come for so long that no noise will follow."""
        with self._lock:
            opened_at, picture_at = self._opened_at, self._last_picture
        return opened_at is not None and picture_at - opened_at >= self._limits.trusted_s

    def _silent_too_long(self) -> bool:
        now = self._now()
        with self._lock:
            return not self._held and now.monotonic - self._last_packet > self._limits.silence_s

    def _on_packet(self, packet: av.Packet[VideoStream], reader: UnitReader) -> None:
        now = self._now()
        heard = reader.heard_at(now, self._limits.opening.poll_s)
        with self._lock:
            self._last_packet = heard.monotonic
            self._counts.packets += 1
            self._counts.bytes += packet.size
        jumps = self._timeline.jumps + reader.clock.steps
        try:
            read = reader.read(packet, now)
        except MalformedVideo:
            with self._lock:
                self._counts.malformed += 1
            if self._decoder is not None:
                self._decoder.undecodable()
            self._note_picture(heard, good=False)
            return
        if self._timeline.jumps + reader.clock.steps > jumps:
            self._judge.jumped()
        if isinstance(read, Absent):
            if read is Absent.BEFORE_KEYFRAME and self._decoder is not None:
                self._decoder.undecodable()
            return
        for unit in read:
            self._judge.unit(unit)
            good = self._pass_on(unit)
            if good is not None:
                self._note_picture(heard, good=good)

    def _pass_on(self, unit: AccessUnit) -> bool | None:
        """To the live channel and the decoder; whether the picture is good, ``None`` while the decoder holds it."""
        with self._lock:
            self._counts.units += 1
            self._counts.clock = unit.clock
        try:
            self._channel.publish_unit(unit, self._timeline.nominal_duration)
        except MalformedVideo:  # a key frame whose parameter sets cannot be read
            with self._lock:
                self._counts.malformed += 1
            if self._decoder is not None:
                self._decoder.undecodable()
            return False
        if self._decoder is None:
            return True
        frames = self._decoder.decode(unit)
        if frames is None:
            with self._lock:
                self._counts.undecodable += 1
            return False
        return True if frames else None

    def _note_picture(self, heard: Moment, *, good: bool) -> None:
        self._judge.decoded(good=good)
        with self._lock:
            if good:
                self._last_picture = heard.monotonic
                self._failures.picture()
                self._lifecycle.picture(heard.wall, lambda: self._verdicts(stalled_here=False))
        self._tell()

    def _note_failure(self, failure: SessionFailed) -> float:
        """Books the end of a session, or of an attempt; returns the seconds to wait."""
        now = self._now()
        flapping = self._judge.ended(counts=failure.fault is not Fault.FROZEN)
        with self._lock:
            lasted = None if self._opened_at is None else now.monotonic - self._opened_at
            self._opened_at = None
            fault = Fault.FLAPPING if flapping else failure.fault
            settled = lasted is not None and lasted >= self._limits.settled_s
            if settled:
                self._backoff.reset()
            wait = REFUSED_S if fault is Fault.REFUSED else self._backoff.next_wait()
            self._lifecycle.ended(now.wall, fault, failure.detail, now.wall + wait)
        self._failures.failed(fault, failure.detail, wait, settled=settled)
        return wait

    def _verdicts(self, stalled_here: bool) -> Verdicts:
        return Verdicts(
            packets=self._opened_at is not None and self._last_packet > self._opened_at,
            findings=self._judge.findings(),
            stalled_here=stalled_here,
        )

    def _tell(self) -> None:
        """Publishes the state where it differs from what was told last."""
        with self._telling:  # two threads cannot publish two states in the wrong order
            state = self.state
            if not differs(self._told, state):
                return
            phase_changed = state.phase is not self._told.phase
            self._told = state
            self._channel.publish_state(state)
            self._on_state(state)
        if phase_changed:
            self._log.info("ingest.phase", phase=str(state.phase), fault=state.fault and str(state.fault))


def _step_back() -> None:
    """Lets the detector's threads go first where this thread decodes: a frame that waits for a turn is replaced by the
    next one, while packets wait in the socket without loss.
    """
    if sys.platform == "linux":  # elsewhere a priority is the process's
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
