"""周界入侵: an object stays inside a zone."""

from __future__ import annotations

from alerts.rules.base import Finding, Lasting, Ongoing, Selection, Sighting
from alerts.rules.geometry import inside
from configs.places import Zone
from configs.rules import IntrusionRule
from detect.detection import Tracks


class _Visit:
    """One track's stay in the zone."""

    __slots__ = ("inside", "lasting", "outside", "reported")

    def __init__(self, at: float) -> None:
        self.lasting = Lasting(at)
        self.inside = 0
        self.outside = 0
        self.reported = False


class Intrusion:
    """One finding a track's entry, after ``confirm`` sightings inside and ``dwell_s``; armed again once the track was
    seen outside on ``confirm`` frames running or was not seen at all for ``FORGET_S``.

    With a dwell the measure is the stay in seconds against ``dwell_s``; without, it is the objects inside against 1.
    All entries into the zone are one happening: the window of the dedup key merges them.
    """

    def __init__(self, rule: IntrusionRule, zone: Zone) -> None:
        self._rule = rule
        self._zone = zone
        self._selection = Selection(rule)
        self._visits: dict[int, _Visit] = {}
        self._at = float("-inf")

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return frozenset(track for track, visit in self._visits.items() if visit.reported)

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        stays = {track: visit.lasting.lasted for track, visit in self._visits.items() if visit.reported}
        if not stays:
            return ()
        measured = max(stays.values()) if self._rule.dwell_s else len(stays)
        return (Ongoing((), round(measured, 3), frozenset(stays)),)

    @property
    def pending(self) -> bool:
        return any(not visit.reported and visit.lasting.awaited(self._at) for visit in self._visits.values())

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = self._at = tracks.captured_at
        completed: list[tuple[Sighting, float]] = []
        for sighting in self._selection.of(tracks):
            if not inside(sighting.anchor, self._zone.polygon):
                self._outside(sighting.id)
                continue
            visit = self._visits.get(sighting.id)
            if visit is None or visit.lasting.forgotten(at):
                visit = self._visits[sighting.id] = _Visit(at)
            visit.outside = 0
            visit.inside += 1
            stay = visit.lasting.hold(at)
            if not visit.reported and visit.inside >= self._rule.confirm and stay >= self._rule.dwell_s:
                visit.reported = True
                completed.append((sighting, stay))
        self._visits = {track: visit for track, visit in self._visits.items() if not visit.lasting.forgotten(at)}
        return [self._finding(sighting, stay, at) for sighting, stay in completed]

    def _outside(self, track: int) -> None:
        visit = self._visits.get(track)
        if visit is None:
            return
        visit.outside += 1
        if visit.outside >= self._rule.confirm:
            del self._visits[track]

    def _finding(self, sighting: Sighting, stay: float, at: float) -> Finding:
        dwell = self._rule.dwell_s
        return Finding(
            rule=self._rule,
            occurred_at=at,
            measured=round(stay, 3) if dwell else len(self._visits),
            limit=dwell or 1,
            unit="s" if dwell else "objects",
            objects=(sighting.seen,),
            place=self._zone,
        )
