"""One client's connection to a simulated camera: RTSP's state machine (RFC 2326, appendix A.2).

A connection holds at most one session, and a session one stream, sent over the connection or to two UDP ports.
Init → SETUP → Ready → PLAY → Playing; TEARDOWN, a timeout or the end of the connection leads back.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from ingest.simulator.fault import SimFault
from ingest.simulator.playout import Playout, Timeline, Viewer, Wire
from ingest.simulator.rtsp import sdp
from ingest.simulator.rtsp.basic import Guard
from ingest.simulator.rtsp.message import (
    Interleaved,
    MessageError,
    MessageParser,
    Request,
    UdpTransport,
    choose_transport,
    response,
)
from ingest.simulator.rtsp.wire import DatagramWire, ImpairedWire, Impairment, WireCounts

PUBLIC: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
IDLE_S: Final = 60.0
SEND_BUFFER: Final = 256 * 1024

log = structlog.get_logger(__name__)

Headers = Mapping[str, str | tuple[str, ...]]


class CameraPort(Protocol):
    """What a connection needs of its camera."""

    fault: SimFault
    host: str
    timeline: Timeline
    cut_sessions: int
    wire_counts: WireCounts

    @property
    def ready(self) -> bool:
        """Whether there is anything to serve yet."""

    def playout(self, name: str) -> Playout | None:
        """The stream of that name."""

    def effective_guard(self) -> Guard | None:
        """Whom to ask about credentials; ``None`` lets everybody in."""

    def admit(self, connection: RtspConnection) -> bool:
        """Register a connection, unless there are too many."""

    def dismiss(self, connection: RtspConnection) -> None:
        """A connection is gone."""

    def viewer(self, wire: Wire, channels: tuple[int, int], playout: Playout) -> Viewer:
        """A view of the stream, with this camera's habits."""

    def impairment(self) -> Impairment:
        """What happens to packets on the way, now."""

    @property
    def session_timeout_s(self) -> float:
        """Silence after which a session ends."""

    @property
    def flap_s(self) -> float:
        """How long a session lives while flapping."""


