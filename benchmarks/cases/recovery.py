"""``recovery``: each process of a running node is killed with SIGKILL; how long until people are served again?

Timed from the signal to the moment the service works from a user's view: pictures come again through the dashboard
(worker), an event that happens now stands in the history (historian), one is delivered to an open page (redis), and a
page's login, feed and live picture carry again (dashboard). The figure is the worst of the rounds; the waits between
restarts grow with each round, as they do for a process that keeps dying.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from websockets.sync.client import ClientConnection, connect

from alerts.bus import EventBus
from alerts.delivery import connection
from alerts.delivery.publisher import Publisher
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from alerts.storage.database import open_engine
from benchmarks.report import Case, Figure, Report
from configs.loader import load
from configs.schema import Settings, Severity, StreamSettings
from dashboard.accounts import AccountStore
from dashboard.policy import Role
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import scenes
from xueliang.demo.county import as_yaml, demo_settings
from xueliang.preflight import free_ports
from xueliang.surroundings import database_url

CAMERAS = 2
ROUNDS = 3
GOAL_S = 10.0
GIVE_UP_S = 60.0
PASSWORD = "benchmark-password"
ROOT = Path(__file__).parents[2]
CACHE = ROOT / "benchmarks" / "results" / "cache"


def run(quick: bool, workdir: Path) -> Report:
    """Kill every process three times, or once where ``quick``."""
    rounds = 1 if quick else ROUNDS
    report = Report(
        "recovery",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{CAMERAS} cameras, each process killed {rounds} times",
    )
    cameras = [SimCamera(f"R{index}", source) for index, source in enumerate(scenes(CAMERAS))]
    main = Profile(640, 360, Profiles().main.fps, 500_000)
    with SimulatorThread(cameras, CACHE, profiles=Profiles(main=main)) as simulator:
        streams = [
            (StreamSettings(url=simulator.url(each.id, "main")), StreamSettings(url=simulator.url(each.id, "sub")))
            for each in cameras
        ]
        with _node(streams, workdir) as user:
            measures: dict[str, Callable[[], float]] = {
                "worker": user.worker,
                "historian": user.historian,
                "redis": user.redis,
                "dashboard": user.dashboard,
            }
            for name, measure in measures.items():
                report.samples[name] = [measure() for _ in range(rounds)]
                report.figures[f"recovery_s_{name}"] = Figure(round(max(report.samples[name]), 2), "s", "lower", GOAL_S)
    if sys.dont_write_bytecode:
        report.notes.append(
            "PYTHONDONTWRITEBYTECODE is set: every start compiles what was not compiled when it was installed"
        )
    return report


@dataclass
class User:
    """Somebody who is logged in, and the means to kill what serves them. Each measure returns seconds."""

    settings: Settings
    wall: str
    control: str
    client: httpx.Client
    publisher: Publisher

    def worker(self) -> float:
        """Until a picture of the new worker comes through the dashboard."""
        with self._socket(f"live/{self.settings.cameras[0].id}") as live:
            _pictures(live)
            killed = self._kill("worker-1")
            _pictures(live)
            took_s = time.monotonic() - killed
        return self._settled("worker", took_s)

    def historian(self) -> float:
        """Until an event that happened after the kill stands in the history."""
        killed = self._kill("historian")
        event = self._happening()
        _until(lambda: self.client.get(f"/api/events/{event}").status_code == 200, "the event stored")
        return self._settled("historian", time.monotonic() - killed)

    def redis(self) -> float:
        """Until an event that happened after the kill is delivered to a page that was open all the time."""
        with self._socket("feed") as feed:
            feed.recv(timeout=GIVE_UP_S)  # hello
            killed = self._kill("redis")
            _delivered(feed, self._happening())
            took_s = time.monotonic() - killed
        return self._settled("redis", took_s)

    def dashboard(self) -> float:
        """Until the same login is good, the feed brings what happened meanwhile, and pictures come."""
        with self._socket("feed") as feed:
            last_id = json.loads(feed.recv(timeout=GIVE_UP_S))["last_id"]
        killed = self._kill("dashboard")
        event = self._happening()
        _until(lambda: self.client.get("/api/me").status_code == 200, "the login good again")

        with self._socket(f"feed?last_id={last_id}") as feed:
            _delivered(feed, event)
            with self._socket(f"live/{self.settings.cameras[0].id}") as live:
                _pictures(live)
                took_s = time.monotonic() - killed
        return self._settled("dashboard", took_s)

    def _kill(self, name: str) -> float:
        processes = httpx.get(f"{self.control}/health", trust_env=False).json()["processes"]
        killed = time.monotonic()
        os.kill(processes[name]["pid"], signal.SIGKILL)
        return killed

    def _settled(self, name: str, took_s: float) -> float:
        """``took_s``, once the supervisor too has seen that all is well: the next measure begins from rest."""

        def well() -> bool:
            health = httpx.get(f"{self.control}/health", trust_env=False).json()
            return bool(health["status"] == "ok")

        _until(well, f"{name} ready after its kill")
        return took_s

    def _happening(self) -> str:
        """Something happens now; returns the event's id. It goes the way that a worker's events go."""
        camera, now = self.settings.cameras[0], time.time()
        site = next(site for site in self.settings.sites if site.id == camera.site)
        event = Event(
            id=new_event_id(),
            kind="intrusion",
            severity=Severity.LOW,
            camera_id=camera.id,
            site_id=site.id,
            region_id=site.region,
            rule_id="benchmark",
            rule_name="benchmark",
            occurred_at=now,
            detected_at=now,
            measured=1,
            limit=0,
            unit="s",
        )
        self.publisher.submit([Candidate(event=event, dedup_key=event.id, window_s=1)])
        return event.id

    def _socket(self, path: str) -> ClientConnection:
        return connect(
            f"{self.wall.replace('http', 'ws', 1)}/api/{path}",
            additional_headers={"cookie": f"xl_session={self.client.cookies['xl_session']}"},
            compression=None,
            max_size=None,
            max_queue=None,  # with a bounded one, pictures that nobody reads stand in the way of the close
            proxy=None,
        )


def _pictures(live: ClientConnection) -> None:
    """Read until a new stream has begun (its parameters are told) and has brought a picture."""
    binaries: int | None = None
    while binaries is None or binaries < 2:  # the init segment, and a picture
        message = live.recv(timeout=GIVE_UP_S)
        if isinstance(message, bytes):
            binaries = None if binaries is None else binaries + 1
        elif json.loads(message)["type"] == "init":
            binaries = 0


def _delivered(feed: ClientConnection, event_id: str) -> None:
    """Read the feed until it brings this event."""
    while True:
        items = json.loads(feed.recv(timeout=GIVE_UP_S))["items"]
        if any(item["type"] == "event" and item["row"]["id"] == event_id for item in items):
            return


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while True:
        try:
            if condition():
                return
        except (httpx.HTTPError, OSError):
            pass  # not yet: asked again until the deadline
        if time.monotonic() > deadline:
            raise RuntimeError(f"recovery: {what}: not within {GIVE_UP_S:g} s")
        time.sleep(0.02)


@contextmanager
def _node(streams: Sequence[tuple[StreamSettings, StreamSettings]], workdir: Path) -> Iterator[User]:
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    settings = demo_settings(county, streams, state_dir=workdir / "state", port=free_ports(1)[0])
    settings.state_dir.mkdir()
    config = workdir / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    engine = open_engine(database_url(settings))
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    accounts.add("operator", PASSWORD, Role.OPERATOR, ("*",), "operator")
    engine.dispose()
    with (workdir / "node.log").open("wb") as log:
        node = subprocess.Popen(
            [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config), "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
        try:
            assert node.stdout is not None
            line = node.stdout.readline()
            if not line:
                raise RuntimeError(f"the node did not start: {(workdir / 'node.log').read_text('utf-8')[-500:]}")
            told = json.loads(line)
            server = connection.connect(f"unix://{settings.state_dir / 'redis' / 'redis.sock'}", name="benchmark")
            publisher = Publisher(EventBus(server))
            threading.Thread(target=publisher.run, name="publish", daemon=True).start()
            with httpx.Client(base_url=told["wall"], trust_env=False, timeout=10) as client:
                answer = client.post("/api/login", json={"username": "operator", "password": PASSWORD})
                answer.raise_for_status()
                yield User(settings, told["wall"], told["control"], client, publisher)
            publisher.stop(flush_s=0.5)
        finally:
            node.terminate()
            node.wait(15)


RECOVERY = Case("recovery", "each process killed with SIGKILL: how long until people are served again?", run)
