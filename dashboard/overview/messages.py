"""What the overview of a region holds. A figure that was not measured is null or absent, never filled in."""

from __future__ import annotations

from pydantic import Field

from alerts.alarms.life import AlarmState
from configs.schema import Severity
from dashboard.messages import Message


class OpenAlarms(Message):
    """How many open alarms are of this urgency and in this state."""

    urgency: Severity
    state: AlarmState
    alarms: int


class SiteAlarms(Message):
    """Open alarms of one site. ``urgency`` is the worst of those that nobody has acknowledged, else of all."""

    site_id: str
    urgency: Severity
    alarms: int
    unacknowledged: int


class Compliance(Message):
    """How the patrol kept its revisit interval: ``kept`` on time of ``due`` visits, with those that are overdue now.

    ``least_slack_s``: the least time that was left, negative where a visit was late; null before the first visit.
    """

    due: int
    kept: int
    least_slack_s: float | None


class Coverage(Message):
    """The share of time, of all cameras together, in which a camera could be seen and was looked at.

    Of the last 24 hours, or from ``since`` (UTC epoch s) if that is later; time that nobody noted is in no sum.
    """

    shown: float
    since: float


class CrowdCurve(Message):
    """How many objects stood in a zone over the day: 96 means over quarters of an hour from midnight, by local clocks,
    null where nobody counted.

    ``peak``: the most at once today. ``usual``: means over the same weekday of the last four weeks, ``usual_days`` of
    which were counted. ``limit``: from which number on it is an alarm, null where that is a density or depends on the
    hour.
    """

    camera_id: str
    rule_id: str
    place_id: str
    limit: int | None
    peak: int | None
    today: tuple[float | None, ...]
    usual: tuple[float | None, ...]
    usual_days: int


class ChildFigures(Message):
    """A region right under the one that was asked for, with all below it. ``urgency`` is null without an open alarm,
    ``patrol`` and ``coverage`` where nothing is known of it."""

    region_id: str
    urgency: Severity | None
    alarms: int
    unacknowledged: int
    today: int
    stops: int
    owed: int
    patrol: Compliance | None
    coverage: Coverage | None


class HourFigure(Message):
    """``events``: today's, null in an hour to come. ``usual``: a mean over the same weekday of the last four weeks."""

    start: float = Field(description="UTC epoch seconds")
    events: int | None
    usual: float | None


class PatrolFigures(Message):
    """``stops`` of the plan in the region, ``owed`` of them; visits and pre-emptions are the whole patrol's.

    ``compliance`` with the interval ``revisit_s`` is of the last 24 hours, or from ``since`` (UTC epoch s) if that is
    later; null before the first visit that could be late.
    """

    stops: int
    owed: int
    visits: int
    preempted: int
    revisit_s: float
    since: float | None
    compliance: Compliance


class Closings(Message):
    """What the alarms of the last seven days turned out to be."""

    confirmed: int
    false: int
    test: int


class Overview(Message):
    """Figures of one region and all below it, as far as the viewer covers it.

    ``region_id``: null where the viewer covers several regions that lie under no common one. ``complete``: every open
    alarm was counted. ``usual_days`` of the last four same weekdays are stored whole, and make ``usual``. ``heat``:
    events by weekday (Monday first) and local hour of the 28 days before today, null before a whole day is stored.
    ``crowds``: of the ``counted_places`` the three nearest to their limits, those that were not counted today left out.
    ``coverage`` is null before anybody took note, ``patrol`` before its first step.
    """

    region_id: str | None
    at: float = Field(description="when it was counted, UTC epoch seconds")
    open: tuple[OpenAlarms, ...]
    complete: bool
    sites: tuple[SiteAlarms, ...]
    children: tuple[ChildFigures, ...]
    hours: tuple[HourFigure, ...]
    usual_days: int
    heat: tuple[tuple[int, ...], ...] | None
    closings: Closings
    coverage: Coverage | None
    counted_places: int
    crowds: tuple[CrowdCurve, ...]
    patrol: PatrolFigures | None


class RegionOutline(Message):
    """A region's polygons: each an outer ring and its holes, of positions (longitude, latitude), WGS 84 degrees."""

    region_id: str
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
