"""A whole node on simulated cameras: the product's own processes, started as a user starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from alerts.storage.database import open_engine
from configs.loader import load
from configs.schema import IntrusionRule, Settings, Severity, StreamSettings, Zone
from dashboard.accounts import AccountExists, AccountStore
from dashboard.policy import Role
from ingest.simulator.background import SimulatorThread
from ingest.simulator.source import ClipSource, Source, clips, scenes
from xueliang.demo.county import TRAFFIC, as_yaml, demo_settings
from xueliang.surroundings import database_url

ROOT = Path(__file__).parents[2]
VIDEO = ROOT.parent / "shared" / "video"
CACHE = ROOT / ".cache" / "test-video"
ACCOUNT = "operator"
PASSWORD = "a-long-test-password"
REARM_S = 6.0
"""A rule of the test's county is armed again after so long, so that something happens all the time."""
PICTURE = Zone(id="picture", name="画面", polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
ANYBODY = IntrusionRule(
    id="anybody", kind="intrusion", name="有人或车", severity=Severity.MEDIUM, zone=PICTURE.id, classes=TRAFFIC
)


@dataclass(frozen=True)
class RunningNode:
    """``wall`` and ``control`` are addresses; :data:`ACCOUNT` may log in with :data:`PASSWORD`."""

    settings: Settings
    wall: str
    control: str
    supervisor: subprocess.Popen[bytes]

    def processes(self) -> dict[str, Any]:
        """What the supervisor says of each process."""
        answer = httpx.get(f"{self.control}/health", trust_env=False, timeout=60)
        processes: dict[str, Any] = answer.json()["processes"]
        return processes

    def pids(self) -> list[int]:
        """The supervisor and all of its processes."""
        tree = psutil.Process(self.supervisor.pid)
        return [tree.pid, *(child.pid for child in tree.children(recursive=True))]

    def kill(self, name: str, seconds: float = 30) -> None:
        """``kill -9``; returns when the supervisor has a new one that serves."""
        before = self.processes()[name]
        os.kill(before["pid"], signal.SIGKILL)

        def back() -> bool:
            now = self.processes()[name]
            return now["pid"] not in (None, before["pid"]) and now["trouble"] is None

        wait_for(back, seconds, f"{name} back after kill -9")

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Logged in."""
        with httpx.Client(base_url=self.wall, trust_env=False, timeout=60) as client:
            client.post("/api/login", json={"username": ACCOUNT, "password": PASSWORD}).raise_for_status()
            yield client


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The condition's first true value. Looks again and again until ``seconds`` have passed, then fails by name."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if value := condition():
                return value
        except (httpx.HTTPError, OSError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        threading.Event().wait(0.05)  # between two looks; the answer comes from the condition


def wait_gone(pids: Sequence[int], seconds: float) -> None:
    """Return when none of these processes runs any more."""

    def left() -> list[int]:
        return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]

    def gone() -> bool:
        try:
            return not left()
        except psutil.NoSuchProcess:
            return False

    wait_for(gone, seconds, f"processes {left()} gone")


def stored(client: httpx.Client) -> list[dict[str, Any]]:
    """Every event of the history, newest first, page by page as the history page asks."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get("/api/events", params={"limit": 200, **({"cursor": cursor} if cursor else {})})
        page.raise_for_status()
        rows += page.json()["rows"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return rows


def sources(count: int) -> list[Source]:
    """Real clips where there are enough of them, else drawn scenes."""
    found: list[Source] = []
    if VIDEO.is_dir():
        found = [ClipSource(clip.path, 20) for clip in clips(VIDEO)]
    return (found + list(scenes(count)))[:count]


def county(cameras: SimulatorThread, ids: Sequence[str], state_dir: Path) -> Settings:
    """The demo's county on these simulated cameras, with one rule more each, all of them armed again soon."""
    example = load(ROOT / "configs" / "examples" / "county.yaml", {})
    streams = [
        (StreamSettings(url=cameras.url(each, "main")), StreamSettings(url=cameras.url(each, "sub"))) for each in ids
    ]
    settings = demo_settings(example, streams, state_dir=state_dir, port=0)
    armed = tuple(
        camera.model_copy(
            update={
                "zones": (*camera.zones, PICTURE),
                "rules": tuple(rule.model_copy(update={"rearm_s": REARM_S}) for rule in (*camera.rules, ANYBODY)),
            }
        )
        for camera in settings.cameras
    )
    return settings.model_copy(update={"cameras": armed, "workers": 2})


def prepare(settings: Settings, folder: Path) -> Path:
    """Write the settings and make the account; returns the settings file."""
    settings.state_dir.mkdir(exist_ok=True)
    config = folder / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    account(settings, ACCOUNT, Role.OPERATOR, "值班员")
    return config


def account(settings: Settings, username: str, role: Role, display_name: str = "") -> None:
    """Somebody who may log in with :data:`PASSWORD`, everywhere."""
    engine = open_engine(database_url(settings))
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    with suppress(AccountExists):  # a second start on the same folder
        accounts.add(username, PASSWORD, role, ("*",), display_name or username)
    engine.dispose()


@contextmanager
def running(settings: Settings, folder: Path) -> Iterator[RunningNode]:
    """``xueliang up`` until the block ends; its log is ``folder/node.log``."""
    config = prepare(settings, folder)
    with (folder / "node.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config), "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
        assert supervisor.stdout is not None
        try:
            line = supervisor.stdout.readline()
            assert line, (folder / "node.log").read_text()[-3000:]
            told = json.loads(line)
            yield RunningNode(settings, told["wall"], told["control"], supervisor)
        finally:
            supervisor.terminate()
            supervisor.wait(60)
            supervisor.stdout.close()
