"""Flood control: above ten alarms in ten minutes a desk, what comes more is grouped by site and kind. Pure.

Grouping is a mark on the alarm, set when it comes to its desk, and changes nothing else: every alarm keeps its row, its
history and its reaction clock (EEMUA 191: an operator takes in about ten alarms in ten minutes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerts.alarms.load import FLOOD_ABOVE
from alerts.event import EventKind

Group = tuple[str, str, EventKind]
"""Desk, site and kind."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alarm that comes to a desk."""

    event_id: str
    desk: str
    site_id: str
    kind: EventKind

    @property
    def group(self) -> Group:
        return self.desk, self.site_id, self.kind


@dataclass(frozen=True, slots=True)
class Lately:
    """The last ten minutes: how many alarms each desk got one by one, and the marks of the groups that grew."""

    single: Mapping[str, int]
    groups: Mapping[Group, str]


def grouped(arrivals: Iterable[Arrival], lately: Lately) -> dict[str, str | None]:
    """For each alarm, in order of arrival, the mark of its group: the id of the first in it; ``None`` stands alone."""
    single, groups = dict(lately.single), dict(lately.groups)
    marks: dict[str, str | None] = {}
    for arrival in arrivals:
        if single.get(arrival.desk, 0) < FLOOD_ABOVE:
            single[arrival.desk] = single.get(arrival.desk, 0) + 1
            marks[arrival.event_id] = None
        else:
            marks[arrival.event_id] = groups.setdefault(arrival.group, arrival.event_id)
    return marks
