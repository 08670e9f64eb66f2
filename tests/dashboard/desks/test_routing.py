"""Which desk gets an alarm, from the region tree and who is on duty; and its priority from rule, place and time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.event import Event
from configs.desks import AlarmSettings, Desk, PriorityStep
from configs.rules import Severity
from configs.schedule import Span
from configs.schema import Region, RegionLevel, Settings
from dashboard.desks.routing import Priorities, Tree

VILLAGE = Region(id="village", name="村", level=RegionLevel.VILLAGE)
LONELY = Region(id="lonely", name="村", level=RegionLevel.VILLAGE)
EAST = Region(id="east", name="东镇", level=RegionLevel.TOWN, children=(VILLAGE,))
WEST = Region(id="west", name="西镇", level=RegionLevel.TOWN, children=(LONELY,))
COUNTY = Region(id="county", name="县", level=RegionLevel.COUNTY, children=(EAST, WEST))
CITY = Region(id="city", name="市", level=RegionLevel.CITY, children=(COUNTY,))
ELSEWHERE = Region(id="elsewhere", name="外", level=RegionLevel.CITY)


def desk(name: str, *regions: str, parent: str | None = None) -> Desk:
    return Desk(id=name, name=name, regions=regions, parent=parent)


DESKS = (
    desk("city-desk", "city"),
    desk("county-desk", "county"),
    desk("east-1", "east"),
    desk("east-2", "east"),
    desk("west-desk", "west", parent="city-desk"),
)
SETTINGS = Settings(regions=(CITY, ELSEWHERE), desks=DESKS)
TREE = Tree.of(SETTINGS)


@pytest.mark.parametrize(
    ("region", "manned", "wanted", "why"),
    [
        ("village", {"east-1", "county-desk"}, "east-1", "the narrowest region's desk"),
        ("east", {"east-1"}, "east-1", "the region itself"),
        ("village", {"east-2", "county-desk"}, "east-2", "two own it: the one that is manned"),
        ("village", {"county-desk", "city-desk"}, "county-desk", "nobody in the town: up the tree"),
        ("village", {"city-desk"}, "city-desk", "up as far as somebody is"),
        ("village", set(), "city-desk", "nobody at all: it stands at the top"),
        ("lonely", {"county-desk", "city-desk"}, "city-desk", "the named parent goes before the tree"),
        ("county", {"east-1"}, "city-desk", "never down"),
        ("elsewhere", {"county-desk"}, "city-desk", "a region that nobody owns is the first desk's"),
    ],
)
def test_an_alarm_goes_to_the_desk_on_duty(region: str, manned: set[str], wanted: str, why: str) -> None:
    found = TREE.route(region, manned)
    assert found is not None
    assert found.id == wanted, why


@pytest.mark.parametrize(
    ("at", "manned", "wanted", "why"),
    [
        ("east-1", {"county-desk", "city-desk"}, "county-desk", "one up"),
        ("east-1", {"city-desk"}, "city-desk", "past a desk where nobody is"),
        ("east-1", set(), "city-desk", "nobody: to the top"),
        ("county-desk", {"east-1"}, "city-desk", "never down"),
        ("city-desk", {"city-desk"}, None, "there is nobody above the top"),
        ("gone-desk", {"east-1"}, "east-1", "a desk that the settings no longer have: as if new"),
    ],
)
def test_an_escalation_goes_up(at: str, manned: set[str], wanted: str | None, why: str) -> None:
    found = TREE.escalated(at, "village", manned)
    assert (found and found.id) == wanted, why


def test_without_desks_nothing_is_routed() -> None:
    assert Tree.of(Settings(regions=(CITY,))).route("village", set()) is None


@given(
    st.sampled_from(["village", "lonely", "east", "county", "city"]), st.sets(st.sampled_from([d.id for d in DESKS]))
)
def test_every_alarm_finds_a_desk_and_every_escalation_an_end(region: str, manned: set[str]) -> None:
    here = TREE.route(region, manned)
    assert here is not None
    seen = [here.id]
    while (above := TREE.escalated(seen[-1], region, manned)) is not None:
        assert above.id not in seen
        seen.append(above.id)
    assert seen[-1] == "city-desk"


AFTER_DARK = (Span(hours="22:00-06:00"),)
NIGHT = datetime(2026, 9, 21, 15, 30, tzinfo=UTC).timestamp()  # 23:30 in Shanghai
NOON = datetime(2026, 9, 21, 4, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("steps", "at", "severity", "wanted", "why"),
    [
        ((), NOON, Severity.MEDIUM, Severity.MEDIUM, "the rule alone"),
        ((PriorityStep(sites=("gate",), steps=1),), NOON, Severity.MEDIUM, Severity.HIGH, "the site"),
        ((PriorityStep(sites=("other",), steps=1),), NOON, Severity.MEDIUM, Severity.MEDIUM, "another site"),
        ((PriorityStep(regions=("county",), steps=-1),), NOON, Severity.MEDIUM, Severity.LOW, "a region around"),
        ((PriorityStep(regions=("west",), steps=1),), NOON, Severity.MEDIUM, Severity.MEDIUM, "another region"),
        ((PriorityStep(schedule=AFTER_DARK, steps=1),), NIGHT, Severity.HIGH, Severity.CRITICAL, "at night"),
        ((PriorityStep(schedule=AFTER_DARK, steps=1),), NOON, Severity.HIGH, Severity.HIGH, "not at noon"),
        ((PriorityStep(steps=1), PriorityStep(sites=("gate",), steps=1)), NOON, Severity.LOW, Severity.HIGH, "summed"),
        ((PriorityStep(steps=3),), NOON, Severity.HIGH, Severity.CRITICAL, "no higher than critical"),
        ((PriorityStep(steps=-3),), NOON, Severity.MEDIUM, Severity.LOW, "no lower than low"),
    ],
)  # fmt: skip
def test_priority_from_rule_place_and_time(
    steps: tuple[PriorityStep, ...], at: float, severity: Severity, wanted: Severity, why: str
) -> None:
    settings = Settings(regions=(CITY,), alarms=AlarmSettings(priority=steps))
    event = Event(
        id="e", kind="intrusion", severity=severity, camera_id="c", site_id="gate", region_id="village", rule_id="r",
        rule_name="r", occurred_at=at, detected_at=at, measured=1, limit=1, unit="objects",
    )  # fmt: skip
    assert Priorities.of(settings).of_event(event) is wanted, why
