"""All of one camera's ingest: its sessions, live channels and decoder, and the figures of its health."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, TypedDict

import structlog

from configs.schema import Camera
from ingest.analysed import AnalysedStreams
from ingest.frame import StreamName
from ingest.gating.gate import GateState
from ingest.gating.level import Level
from ingest.judges.stream import StreamJudge
from ingest.ledger import FrameLedger
from ingest.live import LiveChannel, Tap
from ingest.rtsp.address import Address, Opener, open_rtsp
from ingest.rtsp.counts import SessionCounts
from ingest.rtsp.decoders import ON_PROCESSOR, Decoders
from ingest.rtsp.decoding import FrameTarget
from ingest.rtsp.reading import Moment
from ingest.rtsp.session import SessionLimits, StreamSession, real_now
from ingest.rtsp.timeline import Timeline
from ingest.state import Phase, StreamState
from ingest.stream_choice import Size
from ingest.watch import Watch
from models.manifest import ModelInput

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
    stream: str


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

    ``taps`` hear the streams that they name, which are always open then.

    A camera with one stream uses it for both. ``on_state`` hears the state of the analysed stream (of the sub stream
    where nothing is analysed), which is the camera's. ``gated``: whether the settings may ask for a packet gate; who
    says so must tell :meth:`analysed` what the frames showed. ``model_input``: of the detector that gets the frames, by
    which the analysed stream is chosen (:mod:`ingest.stream_choice`); ``None``: it stays sub unless the settings say
    main.
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
        model_input: ModelInput | None = None,
        decoders: Decoders = ON_PROCESSOR,
        taps: Mapping[StreamName, Tap] | None = None,
        limits: SessionLimits | None = None,
        opener: Opener = open_rtsp,
        now: Callable[[], Moment] = real_now,
    ) -> None:
        self.camera = camera
        self._ledger = ledger
        self._watch = watch
        self._taps = taps or {}
        self._on_state = on_state
        self._limits = limits
        self._opener = opener
        self._now = now
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._running = False
        self._rates = _Rates()
        self._sub: StreamName = "sub" if camera.sub is not None else "main"
        self._analysed = AnalysedStreams(
            camera,
            ledger=ledger,
            frames=frames,
            gated=gated,
            model_input=model_input,
            ready=self._is_live,
            on_change=self._tell_change,
            decoders=decoders,
        )
        names: tuple[StreamName, ...] = ("sub", "main") if camera.sub is not None else ("main",)
        self._channels = {name: self._new_channel(name) for name in names}
        self._timelines = {name: Timeline() for name in names}
        eyes = self._analysed.candidates  # one that only might be analysed looks too: a hundredth of a core at most
        self._judges = {name: StreamJudge(lambda: now().monotonic, eyes=name in eyes) for name in names}
        self._sessions: dict[StreamName, StreamSession] = {}
        self._unwatched_since: float | None = None

    @property
    def state(self) -> StreamState:
        """The camera's state: that of its analysed stream."""
        with self._lock:
            stream = self._analysed.current
            session = self._sessions.get(stream)
        return session.state if session is not None else self._idle_state(stream, "not started")

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

    def analysed(self, stream: StreamName, pts_s: float, matters: bool) -> None:
        """The frame at ``pts_s`` of ``stream`` went through; whether it showed something that matters."""
        self._analysed.found(stream, pts_s, matters=matters)

    @property
    def gate(self) -> GateState:
        """Whether the analysed stream is decoded now."""
        return self._analysed.gate

    @property
    def level(self) -> Level:
        """How much of the analysed stream this machine carries."""
        return self._analysed.level

    def set_level(self, level: Level) -> None:
        """From now on so much; more than before from the next key frame on."""
        self._analysed.level = level

    def pixel_rate(self) -> float | None:
        """Pixels a second of the analysed stream; ``None`` until they are known."""
        with self._lock:
            received, _ = self._rates.rates()
        return self._analysed.pixels * received or None

    def key_fps(self) -> float | None:
        """Key frames a second of the analysed stream; ``None`` until they are known."""
        gop_s = self._analysed.gop_s
        return 1 / gop_s if gop_s else None

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
        self._analysed.watch(any(channel.subscribers for channel in self._channels.values()))
        self._analysed.consider(self._size("sub"), self._size("main"))
        received, analysed = self._frames_so_far()
        with self._lock:
            self._rates.note(self._now().monotonic, received, analysed)
            self._tend_main()

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
            session = self._sessions.get(self._analysed.current)
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
            stream=self._analysed.current,
        )

    def _frames_so_far(self) -> tuple[int, int]:
        """Received and analysed; a camera that is not analysed receives what its sub stream brings."""
        account = self._ledger.account(self.camera.id)
        if self.camera.detection.enabled:
            return account.received, account.analysed
        with self._lock:
            session = self._sessions.get(self._analysed.current)
        return (session.counts().units if session is not None else 0), 0

    def _new_channel(self, name: StreamName) -> LiveChannel:
        tap = self._taps.get(name)
        if name in self._always:
            return LiveChannel(self._idle_state(name, "not started"), tap=tap)
        return LiveChannel(
            self._idle_state(name, "opened when somebody watches"), wanted=lambda: self._want(name), tap=tap
        )

    def _idle_state(self, name: StreamName, detail: str) -> StreamState:
        now = self._now().wall
        return StreamState(self.camera.id, name, Phase.CONNECTING, None, now, now, 0, detail)

    @property
    def _always(self) -> frozenset[StreamName]:
        """The streams that are open although nobody watches."""
        return self._analysed.needed | {self._sub} | self._taps.keys()

    def _want(self, name: StreamName) -> None:
        with self._lock:
            self._unwatched_since = None
            if self._running and name not in self._sessions:
                self._open(name)

    def _tend_main(self) -> None:
        """With the lock held: opens main where it is needed, closes it some seconds after its last viewer."""
        name: StreamName = "main"
        session = self._sessions.get(name)
        wanted = name in self._always or self._channels[name].subscribers > 0
        if session is not None and not session.running:
            del self._sessions[name]
            self._channels[name].forget_pictures()
            session = None
        if session is None:
            if wanted and self._running:
                self._open(name)
            return
        now = self._now().monotonic
        if wanted:
            self._unwatched_since = None
        elif self._unwatched_since is None:
            self._unwatched_since = now
        elif now - self._unwatched_since >= _LINGER_S:
            session.request_stop()

    def _size(self, name: StreamName) -> Size | None:
        channel = self._channels.get(name)
        size = channel.size if channel is not None else None
        return None if size is None else Size(*size)

    def _is_live(self, name: StreamName) -> bool:
        with self._lock:
            session = self._sessions.get(name)
        return session is not None and session.state.phase is Phase.LIVE

    def _hear(self, state: StreamState) -> None:
        """A stream's state has changed."""
        with self._telling:
            if state.stream == self._analysed.current:
                self._on_state(state)

    def _tell_change(self, _: StreamName) -> None:
        """Another stream is analysed, so its state is the camera's."""
        with self._telling:
            self._on_state(self.state)

    def _open(self, name: StreamName) -> None:
        """With the lock held: a new session for the stream, started."""
        judge = self._judges[name]
        session = StreamSession(
            self.camera.id,
            name,
            _address(self.camera, name),
            self._channels[name],
            decoder=self._analysed.decoder(name, judge.see),
            timeline=self._timelines[name],
            judge=judge,
            limits=self._limits,
            opener=self._opener,
            now=self._now,
            on_state=self._hear,
        )
        self._sessions[name] = session
        session.start()


def _address(camera: Camera, name: StreamName) -> Address:
    stream = camera.stream(name)
    if camera.credentials is None:
        return Address(stream.url, transport=stream.transport)
    return Address(stream.url, camera.credentials.username, camera.credentials.password, stream.transport)
