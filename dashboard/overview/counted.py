"""What was counted in the store, once for all viewers: kept some seconds, so that twenty screens cost one query.

Hours that are past hardly change: all of them are read again every ten minutes, since an outage's backlog comes late,
and the last two each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.alarms.life import Closing
from alerts.storage.samples import CrowdSample, SampleStore, Shown
from alerts.storage.tallies import HOUR_S, HourCounts, OpenCounts, Tallies
from dashboard.overview.crowds import days
from dashboard.overview.messages import Overview
from dashboard.patrol.log import VisitLog
from dashboard.patrol.visits import Kept

KEPT_S = 3.0
ALL_HOURS_S = 600.0
SAMPLES_S = 30.0
"""As often as the historian stores them."""
RECENT_S = 2 * HOUR_S
PAST_DAYS = 28
DAY_S = 86400.0
CLOSED_DAYS = 7


@dataclass(frozen=True, slots=True)
class Visits:
    """Of the patrol over the last 24 hours, by camera. ``since``: when the first was kept, UTC epoch seconds."""

    by_camera: Mapping[str, Kept] = field(default_factory=dict)
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """``at``: when, UTC epoch seconds. ``shift_s``: what the zone lies off the full hour. ``folded``: overviews that
    were made of it already, by who asked for what. ``shown``: cameras, over the last 24
    hours; ``crowds``: counts of :func:`dashboard.overview.crowds.days`."""

    at: float
    hours: HourCounts
    shift_s: int
    oldest_at: float | None
    open: OpenCounts
    closings: dict[tuple[str, Closing], int]
    visits: Visits = Visits()
    shown: Mapping[str, Shown] = field(default_factory=dict)
    crowds: Sequence[CrowdSample] = ()
    folded: dict[object, Overview] = field(default_factory=dict)


class Counter:
    """``regions``: all there are now. :meth:`now` may be called from several threads; one of them counts."""

    def __init__(
        self,
        tallies: Tallies,
        visits: VisitLog,
        samples: SampleStore,
        regions: Callable[[], Collection[str]],
        zone: ZoneInfo,
        clock: Callable[[], float],
    ) -> None:
        self._tallies = tallies
        self._visits = visits
        self._samples = samples
        self._regions = regions
        self._zone = zone
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Counted | None = None
        self._all_at = 0.0
        self._sampled_at = 0.0

    def now(self) -> Counted:
        """At most ``KEPT_S`` old."""
        with self._lock:
            now = self._clock()
            if self._last is None or not 0 <= now - self._last.at < KEPT_S:
                self._last = self._counted(now, self._last)
            return self._last

    def _counted(self, now: float, last: Counted | None) -> Counted:
        offset = datetime.fromtimestamp(now, self._zone).utcoffset()
        shift_s = 0 if offset is None else int(offset.total_seconds()) % HOUR_S
        if last is None or last.shift_s != shift_s or not 0 <= now - self._all_at < ALL_HOURS_S:
            hours = self._tallies.hours(self._regions(), now - (PAST_DAYS + 1) * DAY_S, shift_s)
            self._all_at = now
        else:
            first = int((now - RECENT_S + shift_s) // HOUR_S)
            recent = self._tallies.hours(self._regions(), first * HOUR_S - shift_s, shift_s)
            hours = {key: number for key, number in last.hours.items() if key[1] < first} | recent
        shown, crowds = self._sampled(now, last)
        return Counted(
            at=now,
            hours=hours,
            shift_s=shift_s,
            oldest_at=self._tallies.oldest_at(),
            open=self._tallies.open_alarms(),
            closings=self._tallies.closings(now - CLOSED_DAYS * DAY_S),
            visits=self._visited(now - DAY_S),
            shown=shown,
            crowds=crowds,
        )

    def _sampled(self, now: float, last: Counted | None) -> tuple[Mapping[str, Shown], Sequence[CrowdSample]]:
        if last is not None and 0 <= now - self._sampled_at < SAMPLES_S:
            return last.shown, last.crowds
        self._sampled_at = now
        return self._samples.shown(now - DAY_S), self._samples.crowds(days(now, self._zone))

    def _visited(self, since: float) -> Visits:
        oldest_at = self._visits.first_at()
        return Visits(self._visits.tally(since), None if oldest_at is None else max(oldest_at, since))
