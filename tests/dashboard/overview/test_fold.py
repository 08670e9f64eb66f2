"""The figures of a region: what is counted where, against what is usual, and what is absent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.alarms.life import AlarmState, Closing
from alerts.storage.samples import Shown
from alerts.storage.tallies import HourCounts, OpenCount, OpenCounts
from configs.schema import Camera, Location, Region, RegionLevel, Settings, Severity, Site, StreamSettings
from dashboard.overview.counted import Counted, Visits
from dashboard.overview.fold import Asked, overview, start_of, tops, with_patrol
from dashboard.overview.messages import Overview
from dashboard.patrol.rotation import Figures, Plan, RotationState, Stop
from dashboard.patrol.visits import Kept
from dashboard.regions import RegionIndex, Scope

SHANGHAI = ZoneInfo("Asia/Shanghai")
KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
VILLAGES = tuple(Region(id=name, name=name, level=RegionLevel.VILLAGE) for name in ("e1", "e2"))
TOWNS = (
    Region(id="east", name="east", level=RegionLevel.TOWN, children=VILLAGES),
    Region(id="west", name="west", level=RegionLevel.TOWN),
)
COUNTY = Region(id="county", name="county", level=RegionLevel.COUNTY, children=TOWNS)
ROOTS = (Region(id="city", name="city", level=RegionLevel.CITY, children=(COUNTY,)),)
SITES = tuple(Site(id=f"s-{r}", name=r, region=r, location=Location(lat=1, lon=2)) for r in ("e1", "e2", "west"))
INDEX = RegionIndex.of(Settings(regions=ROOTS, sites=SITES))
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=SHANGHAI)  # a Monday


def hour_of(at: datetime, shift_s: int = 0) -> int:
    return int((at.timestamp() + shift_s) // 3600)


def counted(
    hours: HourCounts | None = None,
    opened: tuple[OpenCount, ...] = (),
    oldest: datetime | None = None,
    now: datetime = NOW,
    shift_s: int = 0,
    closings: dict[tuple[str, Closing], int] | None = None,
) -> Counted:
    return Counted(
        at=now.timestamp(),
        hours=hours or {},
        shift_s=shift_s,
        oldest_at=None if oldest is None else oldest.timestamp(),
        open=OpenCounts(opened, True),
        closings=closings or {},
    )


def asked(region: Region | None = COUNTY, scope: Scope = None) -> Asked:
    return Asked(region, ROOTS, scope, INDEX)


def told(what: Counted, whose: Asked | None = None, zone: ZoneInfo = SHANGHAI) -> Overview:
    return overview(whose or asked(), what, zone, ())


@pytest.mark.parametrize(
    ("scope", "start", "why"),
    [
        (None, "county", "a city with one county is no choice"),
        (frozenset({"east", "e1", "e2"}), "east", "all that this viewer covers"),
        (frozenset({"e1", "west"}), None, "they lie under no region of his"),
        (frozenset(), None, "he covers nothing"),
    ],
)
def test_an_overview_begins_at_the_narrowest_region_that_holds_all(scope: Scope, start: str | None, why: str) -> None:
    found = start_of(ROOTS, scope)
    assert (None if found is None else found.id) == start, why


def test_who_covers_two_regions_sees_them_side_by_side() -> None:
    scope = frozenset({"e1", "west"})
    assert [region.id for region in tops(ROOTS, scope)] == ["e1", "west"]
    hours = {("e1", hour_of(NOW)): 2, ("e2", hour_of(NOW)): 5, ("west", hour_of(NOW)): 1}
    seen = told(counted(hours), asked(None, scope))
    assert [(child.region_id, child.today) for child in seen.children] == [("e1", 2), ("west", 1)]
    assert sum(hour.events or 0 for hour in seen.hours) == 3, "e2 is not his"


def test_open_alarms_by_child_site_and_state() -> None:
    new, acknowledged = AlarmState.NEW, AlarmState.ACKNOWLEDGED
    opened = (
        OpenCount("e1", "s-e1", Severity.MEDIUM, new, 2),
        OpenCount("e1", "s-e1", Severity.CRITICAL, acknowledged, 1),
        OpenCount("e2", "s-e2", Severity.HIGH, acknowledged, 4),
    )
    seen = told(counted(opened=opened))
    east, west = seen.children
    assert (east.alarms, east.unacknowledged, east.urgency) == (7, 2, Severity.MEDIUM), "of what waits, not of all"
    assert (west.alarms, west.urgency) == (0, None)
    assert [(site.site_id, site.urgency, site.unacknowledged) for site in seen.sites] == [
        ("s-e1", Severity.MEDIUM, 2),
        ("s-e2", Severity.HIGH, 0),
    ]
    assert [(each.urgency, each.alarms) for each in seen.open if each.state is acknowledged] == [
        (Severity.CRITICAL, 1),
        (Severity.HIGH, 4),
    ]
    below = told(counted(opened=opened), asked(VILLAGES[1]))
    assert (below.children, [each.alarms for each in below.open]) == ((), [4])


def test_today_stands_against_the_same_weekdays_that_are_stored_whole() -> None:
    hours: HourCounts = {("e1", hour_of(NOW)): 3}
    for weeks, number in ((1, 4), (2, 8), (3, 100)):
        hours["west", hour_of(NOW - timedelta(weeks=weeks))] = number
    # The store's first event came on the day three weeks ago: that day was not stored from its beginning.
    seen = told(counted(hours, oldest=NOW - timedelta(weeks=3, hours=1)))
    assert seen.usual_days == 2
    assert (seen.hours[9].events, seen.hours[9].usual) == (3, 6.0)
    assert [hour.events for hour in seen.hours[:9]] == [0] * 9, "hours that are over and were quiet"
    assert [hour.events for hour in seen.hours[10:]] == [None] * 14, "hours to come"


def test_what_was_not_stored_is_absent() -> None:
    seen = told(counted({("e1", hour_of(NOW)): 3}, oldest=NOW - timedelta(hours=1)))
    assert (seen.usual_days, seen.hours[9].usual, seen.heat, seen.patrol) == (0, None, None, None)


def test_heat_is_by_weekday_and_hour_without_today() -> None:
    hours = {
        ("e1", hour_of(NOW)): 9,
        ("e1", hour_of(NOW - timedelta(days=1))): 2,
        ("west", hour_of(NOW - timedelta(days=8))): 3,
        ("west", hour_of(NOW - timedelta(days=29))): 50,
    }
    heat = told(counted(hours, oldest=NOW - timedelta(days=60))).heat
    assert heat is not None
    assert (heat[6][9], sum(map(sum, heat))) == (5, 5)


@pytest.mark.parametrize(
    ("zone", "shift_s", "hour", "why"),
    [(KOLKATA, 1800, 7, "half an hour off"), (BERLIN, 0, 2, "in winter one hour off")],
)
def test_hours_are_those_of_the_zone_s_clocks(zone: ZoneInfo, shift_s: int, hour: int, why: str) -> None:
    seen = told(counted({("e1", hour_of(NOW, shift_s)): 3}, shift_s=shift_s), zone=zone)
    assert [hour for hour, figure in enumerate(seen.hours) if figure.events] == [hour], why


def test_an_hour_that_is_repeated_counts_twice_and_one_that_is_skipped_not_at_all() -> None:
    for day, expected in (
        (datetime(2026, 10, 25, 12, tzinfo=BERLIN), 2),
        (datetime(2026, 3, 29, 12, tzinfo=BERLIN), 0),
    ):
        first = hour_of(day.replace(hour=0))
        seen = told(counted({("e1", hour): 1 for hour in range(first, hour_of(day))}, now=day), zone=BERLIN)
        assert seen.hours[2].events == expected


def test_false_alarms_of_the_region_alone() -> None:
    closings = {("e1", Closing.FALSE): 2, ("west", Closing.CONFIRMED): 3, ("e2", Closing.TEST): 1}
    assert told(counted(closings=closings)).closings.model_dump() == {"confirmed": 3, "false": 2, "test": 1}
    assert told(counted(closings=closings), asked(TOWNS[1])).closings.false == 0


PLAN = Plan("p", None, 1, 10.0, 0.0, (*(Stop(f"s-{r}", f"c-{r}") for r in ("e1", "e2", "west")), Stop("gone", "c4")))


def test_the_patrol_owes_by_region() -> None:
    state = RotationState(epoch=0, next_camera=None, owed=("c-e2",), figures=Figures(visits=40, preempted=2, owed=1))
    seen = with_patrol(told(counted()), asked(), PLAN, state, Visits())
    assert [(child.stops, child.owed) for child in seen.children] == [(2, 1), (1, 0)]
    assert seen.patrol is not None
    assert (seen.patrol.stops, seen.patrol.owed, seen.patrol.visits) == (3, 1, 40)
    assert (seen.patrol.compliance.due, seen.patrol.compliance.least_slack_s, seen.patrol.since) == (0, None, None)


def test_the_patrol_kept_its_interval_by_region() -> None:
    """What is overdue now counts before it is made good."""
    now = NOW.timestamp()
    state = RotationState(epoch=0, next_camera=None, unseen_since={"c-west": now - 85, "c-e1": now - 40})
    visits = Visits({"c-e1": Kept(5, 5, 3.5), "c-e2": Kept(4, 3, -12.0), "c-west": Kept(2, 2, 1.0)}, now - 600)
    seen = with_patrol(told(counted()), asked(), PLAN, state, visits)
    assert [child.patrol and child.patrol.model_dump() for child in seen.children] == [
        {"due": 9, "kept": 8, "least_slack_s": -12.0},
        {"due": 4, "kept": 2, "least_slack_s": -45.0},
    ]
    assert seen.patrol is not None
    assert (seen.patrol.revisit_s, seen.patrol.since, seen.patrol.compliance.due) == (40.0, now - 600, 13)


def test_coverage_is_of_time_by_region_and_since_when_it_is_known() -> None:
    at = NOW.timestamp()
    settings = Settings(
        regions=ROOTS,
        sites=SITES,
        cameras=tuple(
            Camera(id=f"c-{r}", site=f"s-{r}", name=r, main=StreamSettings(url="rtsp://10.9.8.7/main"))
            for r in ("e1", "e2", "west")
        ),
    )
    shown = {
        "c-e1": Shown(at - 5000, 900.0, 900.0),
        "c-e2": Shown(at - 600, 600.0, 300.0),
        "c-gone": Shown(at - 9000, 9000.0, 0.0),
    }
    seen = overview(Asked(COUNTY, ROOTS, None, RegionIndex.of(settings)), replace(counted(), shown=shown), SHANGHAI, ())
    east, west = seen.children
    assert east.coverage is not None
    assert (east.coverage.shown, east.coverage.since) == (0.8, at - 5000)
    assert (west.coverage, seen.coverage) == (None, east.coverage)
