"""Recordings and clips over HTTP: rights before bytes, ranges, reasons, and a worker that is away."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from alerts.health import HealthBoard, WorkerInfo
from alerts.recording.evidence import Evidence
from alerts.storage.evidence import EvidenceStore
from dashboard.policy import Role

SPAN = {"from": 1.0, "to": 3.0}


class Worker:
    """The private port of a worker that holds east-1, as far as recordings go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        place = "/recordings/{camera_id}"
        app = Starlette(
            routes=[
                Route(place, self._spans),
                Route(f"{place}/video", self._video),
                Route(f"{place}/locks", self._lock, methods=["POST"]),
                Route(f"{place}/locks/{{lock_id}}", self._unlock, methods=["DELETE"]),
            ]
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[self._listener])), daemon=True
        )
        self._thread.start()

    async def _spans(self, request: Request) -> Response:
        self.asked.append(("GET", str(request.query_params), b""))
        gap = {"begins_at": 2.0, "ends_at": 3.0, "cause": "restart"}
        span = {"begins_at": 1.0, "ends_at": 2.0, "width": 320, "height": 180, "bytes": 9}
        return JSONResponse({"camera_id": "x", "from": 1.0, "to": 3.0, "spans": [span], "gaps": [gap], "locks": []})

    async def _video(self, request: Request) -> Response:
        if float(request.query_params["from"]) > 100:
            return JSONResponse({"error": {"code": "not_recorded", "message": "Nothing is recorded."}}, 404)
        headers = {"x-begins-at": "0.5", "x-ends-at": "3.5"}
        return StreamingResponse(iter([b"init", b"fragment"]), media_type="video/mp4", headers=headers)

    async def _lock(self, request: Request) -> Response:
        body = await request.body()
        self.asked.append(("POST", "", body))
        return Response(body, 201, media_type="application/json")

    async def _unlock(self, request: Request) -> Response:
        return JSONResponse({"error": {"code": "unknown_lock", "message": "There is no such lock."}}, 404)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(60)
        self._listener.close()


@pytest.fixture
def worker(wall: Any) -> Iterator[Worker]:
    running = Worker()
    info = WorkerInfo(url=running.url, pid=1, started_at=time.time(), cameras=("east-1",))
    HealthBoard(wall.redis).register("w", info)
    yield running
    running.stop()


def test_what_is_recorded_passes_who_may_see_it(wall: Any, worker: Worker) -> None:
    client = wall.client(role=Role.ANALYST)
    told = client.get("/api/recordings/east-1", params=SPAN).raise_for_status().json()
    assert told["spans"][0]["bytes"] == 9
    assert told["gaps"] == [{"begins_at": 2.0, "ends_at": 3.0, "cause": "restart"}]
    video = client.get("/api/recordings/east-1/video", params=SPAN).raise_for_status()
    assert video.content == b"initfragment"
    assert (video.headers["content-type"], video.headers["x-begins-at"]) == ("video/mp4", "0.5")
    missing = client.get("/api/recordings/east-1/video", params={"from": 101, "to": 102})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_recorded")


@pytest.mark.parametrize("path", ["", "/video"])
def test_rights_come_before_bytes(wall: Any, worker: Worker, path: str) -> None:
    url = f"/api/recordings/east-1{path}"
    assert wall.client(role=Role.WALL_SCREEN).get(url, params=SPAN).status_code == 403
    assert wall.client(regions=("west",)).get(url, params=SPAN).status_code == 404
    assert wall.client().get("/api/recordings/nowhere" + path, params=SPAN).status_code == 404
    assert wall.client().get(url, params={"from": 3, "to": 1}).status_code == 422
    assert worker.asked == []


def test_a_worker_that_is_away_is_told(wall: Any) -> None:
    answer = wall.client().get("/api/recordings/east-1", params=SPAN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "worker_away")
    gone = WorkerInfo(url="http://127.0.0.1:1", pid=1, started_at=1.0, cameras=("east-1",))
    HealthBoard(wall.redis).register("w", gone)
    for path in ("", "/video"):
        assert wall.client().get(f"/api/recordings/east-1{path}", params=SPAN).status_code == 503


def test_a_lock_carries_who_and_why_and_is_on_record(wall: Any, worker: Worker) -> None:
    leader = wall.client(role=Role.SHIFT_LEADER)
    asked = {"begins_at": 1.0, "ends_at": 2.0, "reason": "case 7"}
    made = leader.post("/api/recordings/east-1/locks", json=asked)
    assert made.status_code == 201
    assert (made.json()["reason"], made.json()["by"]) == ("case 7", leader.get("/api/me").json()["username"])
    assert wall.client(role=Role.OPERATOR).post("/api/recordings/east-1/locks", json=asked).status_code == 403
    assert leader.post("/api/recordings/east-1/locks", json=asked | {"reason": " "}).status_code == 422
    assert leader.post("/api/recordings/east-1/locks", json=asked | {"ends_at": 0}).status_code == 422
    assert leader.delete("/api/recordings/east-1/locks/l9").status_code == 404
    lines = leader.get("/api/audit").json()["lines"]
    assert [(line["target"], line["detail"]) for line in lines if line["action"] == "recording.lock"] == [
        ("east-1", "case 7")
    ]


@pytest.fixture
def clip(wall: Any, wall_store: Any, tmp_path: Path) -> tuple[str, bytes]:
    """An event with its clip."""
    event = wall.event("east")
    wall.publish(event)
    film = bytes(range(256)) * 8
    (tmp_path / "evidence" / "clips").mkdir(parents=True)
    (tmp_path / "evidence" / "clips" / "one.mp4").write_bytes(film)
    store = EvidenceStore(wall_store[0].engine)
    kept = Evidence(
        event_id=event.id, camera_id="east-1", path="clips/one.mp4", sha256="ab" * 32, begins_at=1.0, bytes=2048
    )
    store.append([kept])
    return event.id, film


def test_a_clip_answers_whole_and_in_ranges(wall: Any, clip: tuple[str, bytes]) -> None:
    event_id, film = clip
    client: httpx.Client = wall.client()
    assert client.get(f"/api/events/{event_id}/evidence").json()["bytes"] == 2048
    whole = client.get(f"/api/events/{event_id}/clip")
    assert (whole.content, whole.headers["content-type"], whole.headers["accept-ranges"]) == (
        film,
        "video/mp4",
        "bytes",
    )
    part = client.get(f"/api/events/{event_id}/clip", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, film[100:200])
    assert wall.client(regions=("west",)).get(f"/api/events/{event_id}/clip").status_code == 404


def test_why_there_is_no_clip_is_told(wall: Any, wall_store: Any, clip: tuple[str, bytes], tmp_path: Path) -> None:
    client, store = wall.client(), EvidenceStore(wall_store[0].engine)
    (tmp_path / "evidence" / "clips" / "one.mp4").unlink()
    assert client.get(f"/api/events/{clip[0]}/clip").json()["error"]["code"] == "clip_gone"
    event = wall.event("east")
    wall.publish(event)
    assert client.get(f"/api/events/{event.id}/clip").json()["error"]["code"] == "no_clip"
    assert client.get(f"/api/events/{event.id}/evidence").json() is None
    store.append([Evidence(event_id=event.id, camera_id="east-1", missing="disk_full")])
    assert client.get(f"/api/events/{event.id}/clip").json()["error"]["message"] == "not kept: disk full"
    store.append([Evidence(event_id=event.id, camera_id="east-1", path="../secret.mp4", sha256="0" * 64)])
    assert client.get(f"/api/events/{event.id}/clip").json()["error"]["code"] == "clip_gone"
