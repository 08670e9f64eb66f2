"""Peers that do not behave: what they are is said within five seconds, memory stays flat, good cameras go on."""

from __future__ import annotations

import base64
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ingest.live import LiveChannel
from ingest.packet import AccessUnit
from ingest.rtsp.address import Address, OpenLimits, SessionFailed
from ingest.rtsp.session import SessionLimits, StreamSession
from ingest.simulator.rtsp.rtp import packetize
from ingest.state import Fault, Phase, StreamState

Until = Callable[[Callable[[], object], float, str], float]
StartRig = Callable[..., Any]
EncodeUnits = Callable[..., list[AccessUnit]]

PASSWORD = "s3cret-of-the-peer"


@dataclass(frozen=True)
class Script:
    """What a peer says: an answer's body to DESCRIBE, what follows PLAY, or ``raw`` from the first byte on."""

    sdp: bytes = b""
    stream: Callable[[socket.socket], None] = lambda _: None
    raw: Callable[[socket.socket], None] | None = None
    twist: Callable[[bytes], bytes] = bytes


class Peer:
    """An RTSP server that follows a script, one connection at a time."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._listener.getsockname()[1]}/x"

    def close(self) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(1.0)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if self._script.raw is not None:
            connection.recv(4096)
            self._script.raw(connection)
            return
        pending = b""
        while True:
            while b"\r\n\r\n" not in pending:
                received = connection.recv(4096)
                if not received:
                    return
                pending += received
            head, _, pending = pending.partition(b"\r\n\r\n")
            method = head.split(b" ", 1)[0]
            connection.sendall(self._script.twist(self._answer(method, head)))
            if method == b"PLAY":
                self._script.stream(connection)
                return

    def _answer(self, method: bytes, head: bytes) -> bytes:
        lines = head.split(b"\r\n")
        # A client whose place in the dialogue was twisted may send anything, its interleaved reports for one.
        cseq = next((line for line in lines if line.lower().startswith(b"cseq")), b"CSeq: 0")
        lines = [b"RTSP/1.0 200 OK", cseq, b"Session: 1"]
        body = b""
        if method == b"DESCRIBE":
            body = self._script.sdp
            lines += [b"Content-Type: application/sdp", b"Content-Length: %d" % len(body)]
        elif method == b"SETUP":
            lines.append(b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        elif method == b"OPTIONS":
            lines.append(b"Public: OPTIONS, DESCRIBE, SETUP, PLAY")
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def start_peer() -> Iterator[Callable[[Script], Peer]]:
    """Starts peers; all end with the test."""
    running: list[Peer] = []

    def start(script: Script) -> Peer:
        running.append(Peer(script))
        return running[-1]

    yield start
    for peer in running:
        peer.close()


def _sdp(fmtp: str = "", media: str = "video 0 RTP/AVP 96", codec: str = "H264/90000") -> bytes:
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=x", "t=0 0", f"m={media}", f"a=rtpmap:96 {codec}", fmtp]
    return "".join(f"{line}\r\n" for line in [*lines, "a=control:track"] if line).encode()


def _repeat(data: Callable[[], bytes], pause_s: float = 0.02) -> Callable[[socket.socket], None]:
    """Sends until the other side has had enough, or for eight seconds."""

    def send(connection: socket.socket) -> None:
        pause, end = threading.Event(), time.monotonic() + 8
        while time.monotonic() < end:
            connection.sendall(data())
            pause.wait(pause_s)

    return send


def _hold(connection: socket.socket) -> None:
    """Listens until the other side has had enough."""
    connection.settimeout(10)
    while connection.recv(4096):
        pass


def _rtp(payload: bytes, number: int = 0, timestamp: int = 0, marker: bool = False) -> bytes:
    head = bytes((0x80, 0x60 | marker << 7)) + number.to_bytes(2, "big") + timestamp.to_bytes(4, "big") + b"ssrc"
    return b"$\x00" + (len(head) + len(payload)).to_bytes(2, "big") + head + payload


def _noise() -> bytes:
    numbers = random.Random(7)
    return b"".join(_rtp(numbers.randbytes(1200), n, n * 3600, marker=True) for n in range(20))


def _endless_picture() -> Callable[[], bytes]:
    """Fragments of one NAL unit that never ends."""
    counter = iter(range(1 << 30))

    def more() -> bytes:
        return b"".join(_rtp(b"\x7c\x05" + bytes(1300), next(counter) & 0xFFFF) for _ in range(50))

    return more


BAD: dict[str, tuple[Script, Fault, str]] = {
    "accepts and says nothing": (Script(raw=_hold), Fault.UNREACHABLE, "does not answer in time"),
    "speaks HTTP": (
        Script(raw=lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
        Fault.UNREACHABLE,
        "",
    ),
    "sends noise": (Script(raw=lambda peer: peer.sendall(random.Random(1).randbytes(5000))), Fault.UNREACHABLE, ""),
    "never ends its headers": (
        Script(raw=_repeat(lambda: b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 500, 0.001)),
        Fault.UNREACHABLE,
        "does not answer in time",
    ),
    "describes sound only": (Script(_sdp(media="audio 0 RTP/AVP 96", codec="L16/8000")), Fault.UNREACHABLE, "no video"),
    "describes another codec": (Script(_sdp(codec="VP8/90000")), Fault.UNREACHABLE, "only H.264 and H.265"),
    "describes nothing": (Script(b"\x00" * 100), Fault.UNREACHABLE, ""),
    "lies about a body": (
        Script(twist=lambda answer: answer.replace(b"Content-Length: 0", b"Content-Length: 999999999")),
        Fault.UNREACHABLE,
        "",
    ),
    "lies about its parameter sets": (
        Script(_sdp("a=fmtp:96 packetization-mode=1;sprop-parameter-sets=////,AAAA"), _repeat(_noise)),
        Fault.GARBLED,
        "",
    ),
    "plays noise between frames": (Script(_sdp(), _repeat(lambda: random.Random(3).randbytes(999))), Fault.FROZEN, ""),
    "plays and sends nothing": (Script(_sdp(), _hold), Fault.FROZEN, ""),
    "never ends a picture": (Script(_sdp(), _repeat(_endless_picture(), 0.01)), Fault.UNREACHABLE, "in time"),
}


def test_each_is_named_and_nothing_else_suffers(
    start_peer: Callable[[Script], Peer],
    start_gst: Callable[..., Any],
    start_rig: StartRig,
    until: Until,
) -> None:
    good = start_rig(Address(start_gst().url))
    until(lambda: good.phase() is Phase.LIVE, 10, "the good camera is not live")
    before = psutil.Process(os.getpid()).memory_info().rss
    begun = time.monotonic()
    rigs = {name: start_rig(Address(start_peer(script).url)) for name, (script, _, _) in BAD.items()}
    named: dict[str, tuple[Fault | None, str, float]] = {}
    ages: list[float] = []

    def look() -> bool:
        ages.append(time.time() - (good.session.state.last_picture_at or 0.0))
        for name, rig in rigs.items():
            rig.phase()
            state = rig.session.state
            if name not in named and state.fault is not None:
                named[name] = (state.fault, state.detail, time.monotonic() - begun)
        return good.phase() is not Phase.LIVE or time.monotonic() - begun > 7

    until(look, 10, "")
    grown = psutil.Process(os.getpid()).memory_info().rss - before
    wrong = {
        name: named.get(name)
        for name, (_, fault, detail) in BAD.items()
        if name not in named or named[name][0] is not fault or detail not in named[name][1] or named[name][2] > 5
    }
    assert wrong == {}
    assert good.phase() is Phase.LIVE
    assert good.session.counts().sessions == 1
    assert max(ages) < 1.0
    assert grown < 64 << 20


_BUDGET = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_BUDGET
@given(
    what=st.sampled_from(["sdp", "answer", "packets"]),
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=12), st.integers(0, 40)), min_size=1, max_size=6),
)
def test_twisted_dialogues_end_in_a_sentence(
    encode_units: EncodeUnits, what: str, edits: list[tuple[float, bytes, int]]
) -> None:
    def twist(data: bytes) -> bytes:
        for place, put, cut in edits:
            at = int(place * len(data))
            data = data[:at] + put + data[at + cut :]
        return data

    units = encode_units(8)
    sets = units[0].parameters.annex_b().split(b"\x00\x00\x00\x01")[1:]
    sdp = _sdp(
        "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + ",".join(base64.b64encode(s).decode() for s in sets)
    )
    media = b"".join(
        bytes(packetize(unit.units).patched(channel=0, sequence=9 * number, timestamp=3600 * number, ssrc=1))
        for number, unit in enumerate(units)
    )
    peer = Peer(
        Script(
            twist(sdp) if what == "sdp" else sdp,
            lambda connection: connection.sendall(twist(media) if what == "packets" else media),
            twist=twist if what == "answer" else bytes,
        )
    )
    channel = LiveChannel(StreamState("a", "sub", Phase.CONNECTING, None, 0, 0, 0, ""))
    address = Address(peer.url, "admin", SecretStr(PASSWORD))
    limits = SessionLimits(silence_s=0.2, opening=OpenLimits(0.3, 0.1))
    begun = time.monotonic()
    try:
        ended = StreamSession("a", "sub", address, channel, limits=limits)._attempt()
    finally:
        peer.close()
    assert isinstance(ended, SessionFailed)
    assert time.monotonic() - begun < 10
    assert ended.detail
    assert "rtsp://" not in ended.detail
    assert "see the log" not in ended.detail, "an error that nobody foresaw"
    assert PASSWORD not in repr(ended)
