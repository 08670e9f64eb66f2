"""Crowding: situations by counts a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC

import pytest

from alerts.rules.crowding import Crowding
from configs.places import Zone
from configs.rules import CrowdingRule
from configs.schedule import Calendar
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="square", name="广场", polygon=((0.0, 0.3), (1.0, 0.3), (1.0, 1.0), (0.0, 1.0)))


def crowding(limit: int, duration_s: float) -> Crowding:
    return with_limits({"limit": limit}, duration_s)


def with_limits(limits: Mapping[str, object], duration_s: float = 0, area_m2: float | None = None) -> Crowding:
    rule = {"id": "r", "name": "n", "kind": "crowding", "zone": "square", "duration_s": duration_s, **limits}
    zone = ZONE.model_copy(update={"area_m2": area_m2})
    return Crowding(CrowdingRule.model_validate(rule), zone, Calendar(UTC))


def found_at(rule: Crowding, frame: Frame, counts: list[int]) -> list[int]:
    return [
        second for second, n in enumerate(counts) if rule.observe(frame(second, dict.fromkeys(range(n), (0.5, 0.6))))
    ]


@pytest.mark.parametrize(
    ("limit", "duration_s", "counts", "found", "reason"),
    [
        (3, 0, [2, 3, 4, 4], [2], "confirmed by the second count, and one a situation"),
        (3, 0, [2, 3, 2, 2, 3, 2], [], "single counts are none"),
        (3, 2, [3, 3, 3, 3], [2], "after the duration"),
        (3, 2, [3, 2, 3, 3], [2], "one frame below the limit does not break it"),
        (3, 2, [3, 2, 2, 3, 3, 3], [5], "two frames do"),
        (10, 0, [10, 10, 9, 9, 9, 10, 10], [1], "swinging about the limit is one situation"),
        (10, 0, [10, 10, 8, 8, 10, 10], [1, 5], "down to 80 %: it ended, and there is another"),
        (10, 0, [10, 10, 8, 10, 8, 10], [1], "one low frame does not end it"),
        (1, 0, [1, 1, 0, 0, 1, 1], [1, 5], "a limit of one ends at none"),
        (3, 3, [3, 3, 1, 0, 3, 3, 3], [], "never long enough"),
    ],
)
def test_a_situation_is_found_once(
    frame: Frame, limit: int, duration_s: float, counts: list[int], found: list[int], reason: str
) -> None:
    assert found_at(crowding(limit, duration_s), frame, counts) == found, reason


def test_the_finding_counts_those_in_the_zone_only(frame: Frame) -> None:
    rule = crowding(2, 0)
    people = {1: (0.5, 0.6), 2: (0.6, 0.6), 3: (0.5, 0.2)}
    rule.observe(frame(0, people))
    (finding,) = rule.observe(frame(1, people))
    assert (finding.measured, finding.limit, finding.unit) == (2, 2, "objects")
    assert {seen.track_id for seen in finding.objects} == {1, 2} == rule.alarmed


def test_a_gap_in_the_stream_ends_what_lasted(frame: Frame) -> None:
    rule = crowding(2, 5)
    two = {1: (0.5, 0.6), 2: (0.6, 0.6)}
    rule.observe(frame(0, two))
    assert rule.observe(frame(100, two)) == []
    assert len(rule.observe(frame(105, two))) == 1


def test_a_crowd_that_stands_still_behind_a_gate_stays_one_situation(frame: Frame) -> None:
    rule = crowding(2, 1)
    two = {1: (0.5, 0.6), 2: (0.6, 0.6)}
    found = [at for at in (0, 1, 31, 61, 91) if rule.observe(frame(at, two))]
    assert found == [1]
    assert rule.observe(frame(300, two)) == [], "nobody knows what was in between"
    assert len(rule.observe(frame(301, two))) == 1


@pytest.mark.parametrize(
    ("limits", "area_m2", "people", "told", "reason"),
    [
        ({"density": 0.5}, 8.0, 3, None, "3 on 8 m² are 0.375 a square metre"),
        ({"density": 0.5}, 8.0, 4, (0.5, 0.5, "per_m2"), "4 are 0.5"),
        ({"density": 0.5, "limit": 3}, 8.0, 3, (3, 3, "objects"), "the number is reached first"),
        ({"density": 0.5, "limit": 6}, 8.0, 5, (0.625, 0.5, "per_m2"), "the density is reached first"),
        ({"density": 0.3}, 10.0, 3, (0.3, 0.3, "per_m2"), "0.3 times 10 is 3 and no more"),
        ({"limit": 9, "plan": [{"limit": 2}]}, None, 2, (2, 2, "objects"), "a plan takes the limit's place"),
        # The test's clock starts at 1 790 000 000, Monday 21 September 2026, 14:13 UTC.
        ({"limit": 2, "plan": [{"hours": "14:00-15:00", "limit": 9}]}, None, 2, None, "more are allowed at this hour"),
        ({"limit": 2, "plan": [{"hours": "15:00-16:00", "limit": 9}]}, None, 2, (2, 2, "objects"), "not at another"),
        ({"limit": 2, "plan": [{"days": ["sun"], "limit": 9}]}, None, 2, (2, 2, "objects"), "nor on another day"),
        ({"limit": 9, "plan": [{"days": ["mon"], "limit": 3}, {"limit": 2}]}, None, 2, None, "the first that holds"),
    ],
)
def test_the_limit_is_that_of_the_hour_and_the_room(
    frame: Frame,
    limits: Mapping[str, object],
    area_m2: float | None,
    people: int,
    told: tuple[float, float, str] | None,
    reason: str,
) -> None:
    rule = with_limits(limits, area_m2=area_m2)
    crowd = dict.fromkeys(range(people), (0.5, 0.6))
    found = [finding for second in range(3) for finding in rule.observe(frame(second, crowd))]
    assert [(f.measured, f.limit, f.unit) for f in found] == ([told] if told else []), reason


@pytest.mark.parametrize(("hysteresis", "found"), [(0.0, [1, 5]), (0.5, [1])])
def test_the_hysteresis_says_how_far_a_crowd_must_shrink(frame: Frame, hysteresis: float, found: list[int]) -> None:
    rule = with_limits({"limit": 10, "hysteresis": hysteresis})
    assert found_at(rule, frame, [10, 10, 7, 7, 10, 10]) == found


def test_the_finding_tells_for_how_long_there_were_too_many(frame: Frame) -> None:
    rule = crowding(2, 3)
    two = {1: (0.5, 0.6), 2: (0.6, 0.6)}
    (finding,) = [f for second in (0, 2, 4) for f in rule.observe(frame(second, two))]
    assert (finding.lasted_s, finding.lasted_limit_s) == (4, 3)
