"""A whole node on simulated cameras: the product's own processes, started as a user starts them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.storage.database import open_engine
from configs.loader import load
from configs.schema import Settings, StreamSettings
from dashboard.accounts import AccountStore
from dashboard.policy import Role
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource, Source, clips, scenes
from xueliang.demo.county import as_yaml, demo_settings
from xueliang.surroundings import database_url

ROOT = Path(__file__).parents[2]
VIDEO = ROOT.parent / "shared" / "video"
CACHE = ROOT / ".cache" / "test-video"
CAMERAS = 9
PASSWORD = "a-long-test-password"


@dataclass(frozen=True)
class RunningNode:
    """``wall`` and ``control`` are addresses; ``account`` may log in with :data:`PASSWORD`."""

    settings: Settings
    wall: str
    control: str
    process: subprocess.Popen[bytes]
    simulator: SimulatorThread
    account: str = "operator"

    def processes(self) -> dict[str, Any]:
        """What the supervisor says of each process."""
        answer = httpx.get(f"{self.control}/health", trust_env=False, timeout=5)
        processes: dict[str, Any] = answer.json()["processes"]
        return processes


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


def sources() -> list[Source]:
    """Real clips where there are enough of them, else drawn scenes."""
    found: list[Source] = []
    if VIDEO.is_dir():
        found = [ClipSource(clip.path, 20) for clip in clips(VIDEO)]
    return (found + list(scenes(CAMERAS)))[:CAMERAS]


@pytest.fixture(scope="session")
def cameras() -> Iterator[SimulatorThread]:
    """Nine cameras; their video is prepared once and kept."""
    small = Profiles(main=Profile(640, 360, Profiles().main.fps, 500_000))
    with SimulatorThread(
        [SimCamera(f"S{n}", one) for n, one in enumerate(sources())], CACHE, profiles=small
    ) as running:
        yield running


@pytest.fixture
def node(cameras: SimulatorThread, tmp_path: Path) -> Iterator[RunningNode]:
    """``xueliang up`` on the nine cameras, with an operator's account."""
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    streams = [
        (StreamSettings(url=cameras.url(f"S{n}", "main")), StreamSettings(url=cameras.url(f"S{n}", "sub")))
        for n in range(CAMERAS)
    ]
    settings = demo_settings(county, streams, state_dir=tmp_path / "state", port=0)
    settings.state_dir.mkdir()
    config = tmp_path / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    engine = open_engine(database_url(settings))
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    accounts.add("operator", PASSWORD, Role.OPERATOR, ("*",), "值班员")
    engine.dispose()
    with (tmp_path / "node.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config), "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (tmp_path / "node.log").read_text()[-3000:]
        told = json.loads(line)
        try:
            yield RunningNode(settings, told["wall"], told["control"], process, cameras)
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()
