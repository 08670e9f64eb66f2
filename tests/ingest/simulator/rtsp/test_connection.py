from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from ingest.simulator.background import SimulatorThread

TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"
Connect = Callable[[str], Any]


def test_options_needs_no_login_and_names_every_method(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("digest"))
    public = client.ask("OPTIONS").one("public")
    assert set(public.split(", ")) == {"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"}


def test_describe_tells_codec_size_and_parameter_sets(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    answer = rtsp_connect(simulator.url("open", "sub")).ask("DESCRIBE", Accept="application/sdp")
    sdp = answer.body.decode()
    assert answer.one("content-base") == simulator.url("open", "sub") + "/"
    assert answer.one("content-type") == "application/sdp"
    for part in (
        "m=video 0 RTP/AVP 96",
        "H264/90000",
        "packetization-mode=1",
        "profile-level-id=",
        "sprop-parameter-sets=",
    ):
        assert part in sdp
    assert "a=framerate:12.5" in sdp


def test_play_begins_with_a_report_and_the_packet_that_rtp_info_announced(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    client = rtsp_connect(simulator.url("open"))
    info = dict(part.split("=", 1) for part in client.play("2-3").one("rtp-info").split(";"))
    report, first = client.packet(), client.packet()
    assert (report.channel, report.payload[1]) == (3, 200)
    assert first.channel == 2
    assert (first.sequence, first.timestamp) == (int(info["seq"]), int(info["rtptime"]))
    assert info["url"] == simulator.url("open") + "/trackID=0"
    assert [first.nal_type, client.packet().nal_type, client.packet().nal_type] == [7, 8, 5]
    assert struct.unpack(">I", report.payload[16:20])[0] == first.timestamp


def test_get_parameter_keeps_a_session_and_teardown_ends_it(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("open"))
    client.play()
    assert client.ask("GET_PARAMETER").status == 200
    assert client.ask("TEARDOWN").status == 200
    assert client.ask("GET_PARAMETER").status == 454
    assert client.ask("OPTIONS", Session="").status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "why"),
    [
        ("DESCRIBE", "/third", {}, 404, "no such stream"),
        ("DESCRIBE", "/main/trackID=0", {}, 404, "a track is not described"),
        ("SETUP", "/main/trackID=7", {"Transport": TCP}, 404, "no such track"),
        ("DESCRIBE", "/main", {"Accept": "text/html"}, 406, "no such description"),
        ("SETUP", "/main", {"Transport": "RTP/AVP;multicast"}, 461, "multicast"),
        ("SETUP", "/main", {"Transport": "RTP/AVP;unicast"}, 461, "UDP to no port"),
        ("SETUP", "/main", {"Transport": "RTP/AVP;unicast;client_port=99999"}, 400, "no such port"),
        ("SETUP", "/main", {}, 461, "no transport named"),
        ("SETUP", "/main", {"Transport": "RTP/AVP/TCP;interleaved=1-1"}, 400, "one channel for both"),
        ("SETUP", "/main", {"Transport": TCP, "Session": "123"}, 454, "an unknown session"),
        ("PLAY", "/main", {}, 454, "no session yet"),
        ("PLAY", "/main", {"Session": "123"}, 454, "an unknown session"),
        ("TEARDOWN", "/main", {"Session": "123"}, 454, "an unknown session"),
        ("GET_PARAMETER", "/main", {"Session": "123"}, 454, "an unknown session"),
        ("PAUSE", "/main", {}, 501, "live video is not paused"),
        ("RECORD", "/main", {}, 501, "cameras are not recorded to"),
        ("DESCRIBE", "/main", {"Require": "com.example"}, 551, "an unknown option"),
    ],
)
def test_what_cannot_be_done_is_told_by_its_status_and_the_connection_goes_on(
    simulator: SimulatorThread,
    rtsp_connect: Connect,
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
    why: str,
) -> None:
    root = simulator.url("open").removesuffix("/main")
    client = rtsp_connect(root + path)
    assert client.ask(method, **headers).status == status, why
    assert client.ask("OPTIONS").status == 200


