"""Playing a track in real time: one clock for a camera, one tick a frame for all viewers of a stream.

A camera is one scene in time. Frame ``n`` of a stream is captured at ``phase + n / fps`` on the camera's clock and is
frame ``n mod length`` of its loop, so that main and sub, and every viewer, see the same instant; and numbers never go
back, so that timestamps run on over the loop's seam.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, Protocol

from ingest.simulator.fault import SimFault
from ingest.simulator.material import Track
from ingest.simulator.rtsp.rtp import CLOCK_RATE, PacketTrain, sender_report

REPORT_INTERVAL_S: Final = 2.0
MIN_BUFFER: Final = 1 << 20
JUMP_INTERVAL_S: Final = 1.5
JUMP_TICKS: Final = 3600 * 90_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """A camera's clock. ``steady`` counts seconds evenly, ``origin`` is where frame 0 of its streams lies on it.

    ``wall`` gives UTC epoch seconds and may be set by others meanwhile; it only feeds the sender reports.
    """

    steady: Callable[[], float]
    wall: Callable[[], float]
    origin: float

    def newest(self, fps: Fraction) -> int:
        """Number of the newest frame captured."""
        return math.floor((self.steady() - self.origin) * fps.numerator / fps.denominator)

    def due(self, index: int, fps: Fraction) -> float:
        """When frame ``index`` is captured, on ``steady``."""
        return self.origin + index * fps.denominator / fps.numerator

    def wall_of(self, steady: float) -> float:
        """UTC epoch seconds of an instant of ``steady``, by today's wall clock."""
        return self.wall() - (self.steady() - steady)


class Wire(Protocol):
    """The part of :class:`asyncio.WriteTransport` that a viewer needs."""

    def write(self, data: bytes | bytearray, /) -> None:
        """Never blocks; what the peer does not take is buffered."""

    def get_write_buffer_size(self) -> int:
        """Bytes buffered."""


class Timer(Protocol):
    """What :meth:`Scheduler.call_at` gives back."""

    def cancel(self) -> None:
        """Do not call."""


