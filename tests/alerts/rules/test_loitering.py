"""Loitering: stays about a zone, told by when they are found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.rules.base import Ongoing
from alerts.rules.loitering import Loitering
from configs.places import Zone
from configs.rules import LoiteringRule
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="yard", name="院内", polygon=((0.4, 0.4), (0.9, 0.4), (0.9, 0.9), (0.4, 0.9)))
IN, NEAR, FAR, OUT = (0.6, 0.6), (0.65, 0.6), (0.85, 0.85), (0.2, 0.6)


def loitering(dwell_s: float = 4, absence_s: float = 4) -> Loitering:
    fields = {"id": "r", "name": "n", "kind": "loitering", "zone": "yard", "dwell_s": dwell_s, "absence_s": absence_s}
    return Loitering(LoiteringRule.model_validate(fields), ZONE)


@pytest.mark.parametrize(
    ("seen", "found", "reason"),
    [
        ("iiiiiiii", [4], "after the dwell, once"),
        ("ioooiii", [4], "outside for as long as is forgiven"),
        ("ioooooiiiii", [10], "outside for longer: the stay began anew"),
        ("i---i", [4], "not seen for as long as is forgiven"),
        ("i---2", [4], "a new track near where the other was lost goes on with its stay"),
        ("i--2-i", [5], "and hands it back: somebody has been there all the time"),
        ("i---f", [], "a new track far away is somebody else"),
        ("i-----2--", [], "too late to be the same"),
        ("oooooo", [], "never inside"),
        ("iiiiioooooiiiii", [4, 14], "found, left, and come again"),
    ],
)
def test_a_stay_is_found_once_and_in_time(frame: Frame, seen: str, found: list[int], reason: str) -> None:
    rule = loitering()
    where = {"i": {1: IN}, "o": {1: OUT}, "2": {2: NEAR}, "f": {3: FAR}, "-": {}}
    assert [second for second, what in enumerate(seen) if rule.observe(frame(second, where[what]))] == found, reason


def test_two_who_stand_close_do_not_take_each_others_stay(frame: Frame) -> None:
    rule = loitering()
    for second in range(4):
        assert rule.observe(frame(second, {1: IN})) == []
    (finding,) = rule.observe(frame(4, {1: IN, 2: NEAR}))
    assert [seen.track_id for seen in finding.objects] == [1]
    assert (finding.measured, finding.limit, finding.unit) == (4, 4, "s")
    assert rule.observe(frame(5, {1: IN, 2: NEAR})) == []


def test_who_was_found_is_still_there_after_a_gate_was_shut(frame: Frame) -> None:
    rule = loitering()
    for second in range(5):
        rule.observe(frame(second, {1: IN}))
    assert not rule.pending
    assert rule.observe(frame(34, {8: IN})) == [], "a new track at the spot: nobody saw the old one go"
    assert rule.ongoing == (Ongoing((), 34, frozenset({8})),)
    for second in range(35, 40):
        rule.observe(frame(second, {}))
    assert not rule.ongoing


def test_a_stay_that_may_yet_be_found_is_looked_for(frame: Frame) -> None:
    rule = loitering()
    rule.observe(frame(0, {1: IN}))
    assert rule.pending
