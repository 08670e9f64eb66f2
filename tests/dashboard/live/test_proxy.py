"""Live tiles and lines over real websockets, against a worker that comes, goes and is slow."""

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
        self.cameras: tuple[str, ...] = ("east-1",)
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
        info = WorkerInfo(url=f"http://127.0.0.1:{port}", pid=1, started_at=time.time(), cameras=worker.cameras)
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


def wish(n: int, camera_id: str | None, form: str = "live") -> str:
    return json.dumps({"type": "watch", "n": n, "camera_id": camera_id, "stream": "sub", "form": form})


async def until_watching(socket: Any, n: int) -> None:
    """Passes over what still comes of the wish before."""
    while True:
        message = await socket.recv()
        if isinstance(message, str) and json.loads(message) == {"v": 1, "type": "watching", "n": n}:
            return


async def test_a_line_shows_what_was_asked_for_last_and_nothing_where_nothing_is_asked_for(wall: Any) -> None:
    worker = Worker()
    worker.cameras = ("east-1", "east-2")
    async with running(wall, worker), wall.socket("/api/live", wall.client()) as socket:
        for n, (camera, form) in enumerate([("east-1", "live"), ("east-2", "live"), ("east-1", "pictures")]):
            await socket.send(wish(n, camera, form))
            await until_watching(socket, n)
            assert await socket.recv() == STATE
            assert await socket.recv() == bytes(range(256))
            assert worker.paths[-1] == f"/{form}/{camera}?stream=sub"
            await until(lambda: len(worker.watching) == 1)  # who showed the camera before has been left
        await socket.send(wish(3, None))
        await until(lambda: not worker.watching and wall.parts.live.open == 0)
        await socket.send(wish(4, "east-2"))
        await until_watching(socket, 4)
    await until(lambda: wall.parts.live.open == 0)


async def test_a_line_asks_for_the_right_to_each_camera(wall: Any) -> None:
    client = wall.client(regions=("west",))
    async with running(wall, Worker()), wall.socket("/api/live", client) as socket:
        await socket.send(wish(0, "west-1"))
        await until_watching(socket, 0)
        await socket.send(wish(1, "east-1"))
        assert await wall.close_code(socket) == 4403
    async with wall.socket("/api/live", client) as socket:
        await socket.send(wish(0, "nowhere"))
        assert await wall.close_code(socket) == 4404
    async with wall.socket("/api/live") as socket:
        assert await wall.close_code(socket) == 4401
    assert wall.parts.live.open == 0


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        ([b"\x00"], 1003, "no page sends bytes"),
        (["{}"], 1008, "nothing that a page says"),
        ([wish(1, None), wish(1, None)], 1008, "out of order"),
        (["x" * 2000], 1009, "longer than any wish"),
    ],
)
async def test_a_line_that_says_what_no_page_says_is_closed_and_counted(
    wall: Any, said: list[str | bytes], code: int, why: str
) -> None:
    async with wall.socket("/api/live", wall.client()) as socket:
        for message in said:
            await socket.send(message)
        assert await wall.close_code(socket) == code, why
    assert wall.parts.live.refused == 1


async def test_a_line_ends_with_its_session_asked_or_not(wall: Any) -> None:
    client = wall.client()
    async with wall.socket("/api/live", client) as socket:
        await socket.send(wish(0, None))
        await asyncio.to_thread(client.post, "/api/logout")
        assert await wall.close_code(socket) == 4401
