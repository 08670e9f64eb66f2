"""Live tiles over real websockets, against a worker that comes, goes and is slow."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from alerts.health import WORKERS_KEY, WorkerInfo

STATE = json.dumps({"v": 1, "type": "state", "camera_id": "east-1", "phase": "live"})


@pytest.fixture(autouse=True)
async def deadline() -> Any:
    async with asyncio.timeout(60):
        yield


class Worker:
    """The worker's private port: sends what it is told to, and knows who watches."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.watching: set[ServerConnection] = set()
        self.sent = 0
        self.flood = b""

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.watching.add(socket)
        try:
            await socket.send(STATE)
            await socket.send(bytes(range(256)))
            while self.flood:
                await socket.send(self.flood)
                self.sent += 1
            await socket.wait_closed()
        except ConnectionClosed:
            return
        finally:
            self.watching.discard(socket)


@asynccontextmanager
async def running(wall: Any, worker: Worker, name: str = "w1") -> AsyncIterator[Server]:
    async with serve(worker.handle, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        info = WorkerInfo(url=f"http://127.0.0.1:{port}", pid=1, started_at=time.time(), cameras=("east-1",))
        wall.redis.hset(WORKERS_KEY, name, info.model_dump_json())
        yield server


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def first_from_worker(socket: Any) -> list[str]:
    """The details told on the way, up to the worker's first own message."""
    details: list[str] = []
    while True:
        message = json.loads(await socket.recv())
        if message == json.loads(STATE):
            return details
        assert (message["type"], message["phase"], message["worker"]) == ("state", "offline", False)
        details.append(message["detail"])


async def test_both_kinds_of_messages_pass_unread(wall: Any) -> None:
    worker = Worker()
    async with running(wall, worker), wall.socket("/api/live/east-1?stream=main", wall.client()) as socket:
        assert await socket.recv() == STATE
        assert await socket.recv() == bytes(range(256))
    assert worker.paths == ["/live/east-1?stream=main"]


async def test_when_the_browser_leaves_so_does_its_connection_to_the_worker(wall: Any) -> None:
    worker = Worker()
    async with running(wall, worker):
        async with wall.socket("/api/live/east-1", wall.client()) as socket:
            await socket.recv()
            assert len(worker.watching) == 1
        await until(lambda: not worker.watching)
        await until(lambda: wall.parts.live.open == 0)


async def test_a_restarted_worker_heals_without_a_reload(wall: Any) -> None:
    client = wall.client()
    async with wall.socket("/api/live/east-1", client) as socket:
        assert json.loads(await socket.recv())["detail"] == "worker silent"
        async with running(wall, Worker()):
            await first_from_worker(socket)
            assert isinstance(await socket.recv(), bytes)
        async with running(wall, Worker(), "w2"):
            assert "worker silent" in await first_from_worker(socket)


async def test_a_silent_worker_is_told_from_a_lost_connection(wall: Any) -> None:
    async with running(wall, Worker()), wall.socket("/api/live/east-1", wall.client()) as socket:
        assert await socket.recv() == STATE
        await socket.recv()
        assert json.loads(await socket.recv())["type"] == "beat"
        assert json.loads(await socket.recv())["type"] == "beat"


async def test_a_logged_out_tile_closes_and_an_unknown_camera_is_told(wall: Any) -> None:
    client = wall.client()
    async with running(wall, Worker()), wall.socket("/api/live/east-1", client) as socket:
        await socket.recv()
        async with wall.socket("/api/live/nowhere", client) as unknown:
            assert await wall.close_code(unknown) == 4404
        await asyncio.to_thread(client.post, "/api/logout")
        assert await wall.close_code(socket) == 4401


async def test_a_camera_elsewhere_is_not_shown(wall: Any) -> None:
    async with running(wall, Worker()), wall.socket("/api/live/east-1", wall.client(regions=("west",))) as socket:
        assert await wall.close_code(socket) == 4403


async def test_a_browser_that_does_not_drain_holds_the_worker_back_and_not_others(wall: Any) -> None:
    worker = Worker()
    worker.flood = b"x" * 1_000_000
    client = wall.client()
    async with running(wall, worker), wall.socket("/api/live/east-1", client) as stuck:
        await stuck.recv()
        quiet, last = 0, -1
        while quiet < 20:  # the flood stands still once every bounded buffer is full
            quiet, last = (quiet + 1, last) if worker.sent == last else (0, worker.sent)
            await asyncio.to_thread(client.get, "/api/me")
        assert worker.sent < 60
        async with wall.socket("/api/live/east-1", client) as other:
            assert await other.recv() == STATE
        stuck.transport.abort()
        await until(lambda: wall.parts.live.open == 0 and not worker.watching)


async def test_a_browser_that_takes_nothing_is_let_go(wall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard.live import proxy

    monkeypatch.setattr(proxy.LiveTile.__init__, "__defaults__", (asyncio.sleep, 0.3))
    worker = Worker()
    worker.flood = b"x" * 1_000_000
    async with running(wall, worker), wall.socket("/api/live/east-1", wall.client()) as stuck:
        await until(lambda: wall.parts.live.too_slow == 1)
        await until(lambda: not worker.watching)
        stuck.transport.abort()
