"""Crowding: situations by counts a second."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.crowding import Crowding
from configs.schema import CrowdingRule, Zone
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="square", name="广场", polygon=((0.0, 0.3), (1.0, 0.3), (1.0, 1.0), (0.0, 1.0)))


def crowding(limit: int, duration_s: float) -> Crowding:
    rule = {"id": "r", "name": "n", "kind": "crowding", "zone": "square", "limit": limit, "duration_s": duration_s}
    return Crowding(CrowdingRule.model_validate(rule), ZONE)


def found_at(rule: Crowding, frame: Frame, counts: list[int]) -> list[int]:
    return [
        second for second, n in enumerate(counts) if rule.observe(frame(second, dict.fromkeys(range(n), (0.5, 0.6))))
    ]


@pytest.mark.parametrize(
    ("limit", "duration_s", "counts", "found", "reason"),
    [
        (3, 0, [2, 3, 4], [1], "at once, and one a situation"),
        (3, 2, [3, 3, 3, 3], [2], "after the duration"),
        (3, 2, [3, 2, 3, 3], [2], "one frame below the limit does not break it"),
        (3, 2, [3, 2, 2, 3, 3, 3], [5], "two frames do"),
        (10, 0, [10, 9, 9, 9, 10, 10], [0], "swinging about the limit is one situation"),
        (10, 0, [10, 8, 8, 10], [0, 3], "down to 80 %: it ended, and there is another"),
        (10, 0, [10, 8, 10, 8, 10], [0], "one low frame does not end it"),
        (1, 0, [1, 0, 0, 1], [0, 3], "a limit of one ends at none"),
        (3, 3, [3, 3, 1, 0, 3, 3, 3], [], "never long enough"),
    ],
)
def test_a_situation_is_found_once(
    frame: Frame, limit: int, duration_s: float, counts: list[int], found: list[int], reason: str
) -> None:
    assert found_at(crowding(limit, duration_s), frame, counts) == found, reason


def test_the_finding_counts_those_in_the_zone_only(frame: Frame) -> None:
    rule = crowding(2, 0)
    (finding,) = rule.observe(frame(0, {1: (0.5, 0.6), 2: (0.6, 0.6), 3: (0.5, 0.2)}))
    assert (finding.measured, finding.limit, finding.unit) == (2, 2, "objects")
    assert {seen.track_id for seen in finding.objects} == {1, 2} == rule.alarmed


def test_a_gap_in_the_stream_ends_what_lasted(frame: Frame) -> None:
    rule = crowding(2, 5)
    two = {1: (0.5, 0.6), 2: (0.6, 0.6)}
    rule.observe(frame(0, two))
    assert rule.observe(frame(100, two)) == []
    assert len(rule.observe(frame(105, two))) == 1
