"""A region at a glance over HTTP: rights, drill-down, and that many screens cost one count."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dashboard.policy import Role


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
