"""Another revision of the settings reaches the cameras that it touches, and the others do not notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from alerts.redis_server import RedisLaunch
from configs.schema import Settings
from detect.detection import Detections
from detect.detector import Detector
from detect.factory import DetectorPlan
from ingest.frame import Picture
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from ingest.state import Phase
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare

NAMES = ("stays", "ruled", "moved", "gone", "new")


class Blind:
    """A detector that finds nothing."""

    labels = ("person",)
    model_id = "blind"

    def for_camera(self, camera_id: str) -> Detector:
        return self

    def detect(self, picture: Picture) -> Detections:
        return Detections.empty(picture.width, picture.height)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    small = Profile(160, 90, Fraction(8), 100_000, gop_s=1)
    scene = SceneSource(width=160, height=90, seconds=4)
    cameras = [SimCamera(name, scene) for name in NAMES]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("video"), profiles=Profiles(small, small)) as running:
        yield running


def settings_of(simulator: SimulatorThread, folder: Path, **cameras: dict[str, Any]) -> Settings:
    """One camera for each name, with what is given for it."""
    return Settings.model_validate(
        {
            "state_dir": folder,
            "regions": [{"id": "r", "name": "r", "level": "county"}],
            "sites": [{"id": "s", "name": "s", "region": "r", "location": {"lat": 31.6, "lon": 118.3}}],
            "cameras": [
                {"id": name, "site": "s", "name": name, "main": {"url": simulator.url(name)}, **more}
                for name, more in cameras.items()
            ],
        }
    )


def wait(condition: Callable[[], bool], what: str) -> None:
    deadline, never = time.monotonic() + 60, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, what
        never.wait(0.02)


def test_a_revision_touches_its_cameras_and_no_other(
    redis: RedisLaunch, simulator: SimulatorThread, tmp_path: Path
) -> None:
    plan = DetectorPlan("model", "blind", ("person",), 1, None, Blind, sha256="00" * 32)
    before = settings_of(simulator, tmp_path, stays={}, ruled={}, moved={}, gone={})
    node = WorkerNode(
        "follower", before, before.cameras, plan, SecretStr(redis.url), pytest.fail, share=MachineShare(2), revision=1
    )
    client = connect(redis.url, name="test")
    board = HealthBoard(client)
    node.start("http://127.0.0.1:1")
    try:
        wait(lambda: all(each.health()["analysed"] > 2 for each in node.ingests.values()), "all are analysed")
        ingests = dict(node.ingests)
        yard = {"id": "yard", "name": "院", "polygon": [(0, 0), (1, 0), (1, 1)]}
        rule = {"id": "in", "kind": "intrusion", "name": "入侵", "zone": "yard", "min_height": 0.1}
        after = settings_of(
            simulator,
            tmp_path,
            stays={"name": "另名"},
            ruled={"zones": [yard], "rules": [rule]},
            moved={"main": {"url": simulator.url("moved"), "transport": "udp"}},
            new={},
        )
        wait(lambda: all(each.state.phase is Phase.LIVE for each in ingests.values()), "all are live")
        before_it = {name: ingests[name].health() for name in ("stays", "ruled")}
        node.follow(after, after.cameras, 2)
        assert list(node.ingests) == [camera.id for camera in after.cameras]

        for name in ("stays", "ruled"):
            assert node.ingests[name] is ingests[name]
        assert node.ingests["moved"] is not ingests["moved"]
        wait(lambda: all(each.health()["analysed"] > 2 for each in node.ingests.values()), "the new ones are, too")
        for name in ("stays", "ruled"):
            seen = before_it[name]
            wait(lambda: ingests[name].health()["received"] > seen["received"] + 8, f"{name} goes on")  # noqa: B023
            assert ingests[name].health()["since"] == seen["since"], f"{name} has been live all the time"

        def told() -> bool:
            info, health = board.read_workers()["follower"], board.read_health()
            return info.revision == 2 and info.cameras == tuple(node.ingests) and {"new", "moved"} <= health.keys()

        wait(told, "the worker tells its cameras")
        assert "gone" not in board.read_health()
        account = node.ledger.account("gone")
        assert account.received == account.analysed + sum(account.dropped.values()) + account.in_flight
    finally:
        node.stop()
        client.close()


def test_after_its_stop_nothing_is_followed(redis: RedisLaunch, simulator: SimulatorThread, tmp_path: Path) -> None:
    plan = DetectorPlan("model", "blind", ("person",), 1, None, Blind, sha256="00" * 32)
    settings = settings_of(simulator, tmp_path, stays={})
    node = WorkerNode("late", settings, (), plan, SecretStr(redis.url), pytest.fail, share=MachineShare(2))
    node.start("http://127.0.0.1:1")
    node.stop()
    node.follow(settings, settings.cameras, 9)
    assert not node.ingests
