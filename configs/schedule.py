"""When a rule watches: weekdays, hours and holidays, in the site's time zone. Pure.

A span belongs to the day on which it begins: Friday's 22:00-06:00 lasts into Saturday morning. A listed holiday is a
``holiday`` and no weekday. Hours are read off the wall clock: where it jumps ahead, the hour that it leaves out is
missing; where it is set back, the hour that it repeats counts twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from pydantic import Field, field_validator

from configs.section import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
WEEKDAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: tuple[Day, ...] = (*WEEKDAYS, "holiday")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY_MIN = 24 * 60


class Span(Section):
    """Some hours of some days. ``hours``: from the first minute on and before the last; 22:00-06:00 passes midnight."""

    days: tuple[Day, ...] = EVERY_DAY
    hours: str = Field(default="00:00-24:00", description="HH:MM-HH:MM, wall clock")

    @field_validator("hours")
    @classmethod
    def _readable(cls, hours: str) -> str:
        begin, end = _minutes(hours)
        if end > _DAY_MIN:
            raise ValueError(f"{hours}: a day ends at 24:00")
        if begin == end:
            raise ValueError(f"{hours}: begins and ends at once; the whole day is 00:00-24:00")
        return hours

    def holds(self, at: datetime, holidays: Collection[date]) -> bool:
        """Whether ``at``, local time, lies in the span."""
        begin, end = _minutes(self.hours)
        minute = at.hour * 60 + at.minute
        today = at.date()
        if begin < end:
            return begin <= minute < end and kind_of_day(today, holidays) in self.days
        if minute >= begin:
            return kind_of_day(today, holidays) in self.days
        return minute < end and kind_of_day(today - timedelta(days=1), holidays) in self.days


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a schedule is read by: the site's time zone and the listed holidays."""

    zone: tzinfo
    holidays: frozenset[date] = frozenset()

    def within(self, spans: Iterable[Span], at: float) -> bool:
        """Whether ``at`` (UTC epoch seconds) lies in one of the spans, by the wall clock of the zone."""
        local = datetime.fromtimestamp(at, self.zone)
        return any(span.holds(local, self.holidays) for span in spans)


def kind_of_day(day: date, holidays: Collection[date]) -> Day:
    """The weekday, or ``holiday`` where the date is listed."""
    return "holiday" if day in holidays else WEEKDAYS[day.weekday()]


def _minutes(hours: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise ValueError(f"{hours!r}: want hours as HH:MM-HH:MM")
    begin_h, begin_m, end_h, end_m = (int(number) for number in found.groups())
    return begin_h * 60 + begin_m, end_h * 60 + end_m
