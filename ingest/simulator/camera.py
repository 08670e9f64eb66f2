"""One simulated camera: its settings, its port, its streams, its fault."""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import structlog

from ingest.frame import StreamName
from ingest.simulator.fault import PICTURED, SimFault
from ingest.simulator.material import Material, Track
from ingest.simulator.playout import Playout, Timeline, Viewer, Wire
from ingest.simulator.rtsp.basic import BasicGuard, Guard
from ingest.simulator.rtsp.connection import RtspConnection
from ingest.simulator.rtsp.digest import Algorithm, DigestGuard
from ingest.simulator.rtsp.wire import Impairment, WireCounts
from ingest.simulator.source import Source
from ingest.simulator.variants import make_variant

log = structlog.get_logger(__name__)

LOSSY_SHARE: Final = 0.04
"""Of the RTP packets, lost while the camera is lossy."""

_STREAMS: Final[tuple[StreamName, ...]] = ("main", "sub")


class PortError(OSError):
    """A port that cannot be had: which, and what to do."""


@dataclass(frozen=True, slots=True)
class SimCamera:
    """Settings of a camera. Without ``username`` it asks for no credentials. ``port`` 0 takes a free one.

    ``scheme``: how it asks. ``impairment``: what its network does to RTP packets at all times. ``reports``: whether it
    sends RTCP sender reports. ``first_timestamp``: RTP time at which each session begins, else a random one.
    ``phase_s``: how much later than others of the same source it shows the same pictures.
    """

    id: str
    source: Source
    username: str | None = None
    password: str = field(default="", repr=False)
    scheme: Literal["digest", "basic"] = "digest"
    algorithms: tuple[Algorithm, ...] = ("MD5",)
    port: int = 0
    session_timeout_s: float = 60.0
    nonce_life_s: float = 300.0
    flap_s: float = 3.0
    max_connections: int = 128
    impairment: Impairment = field(default_factory=Impairment)
    reports: bool = True
    first_timestamp: int | None = None
    phase_s: float = 0.0


