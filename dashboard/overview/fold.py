"""From what was counted to the figures of one region. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.alarms.life import AlarmState, Closing
from alerts.storage.tallies import HOUR_S, OpenCount
from configs.schema import Region, Severity
from dashboard.overview.counted import DAY_S, PAST_DAYS, Counted, Visits
from dashboard.overview.crowds import CountedPlace, curves
from dashboard.overview.messages import (
    ChildFigures,
    Closings,
    Compliance,
    Coverage,
    HourFigure,
    OpenAlarms,
    Overview,
    PatrolFigures,
    SiteAlarms,
)
from dashboard.patrol.rotation import Plan, RotationState
from dashboard.patrol.visits import overdue, total
from dashboard.regions import RegionIndex, Scope

_WORST_FIRST = tuple(Severity)
_WEEKS = 4


def tops(roots: Iterable[Region], scope: Scope) -> tuple[Region, ...]:
    """The regions that a viewer covers and whose parents it does not."""
    found: list[Region] = []
    for region in roots:
        found += [region] if scope is None or region.id in scope else tops(region.children, scope)
    return tuple(found)


def start_of(roots: Iterable[Region], scope: Scope) -> Region | None:
    """Where an overview begins: the narrowest region that holds all the viewer covers; ``None`` where there is none."""
    covered = tops(roots, scope)
    if len(covered) != 1:
        return None
    (region,) = covered
    while len(region.children) == 1 and region.children[0].children:
        region = region.children[0]
    return region


def find(regions: Iterable[Region], region_id: str) -> Region | None:
    """The region of that id, at any depth."""
    for region in regions:
        found = region if region.id == region_id else find(region.children, region_id)
        if found is not None:
            return found
    return None


class Asked:
    """Whose figures: a region, or (``None``) all regions that stand at the top for this viewer."""

    def __init__(self, region: Region | None, roots: Iterable[Region], scope: Scope, index: RegionIndex) -> None:
        self.region_id = None if region is None else region.id
        self.index = index
        self.children = region.children if region is not None else tops(roots, scope)
        below = (
            index.subtree[region.id]
            if region is not None
            else frozenset().union(*(index.subtree[child.id] for child in self.children))
        )
        self.regions = below if scope is None else below & scope


def overview(asked: Asked, counted: Counted, zone: ZoneInfo, places: Iterable[CountedPlace]) -> Overview:
    """All but the patrol, which changes by the second. ``places``: all that are counted in."""
    opened = [count for count in counted.open.counts if count.region_id in asked.regions]
    by_state: Counter[tuple[Severity, AlarmState]] = Counter()
    for count in opened:
        by_state[count.urgency, count.state] += count.alarms
    totals: Counter[int] = Counter()
    by_region: dict[str, Counter[int]] = {}
    for (region, hour), number in counted.hours.items():
        if region in asked.regions:
            totals[hour] += number
            by_region.setdefault(region, Counter())[hour] += number
    local = _Local(totals, counted, zone)
    closed: Counter[Closing] = Counter()
    for (region, closing), number in counted.closings.items():
        if region in asked.regions:
            closed[closing] += number
    inside = [place for place in places if asked.index.region_of_camera(place.camera_id) in asked.regions]
    return Overview(
        region_id=asked.region_id,
        at=counted.at,
        open=tuple(
            OpenAlarms(urgency=urgency, state=state, alarms=number)
            for (urgency, state), number in sorted(by_state.items(), key=lambda item: (_rank(item[0][0]), item[0][1]))
        ),
        complete=counted.open.complete,
        sites=_sites(opened),
        children=tuple(
            _child(child, asked, counted, opened, by_region, local)
            for child in asked.children
            if child.id in asked.regions
        ),
        hours=local.today(),
        usual_days=len(local.usual_days),
        heat=local.heat(),
        coverage=_coverage(asked.regions, asked, counted),
        counted_places=len(inside),
        crowds=curves(inside, counted.crowds, counted.at, zone),
        closings=Closings(confirmed=closed[Closing.CONFIRMED], false=closed[Closing.FALSE], test=closed[Closing.TEST]),
        patrol=None,
    )


def with_patrol(told: Overview, asked: Asked, plan: Plan, state: RotationState, visits: Visits) -> Overview:
    """The overview with what the patrol owes, and how it kept its interval up to ``told.at``."""
    late = overdue(state, told.at, plan.revisit_s)
    by_region: dict[str, list[str]] = {}
    for stop in plan.stops:
        region = asked.index.region_of_site.get(stop.site_id)
        if region is not None and region in asked.regions:
            by_region.setdefault(region, []).append(stop.camera_id)

    def figures(regions: Iterable[str]) -> tuple[int, int, Compliance]:
        cameras = [camera for region in regions for camera in by_region.get(region, ())]
        kept = total(cameras, visits.by_camera, late)
        compliance = Compliance(due=kept.due, kept=kept.kept, least_slack_s=kept.least_slack_s)
        return len(cameras), len(frozenset(cameras) & frozenset(state.owed)), compliance

    children = []
    for child in told.children:
        stops, owed, compliance = figures(asked.index.subtree[child.region_id])
        children.append(child.model_copy(update={"stops": stops, "owed": owed, "patrol": compliance}))
    stops, owed, compliance = figures(by_region)
    patrol = PatrolFigures(
        stops=stops,
        owed=owed,
        visits=state.figures.visits,
        preempted=state.figures.preempted,
        revisit_s=plan.revisit_s,
        since=visits.since,
        compliance=compliance,
    )
    return told.model_copy(update={"children": tuple(children), "patrol": patrol})


def _rank(urgency: Severity) -> int:
    return _WORST_FIRST.index(urgency)


def _worst(counts: Iterable[OpenCount]) -> Severity | None:
    """Of what nobody has acknowledged, else of all."""
    every = list(counts)
    fresh = [count for count in every if count.state is AlarmState.NEW]
    return min((count.urgency for count in fresh or every), key=_rank, default=None)


def _unacknowledged(counts: Iterable[OpenCount]) -> int:
    return sum(count.alarms for count in counts if count.state is AlarmState.NEW)


def _sites(opened: Iterable[OpenCount]) -> tuple[SiteAlarms, ...]:
    by_site: dict[str, list[OpenCount]] = {}
    for count in opened:
        by_site.setdefault(count.site_id, []).append(count)
    return tuple(
        SiteAlarms(
            site_id=site,
            urgency=worst,
            alarms=sum(count.alarms for count in counts),
            unacknowledged=_unacknowledged(counts),
        )
        for site, counts in sorted(by_site.items())
        if (worst := _worst(counts)) is not None
    )


def _child(
    child: Region,
    asked: Asked,
    counted: Counted,
    opened: Iterable[OpenCount],
    by_region: Mapping[str, Counter[int]],
    local: _Local,
) -> ChildFigures:
    below = asked.index.subtree[child.id] & asked.regions
    counts = [count for count in opened if count.region_id in below]
    return ChildFigures(
        region_id=child.id,
        urgency=_worst(counts),
        alarms=sum(count.alarms for count in counts),
        unacknowledged=_unacknowledged(counts),
        today=sum(local.of_today(by_region[region]) for region in below if region in by_region),
        stops=0,
        owed=0,
        patrol=None,
        coverage=_coverage(below, asked, counted),
    )


def _coverage(regions: frozenset[str], asked: Asked, counted: Counted) -> Coverage | None:
    """Of the cameras that stand in these regions now."""
    shown = [each for camera, each in counted.shown.items() if asked.index.region_of_camera(camera) in regions]
    observed_s = sum(each.observed_s for each in shown)
    if observed_s <= 0:
        return None
    first_at = min(each.first_at for each in shown)
    return Coverage(shown=sum(each.shown_s for each in shown) / observed_s, since=max(first_at, counted.at - DAY_S))


class _Local:
    """Hourly totals as the zone's clocks show them. A day on which they change has 23 or 25 hours."""

    def __init__(self, totals: Mapping[int, int], counted: Counted, zone: ZoneInfo) -> None:
        self._totals = totals
        self._shift_s = counted.shift_s
        self._zone = zone
        self._now = datetime.fromtimestamp(counted.at, zone)
        self.day = self._now.date()
        oldest = None if counted.oldest_at is None else datetime.fromtimestamp(counted.oldest_at, zone).date()
        # The day of the oldest event was not stored from its beginning, or not certainly so.
        self._whole_since = None if oldest is None else oldest + timedelta(days=1)
        self.usual_days = [
            day
            for week in range(1, _WEEKS + 1)
            if self._whole_since is not None and (day := self.day - timedelta(weeks=week)) >= self._whole_since
        ]
        self._cells: Counter[tuple[date, int]] = Counter()
        for hour, number in totals.items():
            at = self._at(hour)
            self._cells[at.date(), at.hour] += number

    def _at(self, hour: int) -> datetime:
        return datetime.fromtimestamp(hour * HOUR_S - self._shift_s, self._zone)

    def of_today(self, counts: Mapping[int, int]) -> int:
        return sum(number for hour, number in counts.items() if self._at(hour).date() == self.day)

    def today(self) -> tuple[HourFigure, ...]:
        midnight = datetime(self.day.year, self.day.month, self.day.day, tzinfo=self._zone)
        days = self.usual_days
        return tuple(
            HourFigure(
                start=midnight.replace(hour=hour).timestamp(),
                events=self._cells[self.day, hour] if hour <= self._now.hour else None,
                usual=sum(self._cells[day, hour] for day in days) / len(days) if days else None,
            )
            for hour in range(24)
        )

    def heat(self) -> tuple[tuple[int, ...], ...] | None:
        """The days before today that are stored whole."""
        first = self.day - timedelta(days=PAST_DAYS)
        if self._whole_since is None or self._whole_since >= self.day:
            return None
        cells = [[0] * 24 for _ in range(7)]
        for (day, hour), number in self._cells.items():
            if max(first, self._whole_since) <= day < self.day:
                cells[day.weekday()][hour] += number
        return tuple(tuple(row) for row in cells)
