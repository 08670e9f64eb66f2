"""All of one camera's ingest: its sessions, live channels and decoder, and the figures of its health."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal, TypedDict

import structlog

from configs.schema import Camera
from ingest.frame import StreamName
from ingest.gating.gate import GateLimits, GateState, PacketGate
from ingest.gating.level import Level, LevelGate
from ingest.judges.stream import StreamJudge
from ingest.ledger import FrameLedger
from ingest.live import LiveChannel
from ingest.rtsp.address import Address, Opener, open_rtsp
from ingest.rtsp.decoding import FrameDecoder, FrameTarget
from ingest.rtsp.gated import GatedDecoder
from ingest.rtsp.reading import Moment
from ingest.rtsp.session import SessionCounts, SessionLimits, StreamSession, real_now
from ingest.rtsp.timeline import Timeline
from ingest.state import Phase, StreamState
from ingest.watch import Watch

log = structlog.get_logger(__name__)

_LINGER_S = 5.0
_RATE_WINDOW_S = 5.0


class IngestHealth(TypedDict):
    """What ingest knows of ``CameraHealth`` (ARCHITECTURE.md); times are UTC epoch seconds."""

    camera_id: str
    at: float
    phase: str
    fault: str | None
    since: float
    attempt: int
    detail: str
    next_try_at: float | None
    last_picture_at: float | None
    clock: str
    received: int
    analysed: int
    dropped: dict[str, int]
    fps_received: float
    fps_analysed: float
    gate: str
    level: str


class _Rates:
    """Frames a second over the last seconds, from counters that are looked at now and then."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def note(self, now: float, received: int, analysed: int) -> None:
        self._seen.append((now, received, analysed))
        while now - self._seen[0][0] > _RATE_WINDOW_S:
            self._seen.popleft()

    def rates(self) -> tuple[float, float]:
        """Received and analysed, per second."""
        if len(self._seen) < 2:
            return 0.0, 0.0
        (begun, received_0, analysed_0), (ended, received_1, analysed_1) = self._seen[0], self._seen[-1]
        elapsed = ended - begun
        return (received_1 - received_0) / elapsed, (analysed_1 - analysed_0) / elapsed


