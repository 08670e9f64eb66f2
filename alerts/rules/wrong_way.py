"""逆行: an object moves against the direction of its zone."""

from __future__ import annotations

from collections import deque
from math import atan2, degrees, hypot

from alerts.rules.base import AWAITED_S, FORGET_S, Finding, Ongoing, Selection, Sighting
from alerts.rules.geometry import Point, inside
from configs.places import Zone
from configs.rules import WrongWayRule
from detect.detection import Tracks

TRAIL_S = 1.0
"""Motion is what lies between an object's place and that of up to a second ago: longer than a box sways."""

STANDS = 0.1
"""Less motion than this share of its height is standing, and has no direction."""

SHOWN_S = 3.0
"""A wrong way lasts for so long after its last wrong move: who stops in the lane has not turned round."""


class _Way:
    """One track's trail in the zone, and its run in the wrong direction."""

    __slots__ = ("origin", "outside", "reported", "right", "since", "trail", "wrong", "wrong_at")

    def __init__(self) -> None:
        self.trail: deque[tuple[float, Point]] = deque()
        self.outside = 0
        self.turn()

    def turn(self) -> None:
        """Its run is over, or has not begun."""
        self.origin: Point | None = None
        self.since = self.wrong_at = float("-inf")
        self.wrong = self.right = 0
        self.reported = False


class WrongWay:
    """One finding a run, when a track moved in the zone at more than ``beyond_deg`` from the zone's ``way`` for
    ``duration_s``, over ``distance`` times its height, and on ``confirm`` frames. Moves that are not wrong on
    ``confirm`` frames running end the run; standing does not.

    Angles are of normalised coordinates, as the zone's way is drawn. The measure is the run in seconds. All runs are
    one happening.
    """

    def __init__(self, rule: WrongWayRule, zone: Zone) -> None:
        if zone.way is None:
            raise ValueError(f"rule {rule.id}: zone {zone.id} has no way; draw one from a point to a point")
        (x1, y1), (x2, y2) = zone.way
        self._allowed = (x2 - x1, y2 - y1)
        self._rule = rule
        self._zone = zone
        self._selection = Selection(rule)
        self._ways: dict[int, _Way] = {}
        self._at = float("-inf")

    @property
    def place(self) -> Zone:
        return self._zone

    @property
    def alarmed(self) -> frozenset[int]:
        return frozenset(track for track, way in self._ways.items() if self._lasts(way))

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        lasting = {track: way.wrong_at - way.since for track, way in self._ways.items() if self._lasts(way)}
        return (Ongoing((), round(max(lasting.values()), 3), frozenset(lasting)),) if lasting else ()

    @property
    def pending(self) -> bool:
        return any(
            way.wrong and not way.reported and self._at - way.wrong_at <= AWAITED_S for way in self._ways.values()
        )

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = self._at = tracks.captured_at
        self._ways = {
            track: way for track, way in self._ways.items() if way.trail and 0 <= at - way.trail[-1][0] <= FORGET_S
        }
        findings = []
        for sighting in self._selection.of(tracks):
            if not inside(sighting.anchor, self._zone.polygon):
                self._outside(sighting.id)
                continue
            way = self._ways.setdefault(sighting.id, _Way())
            way.outside = 0
            self._move(way, sighting, at)
            if not way.reported and self._complete(way, sighting):
                way.reported = True
                findings.append(self._finding(sighting, way.wrong_at - way.since, at))
        return findings

    def _outside(self, track: int) -> None:
        way = self._ways.get(track)
        if way is None:
            return
        way.outside += 1
        if way.outside >= self._rule.confirm:
            del self._ways[track]

    def _move(self, way: _Way, sighting: Sighting, at: float) -> None:
        while len(way.trail) > 1 and at - way.trail[0][0] > TRAIL_S:
            way.trail.popleft()
        way.trail.append((at, sighting.anchor))
        since, origin = way.trail[0]
        if not self._moved(origin, sighting):
            return
        if self._angle(origin, sighting.anchor) > self._rule.beyond_deg:
            if way.origin is None:
                way.origin, way.since = origin, since
            way.right, way.wrong, way.wrong_at = 0, way.wrong + 1, at
        else:
            way.right += 1
            if way.right >= self._rule.confirm:
                way.turn()

    def _complete(self, way: _Way, sighting: Sighting) -> bool:
        if way.origin is None or way.wrong < self._rule.confirm or way.wrong_at - way.since < self._rule.duration_s:
            return False
        made = hypot(sighting.anchor[0] - way.origin[0], sighting.anchor[1] - way.origin[1])
        return (
            made >= self._rule.distance * sighting.height
            and self._angle(way.origin, sighting.anchor) > self._rule.beyond_deg
        )

    def _moved(self, origin: Point, sighting: Sighting) -> bool:
        made = hypot(sighting.anchor[0] - origin[0], sighting.anchor[1] - origin[1])
        return made >= STANDS * sighting.height

    def _angle(self, origin: Point, end: Point) -> float:
        """Between the motion and the zone's way, degrees, 0 to 180."""
        dx, dy = end[0] - origin[0], end[1] - origin[1]
        wx, wy = self._allowed
        return degrees(abs(atan2(wx * dy - wy * dx, wx * dx + wy * dy)))

    def _lasts(self, way: _Way) -> bool:
        return way.reported and self._at - way.wrong_at <= SHOWN_S

    def _finding(self, sighting: Sighting, run_s: float, at: float) -> Finding:
        return Finding(
            rule=self._rule,
            occurred_at=at,
            measured=round(run_s, 3),
            limit=self._rule.duration_s,
            unit="s",
            objects=(sighting.seen,),
            place=self._zone,
        )
