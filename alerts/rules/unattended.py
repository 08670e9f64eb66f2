"""离岗: who must be in a zone is not there."""

from __future__ import annotations

from alerts.rules.base import KEPT_S, Finding, Lasting, Ongoing, Selection
from alerts.rules.geometry import inside
from configs.places import Zone
from configs.rules import UnattendedRule
from detect.detection import Tracks


class Unattended:
    """One finding an absence, once fewer than ``required`` objects were inside for ``duration_s`` and on ``confirm``
    frames. The absence ends when enough were inside on ``confirm`` frames running.

    Only analysed pictures tell of an absence: a gap of ``FORGET_S`` between two of them starts the time anew, and one
    of up to ``KEPT_S`` does not end what was found.
    """

    def __init__(self, rule: UnattendedRule, zone: Zone) -> None:
        self._rule = rule
        self._zone = zone
        self._selection = Selection(rule)
        self._absence: Lasting | None = None
        self._missed = 0
        self._attended = 0
        self._reported = False
        self._inside: frozenset[int] = frozenset()

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return frozenset()  # who is there does what is wanted

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        if self._absence is None or not self._reported:
            return ()
        return (Ongoing((), round(self._absence.lasted, 3), self._inside),)

    @property
    def pending(self) -> bool:
        return self._absence is not None and not self._reported

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = tracks.captured_at
        seen = [sighting for sighting in self._selection.of(tracks) if inside(sighting.anchor, self._zone.polygon)]
        self._inside = frozenset(sighting.id for sighting in seen)
        if self._absence is not None and self._absence.forgotten(at):
            self._end()
        if len(seen) >= self._rule.required:
            self._attended += 1
            if self._attended >= self._rule.confirm:
                self._end()
        else:
            self._attended = 0
            self._missed += 1
            self._absence = self._absence or Lasting(at)
        if self._absence is None:
            return []
        missing_s = self._absence.hold(at)
        ripe = self._missed >= self._rule.confirm and missing_s >= self._rule.duration_s
        if self._reported or self._attended or not ripe:
            return []
        self._reported = True
        self._absence.keep(KEPT_S)
        return [
            Finding(
                rule=self._rule,
                occurred_at=at,
                measured=round(missing_s, 3),
                limit=self._rule.duration_s,
                unit="s",
                objects=tuple(sighting.seen for sighting in seen),
                place=self._zone,
            )
        ]

    def _end(self) -> None:
        self._absence = None
        self._missed = 0
        self._attended = 0
        self._reported = False
