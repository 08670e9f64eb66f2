"""What lasts after a frame: the measure and the tracks of each happening that was found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

from alerts.rules.base import Ongoing, TrackRule
from alerts.rules.crowding import Crowding
from alerts.rules.intrusion import Intrusion
from alerts.rules.line_crossing import LineCrossing
from configs.places import Line, Zone
from configs.rules import CrowdingRule, IntrusionRule, LineCrossingRule
from configs.schedule import Calendar
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="z", name="z", polygon=((0.4, 0.4), (0.9, 0.4), (0.9, 0.9), (0.4, 0.9)))
LINE = Line(id="l", name="l", a=(0.0, 0.5), b=(1.0, 0.5))
IN, OUT = (0.6, 0.6), (0.2, 0.6)


def lasting(rule: TrackRule) -> tuple[Ongoing, ...]:
    return rule.ongoing


def test_an_intrusion_lasts_while_somebody_stays_and_measures_the_longest_stay(frame: Frame) -> None:
    rule = Intrusion(IntrusionRule(id="r", name="n", kind="intrusion", zone="z", dwell_s=1), ZONE)
    for second, people in enumerate([{1: IN}, {1: IN}, {1: IN, 2: IN}, {1: IN, 2: IN}]):
        rule.observe(frame(second, people))
    assert lasting(rule) == (Ongoing((), 3.0, frozenset({1, 2})),)
    for second in (4, 5):
        rule.observe(frame(second, {1: OUT, 2: OUT}))
    assert lasting(rule) == ()


def test_a_crowd_lasts_from_its_finding_to_its_end(frame: Frame) -> None:
    rule = Crowding(
        CrowdingRule(id="r", name="n", kind="crowding", zone="z", limit=2, duration_s=1), ZONE, Calendar(UTC)
    )
    rule.observe(frame(0, {1: IN, 2: IN}))
    assert lasting(rule) == (), "not found yet"
    rule.observe(frame(1, {1: IN, 2: IN, 3: IN}))
    assert lasting(rule) == (Ongoing((), 3, frozenset({1, 2, 3})),)
    for second in (2, 3):
        rule.observe(frame(second, {}))
    assert lasting(rule) == ()


def test_passages_that_follow_closely_are_counted_by_direction(frame: Frame) -> None:
    rule = LineCrossing(LineCrossingRule(id="r", name="n", kind="line_crossing", line="l"), LINE)
    above, below = 0.4, 0.6
    rule.observe(frame(0, {1: (0.3, above), 2: (0.5, above), 3: (0.7, below)}))
    rule.observe(frame(1, {1: (0.3, below), 2: (0.5, above), 3: (0.7, above)}))
    rule.observe(frame(2, {1: (0.3, below), 2: (0.5, below), 3: (0.7, above)}))
    by_way = {one.key: one for one in lasting(rule)}
    assert by_way[("forward",)] == Ongoing(("forward",), 2, frozenset({1, 2}))
    assert by_way[("backward",)] == Ongoing(("backward",), 1, frozenset({3}))
    rule.observe(frame(9, {}))
    assert lasting(rule) == ()
