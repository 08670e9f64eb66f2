"""违停: an object stands still in a zone."""

from __future__ import annotations

from alerts.rules.base import FORGET_S, Finding, Ongoing, Selection, Sighting
from alerts.rules.geometry import inside
from alerts.rules.stay import Stay, Stays
from configs.places import Zone
from configs.rules import StoppedVehicleRule
from detect.detection import Tracks


class _Stand(Stay):
    """A stay at ``home``; ``away``: how often running it was seen elsewhere."""

    __slots__ = ("away", "home")

    def __init__(self, sighting: Sighting, at: float) -> None:
        super().__init__(sighting, at)
        self.home = sighting
        self.away = 0


class StoppedVehicle:
    """One finding a stand of ``duration_s`` with ``confirm`` sightings. It stands while its anchor keeps within
    ``jitter`` of its own width and height from where it stopped; the place does not follow, so that creeping is moving.

    Away from there on ``confirm`` frames running, or unseen for ``FORGET_S`` of observed time, the stand is over. A new
    track at the spot where another was lost goes on with its stand: something passed before it. All are one happening.
    """

    def __init__(self, rule: StoppedVehicleRule, zone: Zone) -> None:
        self._rule = rule
        self._zone = zone
        self._selection = Selection(rule)
        self._stands: Stays[_Stand] = Stays(FORGET_S, self._still)

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return self._stands.reported

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return self._stands.ongoing

    @property
    def pending(self) -> bool:
        return self._stands.pending

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = tracks.captured_at
        self._stands.begin(at)
        seen = self._selection.of(tracks)
        present = {sighting.id for sighting in seen}
        findings = []
        for sighting in seen:
            stand = self._stand(sighting, present, at)
            if stand is None or stand.reported:
                continue
            if stand.sightings >= self._rule.confirm and stand.lasted >= self._rule.duration_s:
                stand.reported = True
                findings.append(self._finding(sighting, stand.lasted, at))
        return findings

    def _stand(self, sighting: Sighting, present: set[int], at: float) -> _Stand | None:
        """The stand that this sighting is part of; None where it is away from it."""
        within = inside(sighting.anchor, self._zone.polygon)
        stand = self._stands.of(sighting, present)
        if stand is not None and within and self._still(stand.home, sighting):
            stand.away = 0
            stand.see(sighting, at)
            return stand
        if stand is not None:
            stand.away += 1
            if stand.away < self._rule.confirm:
                return None
            self._stands.end(sighting.id)
        if within:
            stand = _Stand(sighting, at)
            stand.see(sighting, at)
            self._stands.put(sighting.id, stand)
            return stand
        return None

    def _still(self, home: Sighting, now: Sighting) -> bool:
        x1, y1, x2, y2 = home.seen.box
        dx, dy = abs(now.anchor[0] - home.anchor[0]), abs(now.anchor[1] - home.anchor[1])
        return dx <= self._rule.jitter * (x2 - x1) and dy <= self._rule.jitter * (y2 - y1)

    def _finding(self, sighting: Sighting, stood_s: float, at: float) -> Finding:
        return Finding(
            rule=self._rule,
            occurred_at=at,
            measured=round(stood_s, 3),
            limit=self._rule.duration_s,
            unit="s",
            objects=(sighting.seen,),
            place=self._zone,
        )
