"""One simulated camera: its settings, its port, its streams, its fault."""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from ingest.frame import StreamName
from ingest.simulator.fault import SimFault
from ingest.simulator.material import Material
from ingest.simulator.playout import Playout, Timeline
from ingest.simulator.rtsp.connection import RtspConnection
from ingest.simulator.rtsp.digest import Algorithm, DigestGuard
from ingest.simulator.source import Source

log = structlog.get_logger(__name__)


class PortError(OSError):
    """A port that cannot be had: which, and what to do."""


@dataclass(frozen=True, slots=True)
class SimCamera:
    """Settings of a camera. Without ``username`` it asks for no credentials. ``port`` 0 takes a free one."""

    id: str
    source: Source
    username: str | None = None
    password: str = field(default="", repr=False)
    algorithms: tuple[Algorithm, ...] = ("MD5",)
    port: int = 0
    session_timeout_s: float = 60.0
    nonce_life_s: float = 300.0
    flap_s: float = 3.0
    max_connections: int = 128


class CameraServer:
    """A camera that listens. All methods belong to the event loop's thread."""

    def __init__(self, settings: SimCamera, host: str, timeline: Timeline) -> None:
        self.settings = settings
        self.host = host
        self.fault = SimFault.NONE
        self.timeline = timeline
        self.refused_connections = 0
        self.cut_sessions = 0
        self.guard = (
            DigestGuard(
                settings.username,
                settings.password,
                timeline.steady,
                algorithms=settings.algorithms,
                nonce_life_s=settings.nonce_life_s,
            )
            if settings.username is not None
            else None
        )
        # What a camera says whose credentials were changed: nobody knows these.
        self._changed_guard = DigestGuard("-", secrets.token_hex(16), timeline.steady, algorithms=settings.algorithms)
        self._playouts: dict[str, Playout] = {}
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
        for name in ("main", "sub"):
            self._playouts[name] = Playout(
                material.main if name == "main" else material.sub, self.timeline, self._loop, lambda: self.fault
            )

    def playout(self, name: str) -> Playout | None:
        """The stream of that name."""
        return self._playouts.get(name)

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
        """Switch, at once; ``fault`` must be supported."""
        if fault is self.fault:
            return
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

    def effective_guard(self) -> DigestGuard | None:
        """Whom to ask about credentials."""
        return self._changed_guard if self.fault is SimFault.REFUSED else self.guard

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
