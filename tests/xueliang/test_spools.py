"""Fewer workers than before: what the one that is gone had reported lies with who holds its cameras."""

from __future__ import annotations

from pathlib import Path

from alerts.delivery.spool import Spool
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from configs.schema import Camera, Severity, StreamSettings
from xueliang import spools
from xueliang.assignment import assign, write


def _camera(name: str) -> Camera:
    return Camera(id=name, site="s", name=name, main=StreamSettings(url="rtsp://10.9.8.7/main"))


def _candidate(camera: str) -> Candidate:
    event = Event(
        id=new_event_id(),
        kind="intrusion",
        severity=Severity.HIGH,
        camera_id=camera,
        site_id="s",
        region_id="r",
        rule_id="in",
        rule_name="in",
        occurred_at=1.0,
        detected_at=1.0,
        measured=1,
        limit=1,
        unit="objects",
    )
    return Candidate(event=event, dedup_key=event.id, window_s=30)


def _waiting(folder: Path) -> list[str]:
    spool = Spool(folder)
    spool.close()
    return [kept.candidate.event.camera_id for kept in spool.read(spool.unsettled())]


def test_spools_follow_the_cameras(tmp_path: Path) -> None:
    cameras = [_camera("a"), _camera("b"), _camera("c")]
    for each in assign(cameras, 2):
        write(tmp_path / "assignments", each)
        spool = Spool(tmp_path / "spool" / each.worker_id)
        spool.keep([_candidate(name) for name in each.cameras])
        spool.close()
    spools.follow(tmp_path, assign(cameras, 2))
    assert _waiting(tmp_path / "spool" / "worker-2") == ["b"], "nothing has changed"
    one = assign(cameras, 1)
    spools.follow(tmp_path, one)
    assert _waiting(tmp_path / "spool" / "worker-1") == ["a", "c", "b"]
    assert not list((tmp_path / "spool" / "worker-2").glob("*.spool"))
    write(tmp_path / "assignments", one[0])
    spools.follow(tmp_path, assign(cameras, 3))
    assert [_waiting(tmp_path / "spool" / f"worker-{n}") for n in (1, 2, 3)] == [["a"], ["b"], ["c"]]


def test_a_spool_that_cannot_be_read_stops_no_start(tmp_path: Path) -> None:
    (tmp_path / "spool" / "worker-2").mkdir(parents=True)
    (tmp_path / "spool" / "worker-2" / "000000000001.spool").mkdir()
    spools.follow(tmp_path, assign([_camera("a")], 1))
