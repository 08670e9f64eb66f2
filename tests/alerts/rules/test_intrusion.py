"""Intrusion: entries of tracks into a zone, told by when they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest

from alerts.rules.intrusion import Intrusion
from configs.schema import IntrusionRule, Zone
from detect.detection import Tracks

Frame = Callable[..., Tracks]
ZONE = Zone(id="yard", name="院内", polygon=((0.4, 0.4), (0.9, 0.4), (0.9, 0.9), (0.4, 0.9)))
IN, OUT = (0.6, 0.6), (0.2, 0.6)


def intrusion(dwell_s: float = 0.0, fields: Mapping[str, object] = MappingProxyType({})) -> Intrusion:
    rule = {"id": "r", "name": "n", "kind": "intrusion", "zone": "yard", "dwell_s": dwell_s, **fields}
    return Intrusion(IntrusionRule.model_validate(rule), ZONE)


@pytest.mark.parametrize(
    ("dwell_s", "seen", "found", "reason"),
    [
        (0, "iiii", [1], "confirmed by the second sighting, found once"),
        (0, "oioioi", [3], "a flickering edge: sightings inside add up while it is never seen outside twice"),
        (0, "oiooio", [], "one frame inside is not an entry"),
        (0, "iiooii", [1, 5], "left and came back: armed again"),
        (0, "iioiii", [1], "one frame outside is no leaving"),
        (0, "ii--ii", [1], "hidden for two frames: still the same stay"),
        (3, "iiiiii", [3], "after the dwell"),
        (3, "iiioiii", [4], "the stay goes on through one frame outside"),
        (3, "iiooiiiii", [7], "the stay begins anew after leaving"),
        (3, "iiiooooo", [], "left in time"),
    ],
)
def test_an_entry_is_found_once_and_in_time(
    frame: Frame, dwell_s: float, seen: str, found: list[int], reason: str
) -> None:
    rule = intrusion(dwell_s)
    where = {"i": {1: IN}, "o": {1: OUT}, "-": {}}
    got = [second for second, what in enumerate(seen) if rule.observe(frame(second, where[what]))]
    assert got == found, reason


def test_the_finding_says_what_when_and_where(frame: Frame) -> None:
    rule = intrusion(2.0)
    found = [finding for second in range(4) for finding in rule.observe(frame(second, {7: IN, 8: OUT}))]
    assert [(f.measured, f.limit, f.unit, f.occurred_at) for f in found] == [(2.0, 2.0, "s", 1_790_000_002.0)]
    assert [seen.track_id for seen in found[0].objects] == [7]
    assert found[0].place == ZONE
    assert rule.alarmed == {7}


def test_the_alarm_ends_with_the_stay(frame: Frame) -> None:
    rule = intrusion()
    for second in range(2):
        rule.observe(frame(second, {7: IN}))
    assert rule.alarmed == {7}
    for second in range(2, 4):
        rule.observe(frame(second, {7: OUT}))
    assert rule.alarmed == frozenset()


def test_a_stay_is_awaited_while_it_is_seen_and_resumed_later(frame: Frame) -> None:
    rule = intrusion(5.0)
    for second in range(2):
        rule.observe(frame(second, {1: IN}))
    assert rule.pending
    for second in range(2, 6):
        rule.observe(frame(second, {}))
    assert not rule.pending  # nobody need look for who was last seen four seconds ago
    assert len(rule.observe(frame(6, {1: IN}))) == 1


def test_a_stay_does_not_bridge_a_gap_in_the_stream(frame: Frame) -> None:
    rule = intrusion(5.0)
    rule.observe(frame(0, {1: IN}))
    assert rule.observe(frame(60, {1: IN})) == []
    assert rule.observe(frame(61, {1: IN})) == []
    assert len(rule.observe(frame(65, {1: IN}))) == 1


def test_a_clock_that_jumps_back_starts_the_stay_anew(frame: Frame) -> None:
    rule = intrusion(3.0)
    rule.observe(frame(1000, {1: IN}))
    found = [second for second in range(6) if rule.observe(frame(second, {1: IN}))]
    assert found == [3]


@pytest.mark.parametrize(
    ("label", "score", "fields", "found"),
    [
        ("person", 0.9, {}, True),
        ("car", 0.9, {}, False),
        ("car", 0.9, {"classes": ("car", "truck")}, True),
        ("person", 0.3, {}, False),
        ("moving", 0.1, {}, True),
        ("person", 0.9, {"min_height": 0.3}, False),
        ("moving", 0.9, {"min_height": 0.3}, False),
    ],
)
def test_only_the_objects_of_the_rule_count(
    frame: Frame, label: str, score: float, fields: dict[str, object], found: bool
) -> None:
    rule = intrusion(fields=fields)
    got = [f for second in range(3) for f in rule.observe(frame(second, {1: IN}, label, score))]
    assert bool(got) is found
