"""徘徊: an object stays about in a zone for long."""

from __future__ import annotations

from math import hypot

from alerts.rules.base import Finding, Ongoing, Selection, Sighting
from alerts.rules.geometry import inside
from alerts.rules.stay import Stay, Stays
from configs.places import Zone
from configs.rules import LoiteringRule
from detect.detection import Tracks


class Loitering:
    """One finding a stay of ``dwell_s`` with ``confirm`` sightings inside. Who is outside or not seen for up to
    ``absence_s`` has not left; a new track within one height of where another was lost goes on with its stay.

    The measure is the stay in seconds, absences included. All stays are one happening.
    """

    def __init__(self, rule: LoiteringRule, zone: Zone) -> None:
        self._rule = rule
        self._zone = zone
        self._selection = Selection(rule)
        self._stays: Stays[Stay] = Stays(rule.absence_s, _within_a_height)

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return self._stays.reported

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return self._stays.ongoing

    @property
    def pending(self) -> bool:
        return self._stays.pending

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = tracks.captured_at
        self._stays.begin(at)
        seen = self._selection.of(tracks)
        present = {sighting.id for sighting in seen}
        findings = []
        for sighting in seen:
            if not inside(sighting.anchor, self._zone.polygon):
                continue
            stay = self._stays.of(sighting, present)
            if stay is None:
                stay = Stay(sighting, at)
                self._stays.put(sighting.id, stay)
            stay.see(sighting, at)
            if not stay.reported and stay.sightings >= self._rule.confirm and stay.lasted >= self._rule.dwell_s:
                stay.reported = True
                findings.append(self._finding(sighting, stay.lasted, at))
        return findings

    def _finding(self, sighting: Sighting, stay_s: float, at: float) -> Finding:
        return Finding(
            rule=self._rule,
            occurred_at=at,
            measured=round(stay_s, 3),
            limit=self._rule.dwell_s,
            unit="s",
            objects=(sighting.seen,),
            place=self._zone,
        )


def _within_a_height(lost: Sighting, found: Sighting) -> bool:
    return hypot(found.anchor[0] - lost.anchor[0], found.anchor[1] - lost.anchor[1]) <= lost.height
