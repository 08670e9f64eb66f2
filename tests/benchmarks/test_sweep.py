"""The sweep's events: the same each time, and matched one to one."""

from __future__ import annotations

import pytest

from alerts.event import Candidate, Event
from alerts.rehearsal import Rehearsal
from alerts.rules.base import Ongoing
from benchmarks.sweep import Matched, match, sweep
from configs.rules import CrowdingRule, IntrusionRule, LineCrossingRule
from configs.schema import Severity


def event(at: float, rule: str = "r", direction: str | None = None, number: str = "1") -> Event:
    fields = {"id": number, "kind": "intrusion", "severity": Severity.LOW, "camera_id": "c", "site_id": "s"}
    more = {"region_id": "g", "rule_id": rule, "rule_name": rule, "measured": 1, "limit": 1, "unit": "objects"}
    return Event.model_validate({**fields, **more, "occurred_at": at, "detected_at": at, "direction": direction})


def test_the_sweep_is_the_same_each_time_and_large_enough() -> None:
    camera = sweep("clip")
    assert camera == sweep("clip") != sweep("another")
    kinds = [type(rule) for rule in camera.rules]
    assert [kinds.count(kind) for kind in (LineCrossingRule, IntrusionRule, CrowdingRule)] == [80, 60, 60]
    spans = [rule.dwell_s for rule in camera.rules if isinstance(rule, IntrusionRule)]
    spans += [rule.duration_s for rule in camera.rules if isinstance(rule, CrowdingRule)]
    assert max(spans) <= 1.0
    assert len(sweep("clip", every=5).rules) == 40


@pytest.mark.parametrize(
    ("true", "found", "both", "reason"),
    [
        ([event(10)], [event(11)], 1, "a second late"),
        ([event(10)], [event(11.1)], 0, "too late"),
        ([event(10)], [event(10, rule="other")], 0, "of another rule"),
        ([event(10, direction="forward")], [event(10, direction="backward")], 0, "the other way"),
        ([event(10)], [event(9.5), event(10.5)], 1, "one to one"),
        ([event(10), event(11)], [event(10.8), event(11.9)], 2, "the first takes the first, so both are paired"),
    ],
)
def test_events_are_matched_one_to_one(true: list[Event], found: list[Event], both: int, reason: str) -> None:
    assert match(true, found).both == both, reason


def test_f1_counts_what_was_missed_and_what_was_too_many() -> None:
    assert Matched(4, 4, 4).f1 == 1
    assert (Matched(4, 2, 2) + Matched(0, 2, 0)).f1 == 0.5
    assert Matched(0, 0, 0).f1 == 1


def test_a_rehearsal_merges_what_comes_again_or_goes_on() -> None:
    stage = Rehearsal()
    for at in range(121):
        hit = Candidate(event=event(at, number=str(at)), dedup_key="k", window_s=5)
        candidates = [hit] if at in {1, 3, 50, 120} else []
        lasts = {"k": Ongoing((), 1.0, frozenset())} if 1 <= at <= 50 else {}
        stage.frame(float(at), candidates, lasts)
    assert [found.id for found in stage.events] == ["1", "120"], "what lasted from 1 to 50 is one"
    assert [(holder, hit.id) for holder, hit in stage.merged] == [("1", "3"), ("1", "50")]
    assert stage.signs["1"] == 50