class CameraIngest:
    """One camera. The sub stream is always open, and the analysed one; the main stream else only while watched.

    A camera with one stream uses it for both. ``on_state`` hears the state of the analysed stream (of the sub stream
    where nothing is analysed), which is the camera's. ``gated``: whether the settings may ask for a packet gate; who
    says so must tell :meth:`analysed` what the frames showed.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        ledger: FrameLedger,
        frames: FrameTarget,
        watch: Watch,
        on_state: Callable[[StreamState], None] = lambda _: None,
        gated: bool = True,
        limits: SessionLimits | None = None,
        opener: Opener = open_rtsp,
        now: Callable[[], Moment] = real_now,
    ) -> None:
        self.camera = camera
        wanted = camera.detection
        self._gate = PacketGate(GateLimits(floor_s=wanted.look_every_s)) if gated and wanted.gated else None
        self._level = LevelGate(wanted.fps, wanted.min_fps, wanted.look_every_s)
        self._decoder: GatedDecoder | None = None
        self._ledger = ledger
        self._frames = frames
        self._watch = watch
        self._on_state = on_state
        self._limits = limits
        self._opener = opener
        self._now = now
        self._lock = threading.Lock()
        self._running = False
        self._rates = _Rates()
        self._sub: StreamName = "sub" if camera.sub is not None else "main"
        self._analysed: StreamName = camera.detection.stream if camera.sub is not None else "main"
        self._primary: StreamName = self._analysed if camera.detection.enabled else self._sub
        names: tuple[StreamName, ...] = ("sub", "main") if camera.sub is not None else ("main",)
        self._always: frozenset[StreamName] = frozenset({self._sub, self._primary})
        self._channels = {name: self._new_channel(name) for name in names}
        self._timelines = {name: Timeline() for name in names}
        self._judges = {name: StreamJudge(lambda: now().monotonic, eyes=name == self._primary) for name in names}
        self._sessions: dict[StreamName, StreamSession] = {}
        self._unwatched_since: float | None = None

    @property
    def state(self) -> StreamState:
        """The camera's state: that of its analysed stream."""
        with self._lock:
            session = self._sessions.get(self._primary)
        return session.state if session is not None else self._idle_state(self._primary, "not started")

    def live(self, stream: Literal["main", "sub"]) -> LiveChannel:
        """The live channel of a stream. Subscribing to a main stream that is closed opens it."""
        return self._channels[stream if stream in self._channels else self._sub]

    def publish_overlay(self, captured_at: float, render: Callable[[float], str]) -> None:
        """Sends boxes to whoever watches. ``render(pts_s)`` gives the message for a stream's own timeline, seconds."""
        for channel in self._channels.values():
            if channel.subscribers:
                pts_s = channel.pts_at(captured_at)
                if pts_s is not None:
                    channel.publish_overlay(render(pts_s))

    def analysed(self, pts_s: float, matters: bool) -> None:
        """The frame at ``pts_s`` of the analysed stream went through; whether it showed something that matters."""
        if self._gate is not None:
            self._gate.found(pts_s, matters=matters)

    @property
    def gate(self) -> GateState:
        """Whether the analysed stream is decoded now."""
        return GateState.OFF if self._gate is None else self._gate.state

    @property
    def level(self) -> Level:
        """How much of the analysed stream this machine carries."""
        return self._level.level

    def set_level(self, level: Level) -> None:
        """From now on so much; more than before from the next key frame on."""
        self._level.level = level

    def pixel_rate(self) -> float | None:
        """Pixels a second of the analysed stream; ``None`` until they are known."""
        with self._lock:
            decoder, (received, _) = self._decoder, self._rates.rates()
        return decoder.pixels * received if decoder is not None and decoder.pixels and received else None

    def key_fps(self) -> float | None:
        """Key frames a second of the analysed stream; ``None`` until they are known."""
        with self._lock:
            decoder = self._decoder
        return 1 / decoder.gop_s if decoder is not None and decoder.gop_s else None

    def start(self) -> None:
        """Opens the streams that are always open; once."""
        with self._lock:
            self._running = True
            for name in sorted(self._always):
                self._open(name)
        self._watch.add(self)

    def request_stop(self) -> None:
        """Asks all readers to end and lets the subscribers go."""
        self._watch.remove(self)
        with self._lock:
            self._running = False
            sessions = list(self._sessions.values())
        for session in sessions:
            session.request_stop()
        for channel in self._channels.values():
            channel.close()

    def join(self, timeout: float) -> bool:
        """Waits for the readers, ``timeout`` seconds in all; whether all have ended."""
        deadline = self._now().monotonic + timeout
        with self._lock:
            sessions = list(self._sessions.values())
        ended = [session.join(max(0.0, deadline - self._now().monotonic)) for session in sessions]
        return all(ended)

    def stop(self, timeout: float = 4.0) -> bool:
        """Both of it; a reader that has not ended is logged."""
        self.request_stop()
        ended = self.join(timeout)
        if not ended:
            log.error("ingest.reader_hangs", camera_id=self.camera.id, timeout_s=timeout)
        return ended

    def retry_now(self) -> None:
        """Tries again at once what waits, refused credentials too."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.retry_now()

    def last_packets(self) -> list[float]:
        """See :class:`ingest.watch.Watched`."""
        with self._lock:
            sessions = list(self._sessions.values())
        return [at for session in sessions if (at := session.open_and_silent_since) is not None]

    def tick(self, stalled_here: bool) -> None:
        """See :class:`ingest.watch.Watched`."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.tick(stalled_here)
        if self._gate is not None:
            self._gate.watch(any(channel.subscribers for channel in self._channels.values()))
        received, analysed = self._frames_so_far()
        with self._lock:
            self._rates.note(self._now().monotonic, received, analysed)
            self._tend_on_demand()

    def counts(self) -> dict[StreamName, SessionCounts]:
        """Figures of each open stream, for the metrics."""
        with self._lock:
            return {name: session.counts() for name, session in self._sessions.items()}

    def health(self) -> IngestHealth:
        """The camera's health now."""
        state = self.state
        account = self._ledger.account(self.camera.id)
        received, _ = self._frames_so_far()
        with self._lock:
            fps_received, fps_analysed = self._rates.rates()
            session = self._sessions.get(self._primary)
        return IngestHealth(
            camera_id=self.camera.id,
            at=self._now().wall,
            phase=str(state.phase),
            fault=None if state.fault is None else str(state.fault),
            since=state.since,
            attempt=state.attempt,
            detail=state.detail,
            next_try_at=state.next_try_at,
            last_picture_at=state.last_picture_at,
            clock=session.counts().clock if session is not None else "arrival",
            received=received,
            analysed=account.analysed,
            dropped={str(cause): frames for cause, frames in account.dropped.items()},
            fps_received=round(fps_received, 2),
            fps_analysed=round(fps_analysed, 2),
            gate=str(self.gate),
            level=str(self.level),
        )

    def _frames_so_far(self) -> tuple[int, int]:
        """Received and analysed; a camera that is not analysed receives what its sub stream brings."""
        account = self._ledger.account(self.camera.id)
        if self.camera.detection.enabled:
            return account.received, account.analysed
        with self._lock:
            session = self._sessions.get(self._primary)
        return (session.counts().units if session is not None else 0), 0

    def _new_channel(self, name: StreamName) -> LiveChannel:
        if name in self._always:
            return LiveChannel(self._idle_state(name, "not started"))
        return LiveChannel(self._idle_state(name, "opened when somebody watches"), wanted=lambda: self._want(name))

    def _idle_state(self, name: StreamName, detail: str) -> StreamState:
        now = self._now().wall
        return StreamState(self.camera.id, name, Phase.CONNECTING, None, now, now, 0, detail)

    def _want(self, name: StreamName) -> None:
        with self._lock:
            self._unwatched_since = None
            if self._running and name not in self._sessions:
                self._open(name)

    def _tend_on_demand(self) -> None:
        """With the lock held: closes the main stream some seconds after its last viewer, reopens it for a new one."""
        name: StreamName = "main"
        session = self._sessions.get(name)
        if name in self._always or session is None:
            return
        watched = self._channels[name].subscribers > 0
        if not session.running:
            del self._sessions[name]
            self._channels[name].forget_pictures()
            if watched and self._running:
                self._open(name)
            return
        now = self._now().monotonic
        if watched:
            self._unwatched_since = None
        elif self._unwatched_since is None:
            self._unwatched_since = now
        elif now - self._unwatched_since >= _LINGER_S:
            session.request_stop()

    def _open(self, name: StreamName) -> None:
        """With the lock held: a new session for the stream, started."""
        judge = self._judges[name]
        decoder: GatedDecoder | None = None
        if self.camera.detection.enabled and name == self._analysed:
            frames = FrameDecoder(
                self.camera.id,
                name,
                fps=self.camera.detection.fps,
                ledger=self._ledger,
                target=self._frames,
                see=judge.see,
                thins=self._level.thins,
            )
            decoder = GatedDecoder(self.camera.id, frames, self._gate, self._ledger, self._level)
            self._decoder = decoder
        session = StreamSession(
            self.camera.id,
            name,
            _address(self.camera, name),
            self._channels[name],
            decoder=decoder,
            timeline=self._timelines[name],
            judge=judge,
            limits=self._limits,
            opener=self._opener,
            now=self._now,
            on_state=self._on_state if name == self._primary else lambda _: None,
        )
        self._sessions[name] = session
        session.start()


def _address(camera: Camera, name: StreamName) -> Address:
    stream = camera.stream(name)
    if camera.credentials is None:
        return Address(stream.url, transport=stream.transport)
    return Address(stream.url, camera.credentials.username, camera.credentials.password, stream.transport)
