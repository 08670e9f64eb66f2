"""人员聚集: many objects in a zone, by number or by the room they have, for some time."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from alerts.event import Measure
from alerts.rules.base import KEPT_S, Finding, Lasting, Ongoing, Selection, Sighting
from alerts.rules.geometry import inside
from configs.places import Zone
from configs.rules import CrowdingRule, CrowdLimit
from configs.schedule import Calendar
from detect.detection import Tracks

HIDDEN_S = 0.5
"""Who was inside still counts for so long without being seen: in a crowd somebody always walks before somebody."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Limit:
    """How many objects are too many, and what that is told as: ``value`` in ``unit``, one object being ``each``."""

    objects: int
    value: float
    unit: Measure
    each: float

    def measured(self, count: int) -> float:
        return round(count * self.each, 3)


class Crowding:
    """One finding a situation, when at least the limit was counted on ``confirm`` frames and for ``duration_s``.

    Fewer than ``confirm`` frames running below the limit do not break the duration. Once found, the situation lasts
    until the count fell by the rule's hysteresis, and by one at least, on ``confirm`` frames running: a count that
    swings about its limit stays one situation. A found one outlasts ``KEPT_S`` without an observation.
    """

    def __init__(self, rule: CrowdingRule, zone: Zone, calendar: Calendar) -> None:
        self._rule = rule
        self._zone = zone
        self._calendar = calendar
        self._selection = Selection(rule)
        self._lasting: Lasting | None = None
        self._limit: _Limit | None = None  # set while a situation that was found lasts
        self._seen: dict[int, tuple[float, Sighting]] = {}
        self._counted = 0
        self._below = 0
        self._inside: frozenset[int] = frozenset()

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return self._inside if self._limit is not None else frozenset()

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        if self._limit is None:
            return ()
        return (Ongoing((), self._limit.measured(len(self._inside)), self._inside),)

    @property
    def pending(self) -> bool:
        return self._lasting is not None and self._limit is None

    @property
    def number_inside(self) -> int:
        return len(self._inside)

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = tracks.captured_at
        crowd = self._crowd(tracks)
        self._inside = frozenset(sighting.id for sighting in crowd)
        limit = self._limit_at(at)
        if self._lasting is not None and self._lasting.forgotten(at):
            self._end()
        if len(crowd) < (limit.objects if self._limit is None else self._least(limit)):
            self._below += 1
            if self._below >= self._rule.confirm:
                self._end()
        else:
            self._below = 0
        return self._hold(crowd, limit, at)

    def _crowd(self, tracks: Tracks) -> list[Sighting]:
        """Who was inside when last seen, if that was at most ``HIDDEN_S`` ago."""
        at = tracks.captured_at
        for sighting in self._selection.of(tracks):
            if inside(sighting.anchor, self._zone.polygon):
                self._seen[sighting.id] = (at, sighting)
            else:
                self._seen.pop(sighting.id, None)
        self._seen = {track: (then, one) for track, (then, one) in self._seen.items() if 0 <= at - then <= HIDDEN_S}
        return [sighting for _, sighting in self._seen.values()]

    def _end(self) -> None:
        self._lasting = self._limit = None
        self._counted = self._below = 0

    def _least(self, limit: _Limit) -> int:
        """How many keep a situation going."""
        return min(limit.objects - 1, floor((1 - self._rule.hysteresis) * limit.objects + _ROUNDING)) + 1

    def _hold(self, crowd: list[Sighting], limit: _Limit, at: float) -> list[Finding]:
        enough = len(crowd) >= limit.objects
        if self._lasting is None:
            if not enough:
                return []
            self._lasting = Lasting(at)
        duration = self._lasting.hold(at)
        self._counted += enough
        ripe = self._counted >= self._rule.confirm and duration >= self._rule.duration_s
        if self._limit is not None or not (enough and ripe):
            return []
        self._limit = limit
        self._lasting.keep(KEPT_S)
        return [
            Finding(
                rule=self._rule,
                occurred_at=at,
                measured=limit.measured(len(crowd)),
                limit=limit.value,
                unit=limit.unit,
                lasted_s=round(duration, 3) if self._rule.duration_s else None,
                lasted_limit_s=self._rule.duration_s or None,
                objects=tuple(sighting.seen for sighting in crowd),
                place=self._zone,
            )
        ]

    def _limit_at(self, at: float) -> _Limit:
        """The limit of the hour; of a count and a density the one that is reached first."""
        plan: CrowdLimit = next((entry for entry in self._rule.plan if self._calendar.within((entry,), at)), self._rule)
        limits = []
        if plan.limit is not None:
            limits.append(_Limit(plan.limit, plan.limit, "objects", 1))
        if plan.density is not None:
            if self._zone.area_m2 is None:
                raise ValueError(f"rule {self._rule.id}: a density needs area_m2 of zone {self._zone.id}")
            needed = max(1, ceil(plan.density * self._zone.area_m2 - _ROUNDING))
            limits.append(_Limit(needed, plan.density, "per_m2", 1 / self._zone.area_m2))
        return min(limits, key=lambda limit: limit.objects)
