"""A whole dashboard over real sockets: uvicorn in a thread, a real Redis server, SQLite, real accounts."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from alerts import redis_server
from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect as connect_redis
from alerts.event import Event, Snapshot
from alerts.event_id import new_event_id
from alerts.health import HEALTH_KEY, CameraHealth
from alerts.storage.database import open_engine
from alerts.storage.evidence import EvidenceStore
from alerts.storage.revisions import RevisionStore
from alerts.storage.samples import SampleStore
from alerts.store import EventStore
from configs.desks import AlarmSettings, Desk, Reaction
from configs.loader import load, load_data
from configs.schema import Camera, Location, PatrolPlan, Region, RegionLevel, Settings, Severity, Site, StreamSettings
from configs.screens import WallScreen
from dashboard.access.passwords import Passwords
from dashboard.accounts import AccountStore
from dashboard.app import create_app
from dashboard.bus import open_redis
from dashboard.dependencies import Dependencies, Parts
from dashboard.patrol.log import VisitLog
from dashboard.policy import Role
from dashboard.scenes.store import SceneStore
from dashboard.screens.enrolment import Enrolment
from dashboard.serve import Server, bind, port_of
from ingest.state import Phase
from xueliang.demo.county import DESKS

PASSWORD = "correct horse battery"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = 10.0) -> None:
    """Waits for ``condition``, looking often."""
    end = time.monotonic() + deadline_s
    look = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        look.wait(0.01)


def wall_settings(slots: int = 2, dwell_s: float = 2.0) -> Settings:
    """A county with an east and a west town, a site each with two cameras."""
    towns = tuple(Region(id=name, name=name, level=RegionLevel.TOWN) for name in ("east", "west"))
    return Settings(
        regions=(Region(id="county", name="county", level=RegionLevel.COUNTY, children=towns),),
        sites=tuple(Site(id=f"site-{r}", name=r, region=r, location=Location(lat=1, lon=2)) for r in ("east", "west")),
        cameras=tuple(
            Camera(
                id=f"{region}-{number}",
                site=f"site-{region}",
                name=f"{region} {number}",
                main=StreamSettings(url="rtsp://10.9.8.7/main"),
            )
            for region in ("east", "west")
            for number in (1, 2)
        ),
        patrol=PatrolPlan(slots=slots, dwell_s=dwell_s),
        screens=(
            WallScreen(id="hall", name="大厅", regions=("county",)),
            WallScreen(id="east-hall", name="东厅", regions=("east",)),
        ),
    )


def desk_settings() -> Settings:
    """A desk for the county, where shift leaders are, one for the east and one for the west, where nobody is. High
    alarms escalate at once.
    """
    desks = (
        Desk(id="county-desk", name="县", regions=("county",), roles=("shift_leader",)),
        Desk(id="east-desk", name="东", regions=("east",), roles=("operator",)),
        Desk(id="west-desk", name="西", regions=("west",), accounts=("nobody",)),
    )
    alarms = AlarmSettings(reaction=Reaction(high=0.05))
    return wall_settings().model_copy(update={"desks": desks, "alarms": alarms})


def county_settings() -> Settings:
    """The example county, with its outlines."""
    return load(Path(__file__).parents[2] / "configs" / "examples" / "county.yaml", {})


def manned_settings() -> Settings:
    """The example county with the demo's desks."""
    return county_settings().model_copy(update={"desks": DESKS})


SETTINGS = {"": wall_settings, "desks": desk_settings, "county": county_settings, "manned": manned_settings}


