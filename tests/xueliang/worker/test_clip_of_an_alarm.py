"""From a camera to evidence: a worker that records around alarms tells of the clip of its alarm, and the clip plays."""

from __future__ import annotations

import hashlib
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pydantic import SecretStr

from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.event import Event
from alerts.recording.evidence import Evidence
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
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare


class Watchman:
    """A detector that sees somebody from the ``since``-th picture on."""

    labels = ("person",)
    model_id = "watchman"

    def __init__(self, since: int) -> None:
        self._left = since

    def for_camera(self, camera_id: str) -> Detector:
        return self

    def detect(self, picture: Picture) -> Detections:
        self._left -= 1
        if self._left > 0:
            return Detections.empty(picture.width, picture.height)
        box = np.array([[0.4, 0.3, 0.6, 0.8]]) * ([picture.width, picture.height] * 2)
        one = np.ones(1, np.float32)
        return Detections(box.astype(np.float32), one, np.zeros(1, np.int16), picture.width, picture.height)


def _settings(url: str, folder: Path, reserve_gb: float = 0) -> Settings:
    camera = {
        "id": "gate-1",
        "site": "s",
        "name": "gate",
        "main": {"url": url},
        "detection": {"fps": 8},
        "zones": [{"id": "all", "name": "all", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}],
        "rules": [{"id": "in", "kind": "intrusion", "name": "in", "zone": "all", "dwell_s": 0.2}],
    }
    return Settings.model_validate(
        {
            "state_dir": folder,
            "regions": [{"id": "r", "name": "r", "level": "county"}],
            "sites": [{"id": "s", "name": "s", "region": "r", "location": {"lat": 31.6, "lon": 118.3}}],
            "cameras": [camera],
            "recording": {"default": {"mode": "events"}, "pre_roll_s": 1.5, "post_roll_s": 1, "reserve_gb": reserve_gb},
        }
    )


def _entries(client: Any) -> dict[str, bytes]:
    return {fields[b"type"].decode(): fields[b"data"] for _, fields in client.xrange(EVENTS_KEY)}


def _told_of_an_alarm(redis: RedisLaunch, folder: Path, reserve_gb: float) -> tuple[dict[str, bytes], WorkerNode]:
    """Entries by type, once there is word of evidence, and the worker, stopped."""
    profile = Profile(320, 180, Fraction(16), 200_000, gop_s=1)
    plan = DetectorPlan("model", "watchman", ("person",), 1, None, lambda: Watchman(24), sha256="00" * 32, input=None)
    client, never = connect(redis.url, name="test"), threading.Event()
    client.flushall()
    camera = SimCamera("gate-1", SceneSource(width=320, height=180, seconds=4))
    with SimulatorThread([camera], folder / "video", profiles=Profiles(profile, profile)) as simulator:
        settings = _settings(simulator.url("gate-1", "main"), folder, reserve_gb)
        url = SecretStr(redis.url)
        node = WorkerNode("recorder", settings, settings.cameras, plan, url, pytest.fail, share=MachineShare(2))
        node.start("http://127.0.0.1:1")
        try:
            until = time.monotonic() + 60
            while "evidence" not in _entries(client):
                assert time.monotonic() < until, "no word of a clip"
                never.wait(0.05)
            told = _entries(client)
        finally:
            node.stop()
            client.close()
    return told, node


def test_a_full_disk_stops_no_alarm_and_its_evidence_says_why_there_is_none(redis: RedisLaunch, tmp_path: Path) -> None:
    told, node = _told_of_an_alarm(redis, tmp_path, reserve_gb=1e9)  # more than any disk has free
    event, evidence = Event.model_validate_json(told["event"]), Evidence.model_validate_json(told["evidence"])
    assert (evidence.event_id, evidence.path, evidence.missing) == (event.id, None, "disk_full")
    status = node.recordings.status()
    assert status is not None
    assert status.warning == "full"
    assert not list((tmp_path / "recordings").glob("*/*.mp4"))


def test_an_alarm_has_a_clip_that_covers_it(redis: RedisLaunch, tmp_path: Path) -> None:
    told, node = _told_of_an_alarm(redis, tmp_path, reserve_gb=0)
    event, evidence = Event.model_validate_json(told["event"]), Evidence.model_validate_json(told["evidence"])
    assert (evidence.event_id, evidence.missing) == (event.id, None)
    assert evidence.path is not None
    assert evidence.begins_at is not None
    assert evidence.ends_at is not None
    assert evidence.begins_at <= event.occurred_at - 1.4
    assert evidence.ends_at >= event.occurred_at + 0.9
    path = tmp_path / "evidence" / evidence.path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == evidence.sha256
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) / 16 == pytest.approx(evidence.ends_at - evidence.begins_at, abs=0.2)
    # Before it nothing was recorded, although all of it was looked at.
    assert node.recordings.archive.find("gate-1", 0, event.occurred_at - 3.5) == []