class CameraServer:
    """A camera that listens. All methods belong to the event loop's thread."""

    def __init__(self, settings: SimCamera, host: str, timeline: Timeline) -> None:
        self.settings = settings
        self.host = host
        self.fault = SimFault.NONE
        self.timeline = timeline
        self.refused_connections = 0
        self.cut_sessions = 0
        self.wire_counts = WireCounts()
        self.faults_made: Counter[str] = Counter()
        self.guard = None if settings.username is None else self._guard(settings.username, settings.password)
        # What a camera says whose credentials were changed: nobody knows these.
        self._changed_guard = self._guard("-", secrets.token_hex(16))
        self._variants: dict[tuple[StreamName, SimFault], Track] = {}
        self._loaded = asyncio.Event()
        self._switching = asyncio.Lock()
        self._playouts: dict[StreamName, Playout] = {}
        self._connections: set[RtspConnection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        # Bound and never listening: the port stays ours while the camera is unreachable.
        self._reservation = _bound(host, settings.port, settings.id)
        self.port: int = self._reservation.getsockname()[1]

    def url(self, stream: StreamName) -> str:
        """RTSP address without credentials."""
        return f"rtsp://{self.host}:{self.port}/{stream}"

    @property
    def session_timeout_s(self) -> float:
        """Silence after which a session ends."""
        return self.settings.session_timeout_s

    @property
    def flap_s(self) -> float:
        """How long a session lives while the camera flaps."""
        return self.settings.flap_s

    @property
    def ready(self) -> bool:
        """Whether there is anything to send yet; until then clients are told 503."""
        return bool(self._playouts)

    def load(self, material: Material) -> None:
        """From now on, serve this."""
        for name in _STREAMS:
            self._playouts[name] = Playout(
                material.track(name),
                self.timeline,
                self._loop,
                lambda: self.fault,
                lambda fault, name=name: self._variants.get((name, fault)),  # type: ignore[misc]  # no inference of its default
            )
        self._loaded.set()

    def playout(self, name: str) -> Playout | None:
        """The stream of that name."""
        return next((playout for stream, playout in self._playouts.items() if stream == name), None)

    def viewer(self, wire: Wire, channels: tuple[int, int], playout: Playout) -> Viewer:
        """See :class:`ingest.simulator.rtsp.connection.CameraPort`."""
        return Viewer(
            wire,
            channels,
            self.timeline,
            playout.track,
            playout.counters,
            reports=self.settings.reports,
            first_timestamp=self.settings.first_timestamp,
        )

    def impairment(self) -> Impairment:
        """See :class:`ingest.simulator.rtsp.connection.CameraPort`."""
        usual = self.settings.impairment
        return replace(usual, loss=max(usual.loss, LOSSY_SHARE)) if self.fault is SimFault.LOSSY else usual

    def captured_at(self, number: int, before: float) -> float:
        """When picture ``number`` of main's loop was captured last before ``before``; UTC epoch seconds.

        By what the camera shows without a fault; raises ``KeyError`` where it is not ready.
        """
        track, timeline = self._playouts["main"].track, self.timeline
        began = timeline.wall_of(timeline.origin)
        newest = math.floor((before - began) * track.fps)
        last = newest - (newest - number) % len(track.trains)
        return began + float(last / track.fps)

    async def open(self) -> None:
        """Accept connections."""
        if self._server is None:
            listener = _bound(self.host, self.port, self.settings.id)
            self._server = await self._loop.create_server(lambda: RtspConnection(self, self._loop), sock=listener)

    def shut(self) -> None:
        """Close the listener and cut every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    def close(self) -> None:
        """For good."""
        self.shut()
        for playout in self._playouts.values():
            playout.close()
        self._reservation.close()

    def cut(self) -> None:
        """Reset every connection, as a camera that reboots does."""
        for connection in tuple(self._connections):
            connection.abort()

    async def set_fault(self, fault: SimFault) -> None:
        """Switch. At once, but a fault with pictures of its own needs seconds the first time, to encode them.

        Raises :class:`ingest.simulator.material.MaterialError` where the camera's own pictures are gone.
        """
        async with self._switching:  # what was asked last is what holds
            if fault in PICTURED:
                await self._loaded.wait()
                for name, playout in self._playouts.items():
                    if (name, fault) not in self._variants:
                        variant = await self._loop.run_in_executor(None, make_variant, playout.track, fault)
                        self._variants[name, fault] = variant
            await self._switch(fault)

    async def _switch(self, fault: SimFault) -> None:
        if fault is self.fault:
            return
        self.faults_made[fault.value] += 1
        log.info("simulator.fault", camera=self.settings.id, fault=fault.value, before=self.fault.value)
        self.fault = fault
        if fault is SimFault.UNREACHABLE:
            self.shut()
            return
        await self.open()
        if fault is SimFault.REFUSED:
            self.cut()
        elif fault is SimFault.FLAPPING:
            for connection in self._connections:
                connection.flap()

    def effective_guard(self) -> Guard | None:
        """Whom to ask about credentials."""
        return self._changed_guard if self.fault is SimFault.REFUSED else self.guard

    def _guard(self, username: str, password: str) -> Guard:
        if self.settings.scheme == "basic":
            return BasicGuard(username, password)
        return DigestGuard(
            username,
            password,
            self.timeline.steady,
            algorithms=self.settings.algorithms,
            nonce_life_s=self.settings.nonce_life_s,
        )

    def admit(self, connection: RtspConnection) -> bool:
        """Register a connection; ``False``, counted, when there are too many."""
        if len(self._connections) >= self.settings.max_connections:
            self.refused_connections += 1
            return False
        self._connections.add(connection)
        return True

    def dismiss(self, connection: RtspConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def report(self) -> dict[str, Any]:
        """The camera as the control interface tells it; holds no credentials."""
        streams = {
            name: {
                "codec": playout.track.codec,
                "width": playout.track.width,
                "height": playout.track.height,
                "fps": float(playout.track.fps),
                "bit_rate": playout.track.bit_rate,
                "loop_s": float(playout.track.duration),
                "viewers": playout.viewers,
                "frames": playout.counters.frames,
                "packets": playout.counters.packets,
                "bytes": playout.counters.bytes,
                "dropped_slow": playout.counters.dropped_slow,
                "withheld": playout.counters.withheld,
                "skipped": playout.counters.skipped,
                "before_key": playout.counters.before_key,
                "jumps": playout.counters.jumps,
            }
            for name, playout in self._playouts.items()
        }
        return {
            "id": self.settings.id,
            "source": self.settings.source.title,
            "ready": self.ready,
            "fault": self.fault.value,
            "urls": {"main": self.url("main"), "sub": self.url("sub")},
            "authentication": self.settings.username is not None,
            "connections": len(self._connections),
            "refused_connections": self.refused_connections,
            "cut_sessions": self.cut_sessions,
            "packets_lost": self.wire_counts.lost,
            "packets_reordered": self.wire_counts.reordered,
            "packets_refused": self.wire_counts.refused,
            "faults_made": dict(self.faults_made),
            "streams": streams,
        }


def camera_timeline(index: int, steady: Callable[[], float], wall: Callable[[], float], gop_s: float) -> Timeline:
    """The clock of the ``index``-th camera.

    The loop's position follows from the wall clock alone, so a restart goes on where it was. Cameras are spread over a
    GOP by the golden ratio, so that neither their frames nor their large key frames leave at the same instant.
    """
    phase = (index * (math.sqrt(5) - 1) / 2) % 1.0 * gop_s
    return Timeline(steady, wall, origin=steady() - wall() + phase)


def _bound(host: str, port: int, camera_id: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise PortError(
            f"camera {camera_id}: {host}:{port} cannot be listened on ({error.strerror}); choose another port"
        ) from error
    return bound