@dataclass
class Feed:
    """A browser's side of the feed."""

    socket: ClientConnection
    last_id: str | None = None
    waiting: list[dict[str, Any]] = field(default_factory=list)

    async def next(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next item of that type (and these values), skipping others."""
        while True:
            while self.waiting:
                item = self.waiting.pop(0)
                if item["type"] == kind and all(item.get(name) == value for name, value in wanted.items()):
                    return item
            message = json.loads(await self.socket.recv())
            assert message["type"] in {"batch", "pong"}
            if message["type"] == "pong":
                self.waiting.append(message)
            else:
                self.last_id = message["last_id"] or self.last_id
                self.waiting += message["items"]


@dataclass
class Wall:
    """The running dashboard and what the other processes would do around it."""

    url: str
    settings: Settings
    store: EventStore
    accounts: AccountStore
    redis: Redis
    parts: Parts
    evidence: Path
    server: Server
    counter: Iterator[int] = field(default_factory=itertools.count)
    browsers: list[httpx.Client] = field(default_factory=list)

    def client(self, role: Role = Role.OPERATOR, regions: tuple[str, ...] = ("*",), login: bool = True) -> httpx.Client:
        """A browser, logged in with an account of its own."""
        client = httpx.Client(base_url=self.url, timeout=60)
        self.browsers.append(client)
        if login:
            username = f"{role.value}-{next(self.counter)}"
            self.accounts.add(username, PASSWORD, role, regions)
            client.post("/api/login", json={"username": username, "password": PASSWORD}).raise_for_status()
        return client

    def event(self, region: str = "east", number: int = 1, snapshot: Snapshot | None = None, **values: Any) -> Event:
        now = time.time()
        fields: dict[str, Any] = {
            "kind": "intrusion",
            "severity": Severity.HIGH,
            "rule_id": "r",
            "rule_name": "rule",
            "occurred_at": now,
            "detected_at": now,
            "measured": 6.2,
            "limit": 5.0,
            "unit": "s",
            "snapshot": snapshot,
            **values,
        }
        where = {"camera_id": f"{region}-{number}", "site_id": f"site-{region}", "region_id": region}
        return Event(id=new_event_id(), **where, **fields)

    def publish(self, event: Event, *, record: bool = True) -> str:
        """What the worker does, and the historian."""
        stream_id: Any = self.redis.xadd(EVENTS_KEY, {"type": "event", "data": event.model_dump_json()})
        if record:
            self.store.append([(stream_id.decode(), event)])
        text: str = stream_id.decode()
        return text

    def report(self, camera_id: str, at: float | None = None, **values: Any) -> None:
        """What the worker says of a camera."""
        now = time.time() if at is None else at
        values = {"phase": Phase.LIVE, "since": now, "detector": "yolox_nano_416", **values}
        health = CameraHealth(camera_id=camera_id, worker_id="w", at=now, **values)
        self.redis.hset(HEALTH_KEY, camera_id, health.model_dump_json())

    def socket(self, path: str, client: httpx.Client | None = None, **headers: str) -> connect:
        """A websocket with the client's cookie and this server's origin."""
        base = self.url.replace("http", "ws", 1)
        sent = {"Origin": self.url, **headers}
        if client is not None:
            sent["Cookie"] = f"xl_session={client.cookies['xl_session']}"
        return connect(
            base + path,
            additional_headers=sent,
            compression=None,
            proxy=None,
            max_queue=1,
            max_size=None,
            close_timeout=1,
        )

    @staticmethod
    async def close_code(socket: ClientConnection) -> int | None:
        """Reads what still comes until the server closes; why it did."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
        return socket.close_code

    @asynccontextmanager
    async def feed(self, client: httpx.Client, last_id: str | None = None) -> AsyncIterator[Feed]:
        query = "" if last_id is None else f"?last_id={last_id}"
        async with self.socket(f"/api/feed{query}", client) as socket:
            yield Feed(socket)


@dataclass
class RedisProcess:
    """A real server that a test may kill and start again over the same files."""

    launch: redis_server.RedisLaunch
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.launch.argv, env=self.launch.env, stdout=subprocess.DEVNULL)
        client = connect_redis(self.launch.url, name="test")
        redis_server.wait_ready(client, deadline_s=60, clock=time.monotonic, sleep=threading.Event().wait)
        client.close()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None


@pytest.fixture(scope="session")
def wall_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """One server for the session."""
    try:
        server = RedisProcess(redis_server.command(tmp_path_factory.mktemp("redis")))
    except redis_server.RedisServerError as error:
        pytest.skip(str(error))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def wall_store(tmp_path: Path) -> Iterator[tuple[EventStore, AccountStore]]:
    """A fresh SQLite database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'wall.db'}")
    store, accounts = EventStore(engine), AccountStore(engine, time.time, QUICK)
    store.migrate()
    accounts.migrate()
    EvidenceStore(store.engine).migrate()
    RevisionStore(store.engine).migrate()
    SceneStore(engine).migrate()
    SampleStore(engine).migrate()
    VisitLog(engine).migrate()
    Enrolment(engine).migrate()
    yield store, accounts
    engine.dispose()


@pytest.fixture
def wall(
    request: pytest.FixtureRequest,
    wall_redis: RedisProcess,
    wall_store: tuple[EventStore, AccountStore],
    tmp_path: Path,
) -> Iterator[Wall]:
    """A running dashboard over an empty Redis and an empty store; indirectly by another name of ``SETTINGS``."""
    store, accounts = wall_store
    redis = connect_redis(wall_redis.launch.url, name="test")
    redis.flushall()
    evidence = tmp_path / "evidence"
    deps = Dependencies(
        settings=SETTINGS[getattr(request, "param", "")](),
        store=store,
        accounts=accounts,
        redis=open_redis(wall_redis.launch.url),
        clock=time.time,
        evidence_dir=evidence,
        web_dist=tmp_path / "dist",
        version="1.2.3",
        owner="test",
        read_settings=partial(load_data, file=tmp_path / "node.yaml", environ={}),
    )
    app = create_app(deps)
    listening = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{port_of(listening)}"
    ready = threading.Event()
    server = Server(app, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert ready.wait(60), "the dashboard did not start"
    wait_until(app.state.parts.hub.answering.is_set, "the hub reads the stream")
    running = Wall(url, deps.settings, store, accounts, redis, app.state.parts, evidence, server)
    yield running
    for browser in running.browsers:
        browser.close()
    server.should_exit = True
    thread.join(60)
    assert not thread.is_alive(), "the dashboard did not stop"
    redis.close()
