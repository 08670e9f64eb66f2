"""A worker with more cameras than its detector can carry: who was promised most keeps it, and every frame is booked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from alerts.redis_server import RedisLaunch
from configs.schema import Camera, CameraDetection, Priority, Region, RegionLevel, Settings, Site, StreamSettings
from detect.detection import Detections
from detect.detector import Detector
from detect.factory import DetectorPlan
from ingest.frame import Picture
from ingest.gating.budget import LEVELS
from ingest.gating.level import Level
from ingest.ledger import Account, DropCause
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import scenes
from xueliang.worker.capacity import CapacityFinder
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare

FPS = 4.0
HIGH = ("high-0", "high-1")
LOW = tuple(f"low-{n}" for n in range(6))
INFERENCE_S = 0.05  # 20 a second, where 8 are promised to the high and 24 to the low
WINDOW_S = 6.0


class Slow:
    """A detector that takes its time and no processor."""

    labels = ("person",)
    model_id = "slow"

    def for_camera(self, camera_id: str) -> Detector:
        return self

    def detect(self, picture: Picture) -> Detections:
        threading.Event().wait(INFERENCE_S)
        return Detections.empty(picture.width, picture.height)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    profiles = Profiles(
        Profile(320, 180, Fraction(8), 200_000, gop_s=1), Profile(160, 90, Fraction(8), 100_000, gop_s=1)
    )
    source = next(iter(scenes(1)))
    cameras = [SimCamera(name, source) for name in (*HIGH, *LOW)]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("video"), profiles=profiles) as running:
        yield running


def _settings(simulator: SimulatorThread, state_dir: Path) -> Settings:
    def camera(name: str) -> Camera:
        priority = Priority.HIGH if name in HIGH else Priority.LOW
        return Camera(
            id=name,
            site="s",
            name=name,
            main=StreamSettings(url=simulator.url(name, "main")),
            sub=StreamSettings(url=simulator.url(name, "sub")),
            detection=CameraDetection(fps=FPS, priority=priority),
        )

    return Settings(
        state_dir=state_dir,
        regions=(Region(id="r", name="r", level=RegionLevel.COUNTY),),
        sites=(Site.model_validate({"id": "s", "name": "s", "region": "r", "location": {"lat": 31.6, "lon": 118.3}}),),
        cameras=tuple(camera(name) for name in (*HIGH, *LOW)),
    )


def _wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.02)


def _booked(accounts: dict[str, Account]) -> bool:
    return all(
        each.received == each.analysed + sum(each.dropped.values()) + each.in_flight and 0 <= each.in_flight <= 3
        for each in accounts.values()
    )


def test_the_high_keep_their_rate_and_the_low_yield_evenly(
    simulator: SimulatorThread, redis: RedisLaunch, tmp_path: Path
) -> None:
    # It waits, as for an accelerator: its processor time says nothing.
    plan = DetectorPlan(
        "model", "slow", ("person",), 1, None, Slow, sha256="00" * 32, sessions_asked=True, accelerator="cuda"
    )
    settings = _settings(simulator, tmp_path)
    node = WorkerNode("w", settings, settings.cameras, plan, SecretStr(redis.url), pytest.fail, share=MachineShare(2))
    assert CapacityFinder(plan, node.stage, MachineShare(2), tmp_path).measured() is not None
    node.start("http://127.0.0.1:1")
    try:
        _wait(
            lambda: (
                node.overload.admission is not None and all(node.ingests[name].level is not Level.FULL for name in LOW)
            ),
            30,
            "the low cameras gave up nothing",
        )
        before, began = node.ledger.snapshot(), time.monotonic()
        _wait(lambda: time.monotonic() - began >= WINDOW_S or not _booked(node.ledger.snapshot()), 30, "time stands")
        after = node.ledger.snapshot()
        elapsed = time.monotonic() - began
        assert _booked(after)
        admission = node.overload.admission
        assert admission is not None
        assert admission.load_all == pytest.approx(32 * INFERENCE_S, rel=0.2)
        client = connect(redis.url, name="test")
        told = HealthBoard(client).read_health()
        depths = [LEVELS.index(told[name].level) for name in LOW]
        assert max(depths) - min(depths) <= 1
        assert min(depths) > LEVELS.index(told[HIGH[0]].level) == LEVELS.index(told[HIGH[1]].level)
        assert HealthBoard(client).read_workers()["w"].admission is not None
        client.close()
    finally:
        node.stop()
    rate = {name: (after[name].analysed - before[name].analysed) / elapsed for name in after}
    assert all(rate[name] >= 0.85 * FPS for name in HIGH), rate
    assert all(rate[name] <= 0.75 * FPS for name in LOW), rate
    assert sum(rate[name] for name in LOW) >= 0.5 * len(LOW), "what is left is theirs"
    assert all(after[name].dropped.get(DropCause.SHED, 0) > 0 for name in LOW)
    for account in node.ledger.snapshot().values():
        assert account.received == account.analysed + sum(account.dropped.values())
