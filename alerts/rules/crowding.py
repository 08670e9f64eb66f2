"""人员聚集: many objects in a zone for some time."""

from __future__ import annotations

from alerts.rules.base import CONFIRM, Finding, Lasting, Ongoing, Sighting, select
from alerts.rules.geometry import inside
from configs.schema import CrowdingRule, Zone
from detect.detection import Tracks

END_SHARE = 0.8
"""A situation ends at this share of the limit, not at the limit, so that a count swinging about it stays one."""


class Crowding:
    """One finding a situation, when at least ``limit`` objects were counted for ``duration_s``.

    A single frame below the limit does not break the duration. Once found, the situation lasts until at most
    ``min(limit - 1, 80 % of limit)`` objects are counted on ``CONFIRM`` frames running.
    """

    def __init__(self, rule: CrowdingRule, zone: Zone) -> None:
        self._rule = rule
        self._zone = zone
        self._low = min(rule.limit - 1, int(END_SHARE * rule.limit))
        self._lasting: Lasting | None = None
        self._reported = False
        self._below = 0
        self._inside: frozenset[int] = frozenset()

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return self._inside if self._reported else frozenset()

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return (Ongoing((), len(self._inside), self._inside),) if self._reported else ()

    @property
    def pending(self) -> bool:
        return self._lasting is not None and not self._reported

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = tracks.captured_at
        crowd = [s for s in select(self._rule, tracks) if inside(s.anchor, self._zone.polygon)]
        self._inside = frozenset(sighting.id for sighting in crowd)
        count = len(crowd)
        if self._lasting is not None and self._lasting.forgotten(at):
            self._end()
        if count <= self._low if self._reported else count < self._rule.limit:
            self._below += 1
            if self._below >= CONFIRM:
                self._end()
        else:
            self._below = 0
        return self._hold(crowd, at)

    def _end(self) -> None:
        self._lasting = None
        self._reported = False
        self._below = 0

    def _hold(self, crowd: list[Sighting], at: float) -> list[Finding]:
        enough = len(crowd) >= self._rule.limit
        if self._lasting is None:
            if not enough:
                return []
            self._lasting = Lasting(at)
        duration = self._lasting.hold(at)
        if self._reported or not enough or duration < self._rule.duration_s:
            return []
        self._reported = True
        return [
            Finding(
                rule=self._rule,
                occurred_at=at,
                measured=len(crowd),
                limit=self._rule.limit,
                unit="objects",
                objects=tuple(sighting.seen for sighting in crowd),
                place=self._zone,
            )
        ]
