"""A worker put together: what its detector needs decides which stream is looked at, and who reads health is told."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from alerts.redis_server import RedisLaunch
from configs.schema import Camera, CameraDetection, Region, RegionLevel, Settings, Site, StreamSettings
from detect.detection import Detections
from detect.detector import Detector
from detect.factory import DetectorPlan
from ingest.frame import Picture
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from models.manifest import Fit, ModelInput
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare

MAIN, SUB = (320, 180), (160, 90)


class Blind:
    """A detector that finds nothing, and remembers what it was shown."""

    labels = ("person",)
    model_id = "blind"

    def __init__(self) -> None:
        self.sizes: set[tuple[int, int]] = set()

    def for_camera(self, camera_id: str) -> Detector:
        return self

    def detect(self, picture: Picture) -> Detections:
        self.sizes.add((picture.width, picture.height))
        return Detections.empty(picture.width, picture.height)


def test_the_stream_is_chosen_by_the_models_input(redis: RedisLaunch, tmp_path: Path) -> None:
    profiles = Profiles(Profile(*MAIN, Fraction(8), 200_000, gop_s=1), Profile(*SUB, Fraction(8), 100_000, gop_s=1))
    scene = SceneSource(width=320, height=180, seconds=4)
    blind = Blind()
    model_input = ModelInput(name="images", width=416, height=416, colour="bgr", fit=Fit.TOP_LEFT)
    plan = DetectorPlan("model", "blind", ("person",), 1, None, lambda: blind, sha256="00" * 32, input=model_input)
    with SimulatorThread([SimCamera("gate-1", scene)], tmp_path / "video", profiles=profiles) as simulator:
        camera = Camera(
            id="gate-1",
            site="s",
            name="gate",
            main=StreamSettings(url=simulator.url("gate-1", "main")),
            sub=StreamSettings(url=simulator.url("gate-1", "sub")),
            detection=CameraDetection(fps=4),
        )
        settings = Settings(
            state_dir=tmp_path,
            regions=(Region(id="r", name="r", level=RegionLevel.COUNTY),),
            sites=(
                Site.model_validate({"id": "s", "name": "s", "region": "r", "location": {"lat": 31.6, "lon": 118.3}}),
            ),
            cameras=(camera,),
        )
        node = WorkerNode(
            "chooser", settings, settings.cameras, plan, SecretStr(redis.url), pytest.fail, share=MachineShare(2)
        )
        client = connect(redis.url, name="test")
        node.start("http://127.0.0.1:1")
        try:
            deadline, never = time.monotonic() + 60, threading.Event()
            while MAIN not in blind.sizes or HealthBoard(client).read_health()["gate-1"].stream != "main":
                assert time.monotonic() < deadline, "main is not analysed"
                never.wait(0.02)
        finally:
            node.stop()
            client.close()
    assert blind.sizes == {SUB, MAIN}
