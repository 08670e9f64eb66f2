"""Peers that do not behave: what they are is said within five seconds, memory stays flat, good cameras go on."""

from __future__ import annotations

import base64
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ingest.live import LiveChannel
from ingest.packet import AccessUnit
from ingest.rtsp.address import Address, OpenLimits, SessionFailed
from ingest.rtsp.session import SessionLimits, StreamSession
from ingest.simulator.rtsp.rtp import packetize
from ingest.state import Fault, Phase, StreamState
from tests.ingest.peer import Peer, Script, rtp_packet, sdp_of

Until = Callable[[Callable[[], object], float, str], float]
StartRig = Callable[..., Any]
EncodeUnits = Callable[..., list[AccessUnit]]

PASSWORD = "s3cret-of-the-peer"


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


def _noise() -> bytes:
    numbers = random.Random(7)
    return b"".join(rtp_packet(numbers.randbytes(1200), n, n * 3600, marker=True) for n in range(20))


def _endless_picture() -> Callable[[], bytes]:
    """Fragments of one NAL unit that never ends."""
    counter = iter(range(1 << 30))

    def more() -> bytes:
        return b"".join(rtp_packet(b"\x7c\x05" + bytes(1300), next(counter) & 0xFFFF) for _ in range(50))

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
    "describes sound only": (
        Script(sdp_of(media="audio 0 RTP/AVP 96", codec="L16/8000")),
        Fault.UNREACHABLE,
        "no video",
    ),
    "describes another codec": (Script(sdp_of(codec="VP8/90000")), Fault.UNREACHABLE, "only H.264 and H.265"),
    "describes nothing": (Script(b"\x00" * 100), Fault.UNREACHABLE, ""),
    "lies about a body": (
        Script(twist=lambda answer: answer.replace(b"Content-Length: 0", b"Content-Length: 999999999")),
        Fault.UNREACHABLE,
        "",
    ),
    "lies about its parameter sets": (
        Script(sdp_of("a=fmtp:96 packetization-mode=1;sprop-parameter-sets=////,AAAA"), _repeat(_noise)),
        Fault.GARBLED,
        "",
    ),
    "plays noise between frames": (
        Script(sdp_of(), _repeat(lambda: random.Random(3).randbytes(999))),
        Fault.FROZEN,
        "",
    ),
    "plays and sends nothing": (Script(sdp_of(), _hold), Fault.FROZEN, ""),
    "never ends a picture": (Script(sdp_of(), _repeat(_endless_picture(), 0.01)), Fault.UNREACHABLE, "in time"),
}


def test_each_is_named_and_nothing_else_suffers(
    start_peer: Callable[[Script], Peer],
    start_gst: Callable[..., Any],
    start_rig: StartRig,
    until: Until,
) -> None:
    good = start_rig(Address(start_gst().url))
    until(lambda: good.phase() is Phase.LIVE, 60, "the good camera is not live")
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

    until(look, 60, "")
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


def test_noise_without_end_from_a_camera_that_was_trusted_is_cut_off(
    encode_units: EncodeUnits, start_peer: Callable[[Script], Peer], start_rig: StartRig, until: Until
) -> None:
    units = encode_units(30)
    connections = iter(range(1000))

    def play(connection: socket.socket) -> None:
        for number, unit in enumerate(units):
            packets = packetize(unit.units).patched(channel=0, sequence=9 * number, timestamp=3600 * number, ssrc=1)
            connection.sendall(bytes(packets))
            threading.Event().wait(0.04)
        if next(connections) == 0:
            while True:
                connection.sendall(random.Random(3).randbytes(999))

    sets = units[0].parameters.annex_b().split(b"\x00\x00\x00\x01")[1:]
    sprop = ",".join(base64.b64encode(each).decode() for each in sets)
    peer = start_peer(Script(sdp_of(f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}"), play))
    limits = SessionLimits(silence_s=0.5, trusted_s=0.4, cut_s=0.5, opening=OpenLimits(1.0, 0.3))
    rig = start_rig(Address(peer.url), limits)
    until(lambda: rig.phase() is Phase.LIVE, 60, "no picture came")
    until(lambda: rig.phase() is Phase.STALE, 60, "the noise is not noticed")
    until(lambda: rig.phase() is Phase.LIVE, 60, "the camera is not tried again")
    assert rig.session.counts().sessions >= 2
    assert any("cut off" in state.detail for state in rig.states)


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
    sdp = sdp_of(
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
