"""Schedules: rules that watch at some hours only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from alerts.rules.base import CountingRule, StateRule, TrackRule
from alerts.rules.registry import build
from configs.rules import CrowdingRule, IntrusionRule, OfflineRule
from configs.schedule import Calendar, Span
from configs.schema import Camera
from detect.detection import Tracks
from ingest.state import Fault, Phase, StreamState

Frame = Callable[..., Tracks]
CAMERA = Camera.model_validate(
    {
        "id": "gate-1",
        "site": "s",
        "name": "n",
        "main": {"url": "rtsp://127.0.0.1/main"},
        "zones": [{"id": "z", "name": "z", "polygon": [(0, 0), (1, 0), (1, 1), (0, 1)]}],
    }
)
BASE = 1_790_000_000
"""The frames' clock starts on Monday 21 September 2026 at 14:13:20 UTC."""
MIDDAY = Span(hours="14:00-14:14")


def test_a_rule_sees_nothing_outside_its_hours_and_forgets_what_was(frame: Frame) -> None:
    rule = IntrusionRule(id="r", name="n", kind="intrusion", zone="z", schedule=(MIDDAY,))
    running = build(rule, CAMERA, Calendar(UTC))
    assert not isinstance(running, StateRule)
    track_rule: TrackRule = running
    somebody = {1: (0.5, 0.5)}
    found = [second for second in (0, 1, 2, 39, 40, 41) if track_rule.observe(frame(second, somebody))]
    assert found == [1]
    assert (track_rule.ongoing, track_rule.alarmed, track_rule.pending) == ((), frozenset(), False)
    found = [day for day in (86400, 86401) if track_rule.observe(frame(day, somebody))]
    assert found == [86401], "the next day it is armed again"


def test_an_outage_counts_from_its_beginning_once_the_hours_begin() -> None:
    rule = OfflineRule(id="r", name="n", kind="camera_offline", after_s=10, schedule=(Span(hours="15:00-16:00"),))
    running = build(rule, CAMERA, Calendar(UTC))
    assert isinstance(running, StateRule)
    lost = StreamState("gate-1", "sub", Phase.OFFLINE, Fault.UNREACHABLE, BASE, BASE, 1, "", last_picture_at=BASE)
    assert running.observe_state(lost, BASE + 60) == []
    (finding,) = running.observe_state(lost, BASE + 2800)
    assert finding.occurred_at == BASE
    assert len(running.ongoing) == 1
    running.observe_state(lost, BASE + 2 * 3600)
    assert not running.ongoing


@pytest.mark.parametrize(
    ("span", "at", "open_", "reason"),
    [
        ({}, "2026-09-21T12:00", True, "always"),
        ({"hours": "08:00-18:00"}, "2026-09-21T08:00", True, "from the first minute on"),
        ({"hours": "08:00-18:00"}, "2026-09-21T18:00", False, "before the last"),
        ({"hours": "22:00-06:00"}, "2026-09-21T23:59", True, "before midnight"),
        ({"hours": "22:00-06:00"}, "2026-09-22T05:59", True, "after midnight"),
        ({"hours": "22:00-06:00"}, "2026-09-22T06:00", False, "until morning"),
        ({"hours": "22:00-24:00"}, "2026-09-22T00:00", False, "a day ends at 24:00"),
        ({"hours": "22:00-06:00", "days": ["fri"]}, "2026-09-26T05:00", True, "Friday's night lasts into Saturday"),
        ({"hours": "22:00-06:00", "days": ["fri"]}, "2026-09-25T05:00", False, "Thursday's night is not Friday's"),
        ({"days": ["mon", "tue"]}, "2026-09-23T12:00", False, "Wednesday"),
        ({"days": ["thu"]}, "2026-10-01T12:00", False, "a holiday is no Thursday"),
        ({"days": ["holiday"]}, "2026-10-01T12:00", True, "but a holiday"),
        ({"days": ["holiday"], "hours": "20:00-02:00"}, "2026-10-02T01:00", True, "its evening passes midnight too"),
        ({"days": ["fri"], "hours": "20:00-02:00"}, "2026-10-02T01:00", False, "and is not Friday's"),
    ],
)
def test_spans_are_read_off_the_wall_clock(span: dict[str, object], at: str, open_: bool, reason: str) -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), frozenset({date(2026, 10, 1)}))
    moment = datetime.fromisoformat(f"{at}:00+08:00").timestamp()
    assert calendar.within([Span.model_validate(span)], moment) is open_, reason


@pytest.mark.parametrize(
    ("hours", "at", "open_", "reason"),
    [
        ("02:00-03:00", "2026-03-29T00:59:59+00:00", False, "01:59:59 winter time"),
        ("02:00-03:00", "2026-03-29T01:00:00+00:00", False, "it is 03:00: the hour was left out"),
        ("22:00-03:30", "2026-03-29T01:29:59+00:00", True, "03:29:59 summer time"),
        ("22:00-03:30", "2026-03-29T01:30:00+00:00", False, "the night is an hour shorter"),
        ("02:00-03:00", "2026-10-25T00:30:00+00:00", True, "02:30 summer time"),
        ("02:00-03:00", "2026-10-25T01:30:00+00:00", True, "02:30 again, winter time"),
        ("02:00-03:00", "2026-10-25T02:00:00+00:00", False, "03:00 winter time"),
    ],
)
def test_clocks_that_are_put_forward_and_back(hours: str, at: str, open_: bool, reason: str) -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    assert calendar.within([Span(hours=hours)], datetime.fromisoformat(at).timestamp()) is open_, reason


@pytest.mark.parametrize("hours", ["8-18", "25:00-26:00", "10:00-24:30", "10:00-10:00", "00:00 - 24:00"])
def test_hours_that_cannot_be_read_are_refused(hours: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|24:00"):
        Span(hours=hours)


def test_a_count_is_known_within_the_hours_alone(frame: Frame) -> None:
    rule = CrowdingRule(id="r", name="n", kind="crowding", zone="z", limit=9, schedule=(MIDDAY,))
    running = build(rule, CAMERA, Calendar(UTC))
    assert isinstance(running, CountingRule)
    assert not isinstance(running, StateRule)
    assert running.number_inside is None
    running.observe(frame(0, {1: (0.5, 0.5), 2: (0.6, 0.5)}))
    assert running.number_inside == 2
    running.observe(frame(40, {1: (0.5, 0.5)}))
    assert running.number_inside is None