def test_a_playing_session_is_not_set_up_again_and_holds_one_stream(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    client = rtsp_connect(simulator.url("open"))
    setup = client.ask("SETUP", Transport=TCP)
    client.session = setup.one("session").partition(";")[0]
    assert client.ask("SETUP", simulator.url("open", "sub"), Transport=TCP).status == 459
    assert client.ask("PLAY").status == 200
    assert client.ask("SETUP", Transport=TCP).status == 455
    assert client.ask("PLAY").status == 200, "a live stream goes on"


def test_a_request_without_cseq_is_answered_400(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("open"))
    client.socket.sendall(b"OPTIONS * RTSP/1.0\r\n\r\n")
    assert client.answer().status == 400
    assert client.ask("OPTIONS").status == 200


def test_nonsense_is_answered_and_ends_the_connection(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("open"))
    client.socket.sendall(b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n")
    assert client.answer().status == 400
    assert client.closed()


@pytest.mark.parametrize(
    ("camera", "algorithms"), [("digest", ["MD5"]), ("sha", ["SHA-256"]), ("both", ["SHA-256", "MD5"])]
)
def test_digest_lets_in_who_knows_the_password(
    simulator: SimulatorThread,
    rtsp_connect: Connect,
    sign_digest: Callable[..., str],
    camera: str,
    algorithms: list[str],
) -> None:
    client = rtsp_connect(simulator.url(camera))
    refused = client.ask("DESCRIBE")
    challenges = refused.headers["www-authenticate"]
    assert refused.status == 401
    assert [one for one in algorithms if any(f"algorithm={one}" in c for c in challenges)] == algorithms
    for challenge in challenges:
        signed = sign_digest(challenge, "DESCRIBE", client.url)
        assert client.ask("DESCRIBE", Authorization=signed).status == 200
        wrong = sign_digest(challenge, "DESCRIBE", client.url, password="guess")
        assert client.ask("DESCRIBE", Authorization=wrong).status == 401


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"])
def test_every_method_but_options_asks_for_credentials(
    simulator: SimulatorThread, rtsp_connect: Connect, method: str
) -> None:
    assert rtsp_connect(simulator.url("digest")).ask(method, Transport=TCP).status == 401


def test_an_old_nonce_is_told_stale(
    simulator: SimulatorThread, rtsp_connect: Connect, sign_digest: Callable[..., str]
) -> None:
    client = rtsp_connect(simulator.url("aged"))
    challenge = client.ask("DESCRIBE").one("www-authenticate")
    assert "stale" not in challenge
    again = client.ask("DESCRIBE", Authorization=sign_digest(challenge, "DESCRIBE", client.url))
    assert again.status == 401
    assert "stale=true" in again.one("www-authenticate")


def test_a_silent_client_loses_its_session(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("short"))
    client.play()
    assert client.closed()
    assert simulator.report("short")["connections"] == 0


def test_receiver_reports_keep_a_session(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    client = rtsp_connect(simulator.url("short"))
    client.play()
    assert client.packet().channel == 1
    first = client.packet().timestamp
    report = b"$\x01\x00\x08" + struct.pack(">BBHI", 0x80, 201, 1, 7)
    played = 0
    while played < 3 * 90_000:  # the first GOP, up to 2 s of it, comes at once
        packet = client.packet()
        if packet.channel == 0:
            played = (packet.timestamp - first) % 2**32
            client.socket.sendall(report)
    assert client.ask("GET_PARAMETER").status == 200


def test_a_connection_too_many_is_turned_away_and_counted(simulator: SimulatorThread, rtsp_connect: Connect) -> None:
    first = rtsp_connect(simulator.url("narrow"))
    assert first.ask("OPTIONS").status == 200
    second = rtsp_connect(simulator.url("narrow"))
    assert second.answer().status == 503
    assert simulator.report("narrow")["refused_connections"] == 1
    assert first.ask("OPTIONS").status == 200
