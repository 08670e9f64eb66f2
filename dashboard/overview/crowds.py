"""How many stood in counted zones over the day, against the same weekday of the weeks before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.storage.samples import CrowdSample
from alerts.storage.schema import QUARTER_S
from configs.rules import CrowdingRule
from configs.schema import Settings
from dashboard.overview.messages import CrowdCurve

WEEKS = 4
SHOWN = 3
"""Curves of one region: what a big screen has room for."""
_QUARTERS = 96


@dataclass(frozen=True, slots=True)
class CountedPlace:
    """A zone that a rule counts in. ``limit``: ``None`` where it is a density, or depends on the hour."""

    camera_id: str
    rule_id: str
    zone_id: str
    limit: int | None


def places_of(settings: Settings) -> tuple[CountedPlace, ...]:
    """Of all cameras, in file order."""
    return tuple(
        CountedPlace(camera.id, rule.id, rule.zone, None if rule.plan or rule.density is not None else rule.limit)
        for camera in settings.cameras
        for rule in camera.rules
        if isinstance(rule, CrowdingRule)
    )


def days(now: float, zone: ZoneInfo) -> tuple[tuple[float, float], ...]:
    """From when until when today and the same weekdays of the last weeks last in the zone, UTC epoch seconds."""
    today = datetime.fromtimestamp(now, zone).date()
    return tuple(
        (_midnight(day, zone), _midnight(day + timedelta(days=1), zone))
        for day in (today - timedelta(weeks=week) for week in range(WEEKS + 1))
    )


def curves(
    places: Iterable[CountedPlace], samples: Iterable[CrowdSample], now: float, zone: ZoneInfo
) -> tuple[CrowdCurve, ...]:
    """Of the places that are nearest to their limit now, then of the busiest; those that were not counted today are
    left out. ``samples``: of :func:`days`."""
    by_place: dict[tuple[str, str], list[CrowdSample]] = {}
    for sample in samples:
        by_place.setdefault((sample.camera_id, sample.rule_id), []).append(sample)
    slots = _Slots(now, zone)
    found = [
        _curve(place, by_place[place.camera_id, place.rule_id], slots)
        for place in places
        if (place.camera_id, place.rule_id) in by_place
    ]
    counted = [curve for curve in found if curve.peak is not None]
    return tuple(sorted(counted, key=_busiest_first)[:SHOWN])


class _Slots:
    """Where a quarter lies: on today or an earlier day, and in which quarter of it by the zone's clocks."""

    def __init__(self, now: float, zone: ZoneInfo) -> None:
        self._today = datetime.fromtimestamp(now, zone).date()
        self._zone = zone
        self._known: dict[int, tuple[date | None, int]] = {}

    def of(self, quarter: int) -> tuple[date | None, int]:
        """The day, ``None`` for today, and the quarter of it."""
        if quarter not in self._known:
            at = datetime.fromtimestamp(quarter * QUARTER_S, self._zone)
            day = at.date()
            self._known[quarter] = (None if day == self._today else day, at.hour * 4 + at.minute // 15)
        return self._known[quarter]


def _curve(place: CountedPlace, samples: Sequence[CrowdSample], slots: _Slots) -> CrowdCurve:
    today: dict[int, float] = {}
    usual: dict[int, list[float]] = {}
    past: set[date] = set()
    peak: int | None = None
    for sample in samples:
        day, slot = slots.of(sample.quarter)
        mean = sample.objects / sample.looks
        if day is None:
            today[slot] = mean
            peak = max(sample.peak, peak or 0)
        else:
            usual.setdefault(slot, []).append(mean)
            past.add(day)
    return CrowdCurve(
        camera_id=place.camera_id,
        rule_id=place.rule_id,
        place_id=place.zone_id,
        limit=place.limit,
        peak=peak,
        today=_line(today),
        usual=_line({slot: sum(means) / len(means) for slot, means in usual.items()}),
        usual_days=len(past),
    )


def _line(points: Mapping[int, float]) -> tuple[float | None, ...]:
    return tuple(round(points[slot], 2) if slot in points else None for slot in range(_QUARTERS))


def _busiest_first(curve: CrowdCurve) -> tuple[float, float, str, str]:
    latest = next((mean for mean in reversed(curve.today) if mean is not None), 0.0)
    return -(latest / curve.limit if curve.limit else 0.0), -latest, curve.camera_id, curve.rule_id


def _midnight(day: date, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
