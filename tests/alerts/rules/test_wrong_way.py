"""Wrong way: runs against the direction of a zone, told by when they are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.geometry import Point
from alerts.rules.wrong_way import WrongWay
from configs.places import Zone
from configs.rules import WrongWayRule
from detect.detection import Tracks

Frame = Callable[..., Tracks]
# Traffic goes to the right. Boxes are 0.2 high: less than 0.02 in a second is standing.
ZONE = Zone(
    id="lane", name="车道", polygon=((0.05, 0.4), (0.95, 0.4), (0.95, 1.0), (0.05, 1.0)), way=((0.2, 0.7), (0.8, 0.7))
)
FPS = 5


def wrong_way(beyond_deg: float = 120, duration_s: float = 1, distance: float = 0.5) -> WrongWay:
    fields = {"id": "r", "name": "n", "kind": "wrong_way", "zone": "lane", "beyond_deg": beyond_deg}
    return WrongWay(WrongWayRule.model_validate({**fields, "duration_s": duration_s, "distance": distance}), ZONE)


def drive(rule: WrongWay, frame: Frame, path: list[Point]) -> list[int]:
    return [step for step, at in enumerate(path) if rule.observe(frame(step / FPS, {1: at}, "car"))]


def steps(start: Point, dx: float, dy: float, n: int) -> list[Point]:
    return [(start[0] + k * dx, start[1] + k * dy) for k in range(n)]


@pytest.mark.parametrize(
    ("path", "found", "reason"),
    [
        (steps((0.8, 0.7), -0.03, 0, 15), [5], "against traffic, after a second, once"),
        (steps((0.2, 0.7), 0.03, 0, 15), [], "with traffic"),
        (steps((0.5, 0.5), 0, 0.03, 15), [], "across is 90°, not beyond 120°"),
        (steps((0.8, 0.5), -0.03, 0.01, 15), [5], "at a slant: 162°"),
        (steps((0.5, 0.7), -0.001, 0, 15), [], "a parked car whose box drifts"),
        ([(0.5 + (-1) ** k * 0.006, 0.7) for k in range(15)], [], "a parked car whose box sways"),
        (steps((0.8, 0.2), -0.03, 0, 15), [], "outside the zone"),
        (steps((0.5, 0.7), -0.03, 0, 4) + steps((0.44, 0.7), 0.04, 0, 10), [], "reversed for less than a second"),
        (steps((0.5, 0.7), -0.012, 0, 11), [9], "slowly: after half its height, though a second is over"),
        (
            steps((0.8, 0.7), -0.03, 0, 4) + [(0.71, 0.7)] * 20 + steps((0.68, 0.7), -0.03, 0, 9),
            [24],
            "stops on the way",
        ),
    ],
)
def test_a_run_is_found_once_and_in_time(frame: Frame, path: list[Point], found: list[int], reason: str) -> None:
    assert drive(wrong_way(), frame, path) == found, reason


def test_the_angle_decides(frame: Frame) -> None:
    across = steps((0.5, 0.5), 0, 0.03, 12)
    assert drive(wrong_way(beyond_deg=80), frame, across) == [5]


def test_a_run_lasts_while_it_goes_on_and_is_armed_by_driving_right(frame: Frame) -> None:
    rule = wrong_way()
    back, on = steps((0.8, 0.7), -0.03, 0, 8), steps((0.6, 0.7), 0.03, 0, 10)
    path = [*back, *on, *steps((0.85, 0.7), -0.03, 0, 12)]
    found = []
    for step, at in enumerate(path):
        findings = rule.observe(frame(step / FPS, {1: at}, "car"))
        found += [(step, finding.measured, finding.unit) for finding in findings]
        if step == 7:
            (lasting,) = rule.ongoing
            assert (lasting.measured, lasting.tracks, rule.alarmed) == (1.4, frozenset({1}), frozenset({1}))
        if step == 17:
            assert (rule.ongoing, rule.alarmed) == ((), frozenset())
    assert [unit for _, _, unit in found] == ["s", "s"]
    assert found[0][:2] == (5, 1.0)


def test_a_zone_without_a_way_is_refused() -> None:
    with pytest.raises(ValueError, match="zone lane has no way"):
        WrongWay(WrongWayRule(id="r", name="n", kind="wrong_way", zone="lane"), ZONE.model_copy(update={"way": None}))