class Scheduler(Protocol):
    """The part of an event loop that a playout needs; ``when`` is on :attr:`Timeline.steady`."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> Timer:
        """Call once, not before ``when``."""


Loss = Literal["dropped_slow", "withheld", "skipped", "before_key"]


@dataclass(slots=True)
class Counters:
    """What a camera sent, and what it did not. Every frame that falls due for a viewer is in exactly one of them."""

    frames: int = 0
    packets: int = 0
    bytes: int = 0
    dropped_slow: int = 0  # the viewer did not take them: everything up to its next key frame
    withheld: int = 0  # by a fault
    skipped: int = 0  # this process stood still for longer than a GOP
    before_key: int = 0  # a viewer over UDP joined in the middle of a GOP
    jumps: int = 0  # of time stamps, by a fault; no frame is lost by it

    def lose(self, cause: Loss, frames: int = 1) -> None:
        """Count frames that were due and not sent."""
        setattr(self, cause, getattr(self, cause) + frames)


class Viewer:
    """One session's view of one stream: its own SSRC, sequence and timestamp base, and its bounded buffer.

    ``reports``: whether sender reports are sent. ``first_timestamp``: RTP time of the first frame, else random.
    """

    def __init__(
        self,
        wire: Wire,
        channels: tuple[int, int],
        timeline: Timeline,
        track: Track,
        counters: Counters,
        *,
        reports: bool = True,
        first_timestamp: int | None = None,
    ) -> None:
        self._wire = wire
        self._rtp, self._rtcp = channels
        self._timeline = timeline
        self._track = track
        self._counters = counters
        self._ticks = int(CLOCK_RATE / track.fps)
        self._limit = max(MIN_BUFFER, 2 * track.largest_gop)
        self._waiting: Loss | None = None  # for a key frame, and why
        self._packets = self._octets = 0
        self._report_at = -math.inf if reports else math.inf
        self._reports = reports
        self._first = 0
        self.ssrc = secrets.randbits(32)
        self.sequence = secrets.randbits(16)
        # In the lower half, so that common clients, which do not unwrap the difference to the last report, get hours.
        self._base = secrets.randbits(31) if first_timestamp is None else first_timestamp

    def begin(self, index: int) -> None:
        """The first frame will be ``index``; timestamps count from there."""
        self._first = index

    def timestamp(self, index: int) -> int:
        """RTP time of frame ``index``, 90 kHz, not yet wrapped."""
        return self._base + (index - self._first) * self._ticks

    def offer(self, index: int, train: PacketTrain, *, key: bool) -> None:
        """Send frame ``index``, or drop it if the viewer is slow: then up to the next key frame."""
        if self._waiting is not None and not key:
            self._counters.lose(self._waiting)
            return
        if self._wire.get_write_buffer_size() > self._limit:
            self.lose("dropped_slow")
            return
        self._waiting = None
        data = train.patched(channel=self._rtp, sequence=self.sequence, timestamp=self.timestamp(index), ssrc=self.ssrc)
        captured = self._timeline.due(index, self._track.fps)
        if captured >= self._report_at:
            data[:0] = self._report(index, captured)
            self._report_at = captured + REPORT_INTERVAL_S
        self._wire.write(data)
        packets = len(train.offsets)
        self.sequence = self.sequence + packets & 0xFFFF
        self._packets += packets
        self._octets += len(train.data) - 16 * packets
        self._counters.frames += 1
        self._counters.packets += packets
        self._counters.bytes += len(data)

    def jump(self, ticks: int) -> None:
        """From now on, time stamps are ``ticks`` (90 kHz) elsewhere; a report says so."""
        self._base += ticks
        self._counters.jumps += 1
        if self._reports:
            self._report_at = -math.inf

    def await_key(self) -> None:
        """Begin with the next key frame."""
        self._waiting = "before_key"

    def lose(self, cause: Loss, frames: int = 1) -> None:
        """Frames are not sent: the next one that is will be a key frame."""
        self._counters.lose(cause, frames)
        self._waiting = cause

    def _report(self, index: int, captured: float) -> bytes:
        # The pair names the frame's capture, not the instant of sending: the mapping is the same line, and the first
        # report precedes the first packet without placing it before zero on a client's timeline.
        return sender_report(
            channel=self._rtcp,
            ssrc=self.ssrc,
            wall=self._timeline.wall_of(captured),
            timestamp=self.timestamp(index),
            packets=self._packets,
            octets=self._octets,
            cname="camera",
        )


class Playout:
    """One stream of one camera. Costs nothing while nobody watches.

    ``variant`` gives other pictures for a fault, ``None`` where the camera's own are sent. A variant begins at once
    with its key frame; the camera's own pictures come back with their next one, so that nobody waits for a picture.
    """

    def __init__(
        self,
        track: Track,
        timeline: Timeline,
        scheduler: Scheduler,
        fault: Callable[[], SimFault],
        variant: Callable[[SimFault], Track | None] = lambda _: None,
    ) -> None:
        self.track = track
        self.timeline = timeline
        self.counters = Counters()
        self._scheduler = scheduler
        self._fault = fault
        self._variant = variant
        self._shown = track
        self._shown_from = 0
        self._viewers: list[Viewer] = []
        self._next = 0
        self._timer: Timer | None = None

    @property
    def shown(self) -> Track:
        """What is sent now: the camera's own track, or a fault's."""
        if not self._viewers:
            self._follow(self.timeline.newest(self.track.fps))
        return self._shown

    @property
    def viewers(self) -> int:
        """How many are playing."""
        return len(self._viewers)

    def first_index(self) -> int:
        """Where a viewer added now begins: the newest key frame."""
        newest = self._newest()
        if not self._viewers:
            self._follow(newest)
        place, waited = self._place(newest)
        return newest - self._shown.since_key[place] * self._shown.stride - waited

    def next_index(self) -> int:
        """Number of the next frame to be captured."""
        return self._newest() + 1

    def add(self, viewer: Viewer, first: int) -> None:
        """Begin with the current GOP at once, with its true capture times, then go on in real time."""
        newest = self._newest()
        viewer.begin(first)
        if not self._viewers:
            self._next = newest + 1
        for index in range(first, newest + 1):
            self._send(viewer, index)
        self._viewers.append(viewer)
        if self._timer is None:
            self._schedule()

    def remove(self, viewer: Viewer) -> None:
        """Stop sending to it; unknown ones are ignored, since a session may end in several ways at once."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if not self._viewers:
            self.close()

    def close(self) -> None:
        """No more ticks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _newest(self) -> int:
        # While ticking, the newest frame is the newest one sent: who joins between two ticks must not get one twice.
        return self._next - 1 if self._viewers else self.timeline.newest(self.track.fps)

    def _schedule(self) -> None:
        self._timer = self._scheduler.call_at(self.timeline.due(self._next, self.track.fps), self._tick)

    def _tick(self) -> None:
        # The loop may fire a timer early by its clock's resolution; the frame it was set for is due by definition.
        newest = max(self._next, self.timeline.newest(self.track.fps))
        behind = newest - self._next
        if behind > self.track.fps * 2:
            self._next = newest
            for viewer in self._viewers:
                viewer.lose("skipped", behind)
        while self._next <= newest:
            self._follow(self._next)
            if self._fault() is SimFault.JUMPING and self._next % max(1, int(JUMP_INTERVAL_S * self.track.fps)) == 0:
                for viewer in self._viewers:
                    viewer.jump(secrets.randbelow(2 * JUMP_TICKS) - JUMP_TICKS)
            for viewer in tuple(self._viewers):
                self._send(viewer, self._next)
            self._next += 1
        if self._viewers:
            self._schedule()

    def _send(self, viewer: Viewer, index: int) -> None:
        fault = self._fault()
        if fault is SimFault.FROZEN:
            viewer.lose("withheld")
            return
        shown = self._shown
        place, waited = self._place(index)
        if waited:
            return  # a slow camera has no frame for this instant
        train = shown.garbled[place] if fault is SimFault.GARBLED else shown.trains[place]
        viewer.offer(index, train, key=shown.since_key[place] == 0)

    def _place(self, index: int) -> tuple[int, int]:
        """Where in the shown loop frame ``index`` lies, and how many instants ago that was captured."""
        steps, waited = divmod(index - self._shown_from, self._shown.stride)
        return steps % len(self._shown.trains), waited

    def _follow(self, index: int) -> None:
        """Switch to the pictures of the present fault, from frame ``index`` on."""
        wanted = self._variant(self._fault()) or self.track
        if wanted is self._shown:
            return
        if wanted is not self.track:
            self._shown, self._shown_from = wanted, index
        elif not self._viewers or self.track.since_key[index % len(self.track.trains)] == 0:
            self._shown, self._shown_from = self.track, 0
