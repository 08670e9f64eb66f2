from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ingest.simulator.camera import PortError, SimCamera
from ingest.simulator.control import ControlServer
from ingest.simulator.encode import Profiles
from ingest.simulator.server import Simulator
from ingest.simulator.source import SceneSource


@pytest.fixture
async def control_client(
    sim_source: SceneSource, sim_profiles: Profiles, sim_cache: Path
) -> AsyncIterator[httpx.AsyncClient]:
    cameras = [SimCamera("C1", sim_source, "admin", "s3cret"), SimCamera("C2", sim_source)]
    async with (
        Simulator(cameras, sim_cache, profiles=sim_profiles) as simulator,
        ControlServer(simulator) as control,
        httpx.AsyncClient(base_url=control.url, trust_env=False) as client,
    ):
        yield client


async def test_cameras_are_listed_without_credentials(control_client: httpx.AsyncClient) -> None:
    reply = await control_client.get("/cameras")
    first, second = reply.json()["cameras"]
    assert (first["id"], second["id"]) == ("C1", "C2")
    assert first["fault"] == "none"
    assert first["ready"]
    assert first["urls"]["sub"].startswith("rtsp://127.0.0.1:")
    assert set(first["streams"]) == {"main", "sub"}
    assert "s3cret" not in reply.text


async def test_a_fault_is_switched_and_told(control_client: httpx.AsyncClient) -> None:
    reply = await control_client.put("/cameras/C2/fault", json={"fault": "unreachable"})
    assert (reply.status_code, reply.json()["fault"]) == (200, "unreachable")
    assert (await control_client.get("/cameras/C2")).json()["fault"] == "unreachable"
    assert (await control_client.get("/cameras/C1")).json()["fault"] == "none"
    assert (await control_client.put("/cameras/C2/fault", json={"fault": "none"})).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/cameras/C9/fault", b'{"fault": "frozen"}', 404, "unknown_camera"),
        ("/cameras/C1/fault", b'{"fault": "asleep"}', 422, "unsupported_fault"),
        ("/cameras/C1/fault", b'{"fault": 3}', 400, "bad_request"),
        ("/cameras/C1/fault", b"[]", 400, "bad_request"),
        ("/cameras/C1/fault", b"\xff{", 400, "bad_request"),
        ("/cameras/C1/fault", b" " * 5000, 413, "too_large"),
    ],
)
async def test_what_cannot_be_done_is_told(
    control_client: httpx.AsyncClient, path: str, body: bytes, status: int, code: str
) -> None:
    reply = await control_client.put(path, content=body)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["action"]


async def test_a_request_for_another_host_is_refused(control_client: httpx.AsyncClient) -> None:
    assert (await control_client.get("/cameras", headers={"Host": "evil.example"})).status_code == 400


async def test_a_taken_control_port_is_named(sim_source: SceneSource, tmp_path: Path) -> None:
    async with Simulator([], tmp_path) as simulator, ControlServer(simulator) as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(PortError, match=f"control port {port}"):
            async with ControlServer(simulator, port):
                pass
