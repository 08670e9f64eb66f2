"""Stopped vehicles: stands in a zone, told by when they are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.base import Ongoing
from alerts.rules.stopped_vehicle import StoppedVehicle
from configs.places import Zone
from configs.rules import StoppedVehicleRule
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="lane", name="车道", polygon=((0.0, 0.4), (1.0, 0.4), (1.0, 1.0), (0.0, 1.0)))
# Boxes are 0.1 wide and 0.2 high: with a jitter of a quarter they may sway by 0.025 and 0.05.


def stopped(duration_s: float = 4) -> StoppedVehicle:
    fields = {"id": "r", "name": "n", "kind": "stopped_vehicle", "zone": "lane", "duration_s": duration_s}
    return StoppedVehicle(StoppedVehicleRule.model_validate(fields), ZONE)


@pytest.mark.parametrize(
    ("xs", "found", "reason"),
    [
        ([0.5] * 7, [4], "stands, and is found once"),
        ([0.5, 0.52, 0.48, 0.51, 0.5, 0.5], [4], "the box sways"),
        ([0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.56, 0.57, 0.58], [], "creeping is moving"),
        ([0.5, 0.5, 0.7, 0.5, 0.5], [4], "one box elsewhere is a slip"),
        ([0.5, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7], [7], "drove on and stopped again"),
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [], "drives through"),
        ([0.5, 0.5, None, None, 0.5], [4], "hidden for two frames"),
    ],
)
def test_a_stand_is_found_once_and_in_time(frame: Frame, xs: list[float | None], found: list[int], reason: str) -> None:
    rule = stopped()
    frames = [{} if x is None else {1: (x, 0.7)} for x in xs]
    assert [second for second, cars in enumerate(frames) if rule.observe(frame(second, cars, "car"))] == found, reason


def test_a_stand_outside_the_zone_or_of_another_class_is_none(frame: Frame) -> None:
    rule = stopped()
    assert [f for second in range(9) for f in rule.observe(frame(second, {1: (0.5, 0.3)}, "car"))] == []
    assert [f for second in range(9, 19) for f in rule.observe(frame(second, {1: (0.5, 0.7)}, "person"))] == []


def test_a_bus_that_hid_it_does_not_end_a_stand(frame: Frame) -> None:
    rule = stopped()
    for second in range(3):
        rule.observe(frame(second, {1: (0.5, 0.7)}, "car"))
    for second in range(3, 9):
        assert rule.observe(frame(second, {}, "car")) == []
    (finding,) = rule.observe(frame(9, {2: (0.51, 0.7)}, "car"))
    assert (finding.measured, finding.limit, finding.unit) == (9, 4, "s")
    assert rule.ongoing == (Ongoing((), 9, frozenset({2})),)


def test_a_parked_car_behind_a_gate_is_one_happening(frame: Frame) -> None:
    rule = stopped()
    found = [
        at for number, at in enumerate((0, 2, 4, 34, 64, 94)) if rule.observe(frame(at, {number: (0.5, 0.7)}, "car"))
    ]
    assert found == [4]
    assert rule.alarmed == {5}
    for at in (95, 96):
        rule.observe(frame(at, {5: (0.8, 0.7)}, "car"))
    assert rule.alarmed == frozenset()
