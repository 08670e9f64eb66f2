"""A region at a glance over HTTP: rights, drill-down, and that many screens cost one count."""

from __future__ import annotations

import time
from typing import Any

import pytest

from alerts.storage.samples import CameraSample, CrowdSample, SampleStore
from alerts.storage.schema import QUARTER_S
from dashboard.patrol.log import VisitLog
from dashboard.patrol.rotation import Visit
from dashboard.policy import Role
from tests.dashboard.conftest import wait_until


def test_the_overview_begins_at_the_top_and_goes_down(wall: Any) -> None:
    for region in ("east", "east", "west"):
        wall.publish(wall.event(region))
    client = wall.client()
    told = client.get("/api/overview").json()
    assert told["region_id"] == "county"
    assert {child["region_id"]: (child["alarms"], child["today"]) for child in told["children"]} == {
        "east": (2, 2),
        "west": (1, 1),
    }
    assert sum(hour["events"] or 0 for hour in told["hours"]) == 3
    assert (told["usual_days"], told["heat"], told["hours"][0]["usual"]) == (0, None, None), "nothing older is stored"
    below = client.get("/api/overview?region=west").json()
    assert ([each["alarms"] for each in below["open"]], below["children"]) == ([1], [])
    assert client.get("/api/overview?region=nowhere").status_code == 404


def test_a_town_sees_its_own_alone(wall: Any) -> None:
    wall.publish(wall.event("east"))
    wall.publish(wall.event("west"))
    town = wall.client(Role.OPERATOR, ("west",))
    told = town.get("/api/overview").json()
    assert (told["region_id"], [site["site_id"] for site in told["sites"]]) == ("west", ["site-west"])
    assert town.get("/api/overview?region=east").status_code == 404
    assert town.get("/api/overview?region=county").status_code == 404
    assert town.get("/api/overview/outlines").json() == []
    assert wall.client(login=False).get("/api/overview").status_code == 401


def test_twenty_screens_cost_one_count(wall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[float] = []
    tallies = wall.parts.counter._tallies
    real = tallies.open_alarms

    def counting() -> Any:
        counts.append(time.time())
        return real()

    monkeypatch.setattr(tallies, "open_alarms", counting)
    at = time.time() + 100
    monkeypatch.setattr(wall.parts.counter, "_clock", lambda: at)
    client = wall.client()
    for _ in range(20):
        assert client.get("/api/overview").status_code == 200
    assert len(counts) == 1


def test_what_cameras_showed_and_how_many_stood_there_comes_from_the_store(wall: Any) -> None:
    now = time.time()
    quarter = int(now // QUARTER_S)
    SampleStore(wall.store.engine).add(
        [CameraSample(quarter, "east-1", now - 30, 30.0, 15.0), CameraSample(quarter, "west-1", now - 20, 20.0, 20.0)],
        [CrowdSample(quarter, "west-1", "no-longer-a-rule", 10, 30, 4)],
    )
    VisitLog(wall.store.engine).add([Visit(camera_id="west-1", at=now - 5, due=4, slack_s=-90_000.0)])
    wait_until(lambda: bool(wall.redis.exists("xl:rotation")), "the patrol begins", deadline_s=60)
    told = wall.client().get("/api/overview").json()
    assert told["coverage"]["shown"] == pytest.approx(0.7)
    assert told["coverage"]["since"] == pytest.approx(now - 30)
    assert (told["counted_places"], told["crowds"]) == (0, [])
    west = next(child for child in told["children"] if child["region_id"] == "west")
    assert west["coverage"]["shown"] == 1.0
    # The patrol of this dashboard goes on meanwhile.
    assert (west["patrol"]["due"] >= 4, west["patrol"]["least_slack_s"]) == (True, -90_000.0)
    assert west["patrol"]["kept"] <= west["patrol"]["due"] - 4
    assert told["patrol"]["since"] == pytest.approx(now - 5)
    assert wall.client(Role.AUDITOR).get("/api/overview").json()["patrol"] is None