class _Answer(Exception):
    """A request that cannot be done: its status, and headers that say more."""

    def __init__(self, status: int, headers: Headers | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers or {}


class _Session:
    def __init__(self, name: str, playout: Playout, viewer: Viewer, datagrams: DatagramWire | None) -> None:
        self.id = f"{secrets.randbits(63):016d}"
        self.name = name
        self.playout = playout
        self.viewer = viewer
        self.datagrams = datagrams
        self.playing = False

    def close(self) -> None:
        """No more packets."""
        self.playout.remove(self.viewer)
        if self.datagrams is not None:
            self.datagrams.close()


class RtspConnection(asyncio.Protocol):
    """Speaks RTSP on one TCP connection."""

    def __init__(self, camera: CameraPort, loop: asyncio.AbstractEventLoop) -> None:
        self._camera = camera
        self._loop = loop
        self._parser = MessageParser()
        self._transport: asyncio.Transport | None = None
        self._session: _Session | None = None
        self._heard_at = loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._flap: asyncio.TimerHandle | None = None
        self._handlers = {
            "OPTIONS": self._options,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "GET_PARAMETER": self._get_parameter,
            "TEARDOWN": self._teardown,
        }

    @property
    def playing(self) -> bool:
        """Whether packets flow."""
        return self._session is not None and self._session.playing

    def abort(self) -> None:
        """Reset the connection, as a camera does that reboots; a session cut by it is counted."""
        self._camera.cut_sessions += self.playing
        self._end_session()
        if self._transport is not None:
            self._transport.abort()

    def flap(self) -> None:
        """While the camera flaps, a playing session is cut after a while."""
        if self.playing and self._flap is None:
            self._flap = self._loop.call_later(self._camera.flap_s, self._flapped)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        endpoint: socket.socket | None = transport.get_extra_info("socket")
        if endpoint is not None:
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Left to itself the kernel would hide many seconds of a slow viewer's delay from the bound on our buffer.
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if not self._camera.admit(self):
            transport.write(response(503, None))
            transport.close()
            return
        self._watch_later()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """See asyncio."""
        self._end_session()
        if self._watch is not None:
            self._watch.cancel()
        self._transport = None
        self._camera.dismiss(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._heard_at = self._loop.time()
        try:
            for message in self._parser.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                if isinstance(message, Interleaved):
                    continue  # receiver reports: heard, which keeps the session alive, and not read further
                self._handle(message)
        except MessageError as error:
            log.info("simulator.bad_request", reason=str(error), status=error.status)
            if self._transport is not None:
                self._transport.write(response(error.status, None))
                self._transport.close()

    # Requests

    def _handle(self, request: Request) -> None:
        assert self._transport is not None
        cseq = request.header("cseq")
        try:
            if not (cseq.isascii() and cseq.isdigit()):
                cseq = ""
                raise _Answer(400)
            handler = self._handlers.get(request.method)
            if handler is None:
                raise _Answer(501, {"Public": PUBLIC})
            if request.header("require"):
                raise _Answer(551, {"Unsupported": request.header("require")})
            if request.method != "OPTIONS":
                self._authorize(request)
            handler(request, cseq)
        except _Answer as answer:
            self._transport.write(response(answer.status, cseq or None, answer.headers))
        except MessageError as error:  # a header that only its method reads
            self._transport.write(response(error.status, cseq or None))

    def _reply(self, cseq: str, headers: Headers | None = None, body: bytes = b"") -> None:
        assert self._transport is not None
        self._transport.write(response(200, cseq, headers, body))

    def _authorize(self, request: Request) -> None:
        guard = self._camera.effective_guard()
        if guard is None:
            return
        verdict = guard.verify(request.method, request.uri, request.header("authorization"))
        if not verdict.accepted:
            raise _Answer(401, {"WWW-Authenticate": guard.challenges(stale=verdict.stale)})

    def _options(self, _request: Request, cseq: str) -> None:
        self._reply(cseq, {"Public": PUBLIC})

    def _describe(self, request: Request, cseq: str) -> None:
        name, playout = self._stream(request, allow_track=False)
        accept = request.header("accept")
        if accept and not any(kind in accept.lower() for kind in ("application/sdp", "*/*", "application/*")):
            raise _Answer(406)
        shown = playout.shown
        body = sdp.describe(
            codec=shown.codec,
            parameters=shown.parameters,
            fps=shown.fps,
            bit_rate=shown.bit_rate,
            host=self._camera.host,
        )
        base = f"{_root(request.uri)}/{name}/"
        self._reply(cseq, {"Content-Base": base, "Content-Type": "application/sdp"}, body)

    def _setup(self, request: Request, cseq: str) -> None:
        name, playout = self._stream(request, allow_track=True)
        if self._session is not None:
            if request.header("session"):
                self._own_session(request)
            if self._session.playing:
                raise _Answer(455)
            if self._session.name != name:
                raise _Answer(459)
        elif request.header("session"):
            raise _Answer(454)
        transport = choose_transport(request.header("transport"))
        if transport is None:
            raise _Answer(461)
        assert self._transport is not None
        if isinstance(transport, UdpTransport):
            channels, datagrams = (0, 1), self._datagrams(transport)
            ours, theirs = datagrams.ports, transport.ports
            told = f"RTP/AVP;unicast;client_port={theirs[0]}-{theirs[1]};server_port={ours[0]}-{ours[1]}"
        else:
            channels, datagrams = transport.channels or (0, 1), None
            told = f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}"
        wire = ImpairedWire(
            datagrams or self._transport, self._camera.impairment, self._camera.wire_counts, channels[1]
        )
        viewer = self._camera.viewer(wire, channels, playout)
        session = _Session(name, playout, viewer, datagrams)
        if self._session is not None:
            session.id = self._session.id
            self._session.close()
        self._session = session
        self._watch_later()
        self._reply(
            cseq,
            {
                "Session": f"{session.id};timeout={max(1, round(self._camera.session_timeout_s))}",
                "Transport": f"{told};ssrc={viewer.ssrc:08X}",
            },
        )

    def _datagrams(self, wanted: UdpTransport) -> DatagramWire:
        assert self._transport is not None
        client, *_ = self._transport.get_extra_info("peername")
        try:
            return DatagramWire(self._camera.host, client, wanted.ports, 1, self._camera.wire_counts)
        except OSError as error:
            raise _Answer(461) from error

    def _play(self, request: Request, cseq: str) -> None:
        name, _ = self._stream(request, allow_track=True)
        session = self._own_session(request)
        if session.name != name:
            raise _Answer(454)
        if session.playing:
            self._reply(cseq, {"Session": session.id, "Range": "npt=now-"})  # a live stream goes on (RFC 2326, 10.5)
            return
        playout, viewer = session.playout, session.viewer
        if session.datagrams is None:
            first = playout.first_index()
        else:  # a GOP at once would overflow the client's socket: it waits for the next key frame
            first = playout.next_index()
            viewer.await_key()
        viewer.begin(first)
        track_url = f"{_root(request.uri)}/{name}/{sdp.CONTROL}"
        info = f"url={track_url};seq={viewer.sequence};rtptime={viewer.timestamp(first) & 0xFFFFFFFF}"
        self._reply(cseq, {"Session": session.id, "Range": "npt=now-", "RTP-Info": info})
        session.playing = True
        playout.add(viewer, first)
        if self._camera.fault is SimFault.FLAPPING:
            self.flap()

    def _get_parameter(self, request: Request, cseq: str) -> None:
        if request.header("session") or self._session is not None:
            session = self._own_session(request)
            self._reply(cseq, {"Session": session.id})
            return
        self._reply(cseq)

    def _teardown(self, request: Request, cseq: str) -> None:
        session = self._own_session(request)
        self._end_session()
        self._reply(cseq, {"Session": session.id})

    # Parts

    def _stream(self, request: Request, *, allow_track: bool) -> tuple[str, Playout]:
        """The stream that the request's URI names."""
        path = urlsplit(request.uri).path.strip("/")
        name, _, control = path.partition("/")
        if name not in ("main", "sub") or (control and not (allow_track and control == sdp.CONTROL)):
            raise _Answer(404)
        if not self._camera.ready:
            raise _Answer(503, {"Retry-After": "1"})
        playout = self._camera.playout(name)
        if playout is None:
            raise _Answer(404)
        return name, playout

    def _own_session(self, request: Request) -> _Session:
        claimed = request.header("session").partition(";")[0].strip()
        if self._session is None or claimed != self._session.id:
            raise _Answer(454)
        return self._session

    def _end_session(self) -> None:
        if self._flap is not None:
            self._flap.cancel()
            self._flap = None
        if self._session is not None:
            self._session.close()
            self._session = None

    def _flapped(self) -> None:
        self._flap = None
        if self._camera.fault is SimFault.FLAPPING:
            self.abort()

    def _watch_later(self) -> None:
        """Look again when the client could have been silent for too long."""
        if self._watch is not None:
            self._watch.cancel()
        limit = IDLE_S if self._session is None else self._camera.session_timeout_s
        self._watch = self._loop.call_at(self._heard_at + limit, self._watched)

    def _watched(self) -> None:
        limit = IDLE_S if self._session is None else self._camera.session_timeout_s
        # Timers may fire early by the clock's resolution.
        if self._loop.time() - self._heard_at < limit - 0.01:
            self._watch_later()
            return
        log.info("simulator.session_timeout", silent_s=round(self._loop.time() - self._heard_at, 1))
        self._end_session()
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.abort()


def _root(uri: str) -> str:
    """Scheme and authority of a request's URI, without any credentials a client left in it."""
    parts = urlsplit(uri)
    return f"{parts.scheme or 'rtsp'}://{parts.netloc.rpartition('@')[2]}"
