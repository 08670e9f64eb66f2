"""Events over HTTP: pages, rights, pictures, and who was first."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from alerts.event import Snapshot
from alerts.health import Admission, Fallback, WorkerInfo
from configs.schema import SCENES_ONLY
from dashboard.policy import Role
from models.manifest import shipped_manifest


def ids(response: httpx.Response) -> list[str]:
    return [row["id"] for row in response.raise_for_status().json()["rows"]]


def test_pages_newest_first_until_the_end(wall: Any) -> None:
    made = [wall.event(occurred_at=1000.0 + number) for number in range(5)]
    for event in made:
        wall.publish(event)
    client = wall.client()
    first = client.get("/api/events?limit=2").json()
    assert first["total"] == 5
    rest = client.get("/api/events", params={"limit": 10, "cursor": first["next_cursor"]})
    assert [row["id"] for row in first["rows"]] + ids(rest) == [event.id for event in reversed(made)]
    assert rest.json()["next_cursor"] is None
    assert client.get("/api/events?cursor=nonsense").json()["error"]["code"] == "bad_cursor"


def test_filters_meet_the_accounts_regions(wall: Any) -> None:
    east, west = wall.event("east"), wall.event("west", kind="crowding", unit="objects")
    wall.publish(east)
    wall.publish(west)
    everywhere, only_east, nowhere = wall.client(), wall.client(regions=("east",)), wall.client(regions=())
    assert set(ids(everywhere.get("/api/events?region=county"))) == {east.id, west.id}
    assert ids(everywhere.get("/api/events?region=west")) == [west.id]
    assert ids(everywhere.get("/api/events?kind=crowding&kind=line_crossing")) == [west.id]
    assert ids(everywhere.get("/api/events?camera=east-1&state=new&severity=high")) == [east.id]
    assert ids(only_east.get("/api/events?region=county")) == [east.id]
    assert ids(only_east.get("/api/events?region=west")) == []
    assert ids(nowhere.get("/api/events")) == []
    assert only_east.get(f"/api/events/{west.id}").status_code == 404
    assert only_east.post(f"/api/events/{west.id}/acknowledge").status_code == 404
    # Which bucket is a matter of the hour: at its end the event and the question may stand in two.
    buckets = only_east.get("/api/events/histogram").json()["buckets"]
    assert [bucket["counts"] for bucket in buckets if bucket["counts"]] == [{"intrusion": 1}]


def test_the_histogram_is_bounded_and_covers_a_day_by_itself(wall: Any) -> None:
    client = wall.client()
    assert len(client.get("/api/events/histogram").json()["buckets"]) in {24, 25}
    refused = client.get("/api/events/histogram?from=0&to=1e9")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_span")


def test_the_snapshot_is_a_picture_or_a_sentence(wall: Any) -> None:
    path = wall.evidence / "snapshots" / "a.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8jpeg")
    (wall.evidence.parent / "secret").write_text("no")
    pictured, bare, gone, outside = (
        wall.event(snapshot=None if where is None else Snapshot(path=where, sha256="0" * 64, width=2, height=2))
        for where in ("snapshots/a.jpg", None, "snapshots/b.jpg", "../secret")
    )
    for event in (pictured, bare, gone, outside):
        wall.publish(event)
    client = wall.client()
    row = client.get(f"/api/events/{pictured.id}").json()
    picture = client.get(row["snapshot_url"])
    assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8jpeg", "image/jpeg")
    told = [client.get(f"/api/events/{event.id}/snapshot") for event in (bare, gone, outside)]
    assert [answer.json()["error"]["code"] for answer in told] == ["no_snapshot", "snapshot_gone", "snapshot_gone"]
    assert wall.client(login=False).get(row["snapshot_url"]).status_code == 401


def test_of_many_who_acknowledge_one_is_first(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    clients = [wall.client() for _ in range(4)]
    start = threading.Barrier(4)

    def acknowledge(client: httpx.Client) -> httpx.Response:
        start.wait(60)
        return client.post(f"/api/events/{event.id}/acknowledge", json={"comment": "seen"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(acknowledge, clients))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    row = next(answer for answer in answers if answer.status_code == 200).json()
    assert (row["state"], row["comment"]) == ("acknowledged", "seen")
    for answer in answers:
        if answer.status_code == 409:
            detail = answer.json()["error"]["detail"]
            assert (detail["by_name"], detail["at"]) == (row["acknowledged_by_name"], row["acknowledged_at"])
    done = [entry for entry in wall.accounts.audit_log() if entry.action == "alarm.acknowledge"]
    assert [(entry.target, entry.username) for entry in done] == [(event.id, row["acknowledged_by_name"])]


def test_a_screen_acknowledges_nothing(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    refused = wall.client(Role.WALL_SCREEN).post(f"/api/events/{event.id}/acknowledge")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


def test_an_event_that_the_historian_has_not_reached_is_waited_for(wall: Any) -> None:
    event = wall.event()
    stream_id = wall.publish(event, record=False)
    client = wall.client()
    while wall.parts.hub.reader.region_of(event.id) is None:
        threading.Event().wait(0.01)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, f"/api/events/{event.id}/acknowledge")
        threading.Event().wait(0.2)
        wall.store.append([(stream_id, event)])
        assert answer.result(5).status_code == 200


def test_a_store_that_is_away_is_said_and_never_an_empty_page(wall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    client = wall.client()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {}, OSError("disk"))

    monkeypatch.setattr(type(wall.store), "query", away)
    monkeypatch.setattr(type(wall.store), "totals", away)
    answer = client.get("/api/events")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_away")
    assert "secret" not in answer.text
    assert client.get("/healthz").json() == {"status": "degraded", "checks": {"redis": "ok", "store": "away"}}


def test_the_node_names_no_address_and_only_what_is_covered(wall: Any) -> None:
    wall.report("east-1", clock="rtcp")
    node = wall.client(regions=("east",)).get("/api/node")
    assert "rtsp" not in node.text
    assert "10.9.8.7" not in node.text
    body = node.json()
    assert [camera["id"] for camera in body["cameras"]] == ["east-1", "east-2"]
    assert [region["id"] for region in body["regions"]] == ["east"]
    assert body["detector"] == {"id": "yolox_nano_416", "mode": "model"}


@pytest.mark.parametrize(
    ("detectors", "told"),
    [
        pytest.param(("yolox_nano_416", "xueliang_scenes"), {"id": "xueliang_scenes", "mode": "scenes"}, id="scenes"),
        pytest.param(("xueliang_scenes", "motion"), {"id": "motion", "mode": "motion"}, id="motion"),
    ],
)
def test_a_detector_that_is_none_for_real_things_is_told(
    wall: Any, detectors: tuple[str, str], told: dict[str, str]
) -> None:
    for camera, detector in zip(("east-1", "east-2"), detectors, strict=True):
        wall.report(camera, detector=detector)
    assert wall.client().get("/api/node").json()["detector"] == told
    assert SCENES_ONLY in {entry.id for entry in shipped_manifest().models}


def test_the_node_tells_what_all_workers_promise_on_the_machine_they_share(wall: Any) -> None:
    assert wall.client().get("/api/node").json()["admission"] is None
    for worker, load in (("w1", 0.4), ("w2", 1.7), ("w3", None)):
        told = None if load is None else Admission(
            promised_fps=160, capacity_fps=35, decoding_cores=0.6, cores=1, load_all=load, load_tenth=load / 5
        )  # fmt: skip
        info = WorkerInfo(url="http://127.0.0.1:1", pid=1, started_at=1.0, admission=told)
        wall.redis.hset("xl:workers", worker, info.model_dump_json())
    wall.redis.hset("xl:workers", "w4", "not json")
    told = wall.client().get("/api/node").json()["admission"]
    assert told == {
        "promised_fps": 320, "capacity_fps": 70, "decoding_cores": 1.2, "cores": 2, "load_all": 1.05, "load_tenth": 0.21
    }  # fmt: skip


def test_the_node_tells_what_runs_elsewhere_than_asked_for(wall: Any) -> None:
    assert wall.client().get("/api/node").json()["fallbacks"] == []
    fallback = Fallback(part="detection", asked="cuda", used="cpu", cause="libcudnn.so.9: no such file")
    for worker in ("w1", "w2"):
        info = WorkerInfo(url="http://127.0.0.1:1", pid=1, started_at=1.0, fallbacks=(fallback,))
        wall.redis.hset("xl:workers", worker, info.model_dump_json())
    assert wall.client().get("/api/node").json()["fallbacks"] == [fallback.model_dump()]


def test_a_silent_worker_is_not_a_healthy_camera(wall: Any) -> None:
    wall.report("east-1")
    wall.report("east-2", at=time.time() - 60)
    wall.redis.hset("xl:health", "west-1", "not json")
    health = {each["camera_id"]: each for each in wall.client().get("/api/cameras/health").json()}
    assert (health["east-1"]["phase"], health["east-1"]["silent"]) == ("live", False)
    assert (health["east-2"]["phase"], health["east-2"]["detail"]) == ("offline", "worker silent")
    assert health["west-1"]["silent"]
    assert health["west-2"]["detail"].startswith("no worker")


def test_figures_are_for_those_who_may(wall: Any) -> None:
    assert wall.client(Role.OPERATOR).get("/metrics").status_code == 403
    text = wall.client(Role.ENGINEER).get("/metrics").text
    assert "xl_dashboard_feed_clients 0.0" in text
    audit = wall.client(Role.AUDITOR).get("/api/audit").json()["lines"]
    assert audit[0]["action"] == "login"
