from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import PortError, SimCamera
from ingest.simulator.encode import Profiles
from ingest.simulator.fault import UnsupportedFaultError
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.server import Simulator, UnknownCameraError
from ingest.simulator.source import ClipSource, SceneSource, SourceError

Connect = Callable[[str], Any]


def test_an_unreachable_camera_refuses_connections_cuts_sessions_and_comes_back_on_its_port(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    url = simulator.url("open")
    client = rtsp_connect(url)
    client.play()
    simulator.set_fault("open", "unreachable")
    assert client.closed()
    with pytest.raises(ConnectionRefusedError):
        rtsp_connect(url)
    simulator.set_fault("open", "none")
    assert simulator.url("open") == url
    assert rtsp_connect(url).play().status == 200


def test_a_camera_whose_credentials_changed_refuses_the_old_ones_and_cuts_sessions(
    simulator: SimulatorThread, rtsp_connect: Connect, sign_digest: Callable[..., str]
) -> None:
    playing = rtsp_connect(simulator.url("open"))
    playing.play()
    for camera in ("open", "digest"):
        simulator.set_fault(camera, "refused")
        client = rtsp_connect(simulator.url(camera))
        challenge = client.ask("DESCRIBE").one("www-authenticate")
        signed = sign_digest(challenge, "DESCRIBE", client.url)
        assert client.ask("DESCRIBE", Authorization=signed).status == 401
    assert playing.closed()
    simulator.set_fault("digest", "none")
    healed = rtsp_connect(simulator.url("digest"))
    challenge = healed.ask("DESCRIBE").one("www-authenticate")
    assert healed.ask("DESCRIBE", Authorization=sign_digest(challenge, "DESCRIBE", healed.url)).status == 200


def test_a_frozen_camera_keeps_its_session_and_answers_while_nothing_comes(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    client = rtsp_connect(simulator.url("open"))
    client.play()
    simulator.set_fault("open", "frozen")
    assert client.ask("GET_PARAMETER").status == 200  # passes over what was under way
    client.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.packet()
    late = rtsp_connect(simulator.url("open"))
    assert late.play().status == 200, "who comes meanwhile is let in, and gets nothing either"
    simulator.set_fault("open", "none")
    while (packet := late.packet()).channel:
        pass
    assert packet.nal_type == 7, "goes on with a key frame"


def test_a_flapping_camera_cuts_each_session_and_takes_the_next(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    running = rtsp_connect(simulator.url("flappy"))
    running.play()
    simulator.set_fault("flappy", "flapping")
    assert running.closed()
    for _ in range(2):
        again = rtsp_connect(simulator.url("flappy"))
        assert again.play().status == 200
        assert again.closed()
    simulator.set_fault("flappy", "none")
    healed = rtsp_connect(simulator.url("flappy"))
    healed.play()
    assert simulator.report("flappy")["cut_sessions"] >= 3


def test_garbled_packets_flow_and_do_not_decode(simulator: SimulatorThread) -> None:
    def decoded(packets: int) -> int:
        with av.open(simulator.url("open"), options={"rtsp_transport": "tcp"}, timeout=(5.0, 5.0)) as container:
            pictures, context = 0, container.streams.video[0].codec_context
            for number, packet in enumerate(container.demux(video=0)):
                if number == packets:
                    return pictures
                try:
                    pictures += len(context.decode(packet))
                except av.InvalidDataError:
                    continue
        return pictures

    assert decoded(12) >= 8
    simulator.set_fault("open", "garbled")
    assert decoded(12) == 0


def test_a_fault_of_no_such_name_is_refused(simulator: SimulatorThread) -> None:
    with pytest.raises(UnsupportedFaultError, match="'sulking' is unknown; there are none, frozen"):
        simulator.set_fault("open", "sulking")
    with pytest.raises(UnknownCameraError, match="there are open, digest"):
        simulator.set_fault("C9", "frozen")


def test_the_report_counts_what_was_sent_and_holds_no_password(
    simulator: SimulatorThread, rtsp_connect: Connect
) -> None:
    client = rtsp_connect(simulator.url("open", "sub"))
    before = simulator.report("open")["streams"]["sub"]
    client.play()
    client.packet()
    report = simulator.report("open")
    after = report["streams"]["sub"]
    assert after["viewers"] == before["viewers"] + 1
    assert after["frames"] > before["frames"]
    assert after["packets"] - before["packets"] >= after["frames"] - before["frames"]
    assert report["urls"]["sub"] == simulator.url("open", "sub")
    assert "s3cret" not in str(simulator.report("digest")) + repr(SimCamera("x", SceneSource(), "admin", "s3cret"))


class _SlowSource:
    """Gives its pictures when it may."""

    title = "slow"

    def __init__(self) -> None:
        self.go = threading.Event()

    def identity(self) -> str:
        return "slow"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        self.go.wait(30)
        yield from SceneSource(kind=SceneKind.YARD, width=160, height=90, seconds=1).pictures(fps, width, height)


async def test_a_ready_camera_serves_while_another_is_being_prepared(
    sim_profiles: Profiles, sim_source: SceneSource, tmp_path: Path, sim_cache: Path
) -> None:
    slow, ready = _SlowSource(), asyncio.Event()
    cameras = [SimCamera("slow", slow), SimCamera("quick", sim_source)]
    simulator = Simulator(
        cameras,
        sim_cache,
        profiles=sim_profiles,
        workers=2,
        on_ready=lambda camera: ready.set() if camera == "quick" else None,
    )
    await simulator.open()
    try:
        await asyncio.wait_for(ready.wait(), 60)
        assert await _describe(simulator.url("quick")) == 200
        assert await _describe(simulator.url("slow")) == 503
        slow.go.set()
        await asyncio.wait_for(simulator.ready(), 60)
        assert await _describe(simulator.url("slow")) == 200
    finally:
        slow.go.set()
        await simulator.close()


async def _describe(url: str) -> int:
    host, port = url.removeprefix("rtsp://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def test_stopping_ends_preparation_and_leaves_no_half_written_file(tmp_path: Path) -> None:
    simulator = Simulator(
        [SimCamera("C1", SceneSource(kind=SceneKind.YARD, width=320, height=180, seconds=600))], tmp_path
    )
    await simulator.open()
    await simulator.close()
    assert list(tmp_path.iterdir()) == []


async def test_a_taken_port_is_named(tmp_path: Path, sim_source: SceneSource) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"camera C1: 127.0.0.1:{port} .*choose another port"):
            async with Simulator([SimCamera("C1", sim_source, port=port)], tmp_path):
                pass


async def test_a_clip_that_is_none_stops_the_start_by_name(tmp_path: Path) -> None:
    clip = tmp_path / "notes.mp4"
    clip.write_text("no video")
    with pytest.raises(SourceError, match=r"notes\.mp4"):
        async with Simulator([SimCamera("C1", ClipSource(clip))], tmp_path / "cache"):
            pass


def test_ids_must_differ(tmp_path: Path, sim_source: SceneSource) -> None:
    with pytest.raises(ValueError, match="repeat"):
        Simulator([SimCamera("C1", sim_source), SimCamera("C1", sim_source)], tmp_path)
