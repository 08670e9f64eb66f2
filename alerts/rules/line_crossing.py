"""越线: an object's path passes a line."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from alerts.rules.base import AWAITED_S, FORGET_S, Finding, Ongoing, Selection, Sighting
from alerts.rules.geometry import Point, crossing, signed_distance
from configs.places import Line
from configs.rules import LineCrossingRule
from detect.detection import Tracks

CLEAR = 0.005
CLEAR_OF_HEIGHT = 0.05
"""An object has left the line when its anchor is this far from it: a share of the picture, and of the object's height,
because the jitter of a box grows with the box."""

SHOWN_S = 3.0
"""A track counts as in alarm for so long after its passage, and passages that follow so closely are one happening."""

Direction = Literal["forward", "backward"]


class _Path:
    """One track's way: the side it stands on, the passages through the segment since it last stood clear there, and
    how often running it was seen clear on the other side."""

    __slots__ = ("anchor", "at", "beyond", "left", "passages")

    def __init__(self, anchor: Point, at: float, left: bool) -> None:
        self.anchor = anchor
        self.at = at
        self.left = left
        self.passages = 0
        self.beyond = 0


class LineCrossing:
    """One finding a passage. A track that is first seen near the line counts from the side it was seen on; it has
    passed when it was seen clear of the line on the other side, ``confirm`` times running, and its path went through
    the segment, not round an end. Jitter on the line and turning back are no passages. Passages in one direction are
    one happening, and the finding says which of it this one is.
    """

    def __init__(self, rule: LineCrossingRule, line: Line) -> None:
        self._rule = rule
        self._line = line
        self._selection = Selection(rule)
        self._paths: dict[int, _Path] = {}
        self._lately: dict[tuple[Direction, int], float] = {}
        self._counts: Counter[Direction] = Counter()
        self.passed: Counter[Direction] = Counter()
        """Passages by direction since the rule was made: its running figure."""
        self._at = float("-inf")

    @property
    def place(self) -> Line:
        return self._line

    @property
    def alarmed(self) -> frozenset[int]:
        return frozenset(track for _, track in self._lately)

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        tracks: dict[Direction, set[int]] = {}
        for direction, track in self._lately:
            tracks.setdefault(direction, set()).add(track)
        return tuple(Ongoing((way,), self._counts[way], frozenset(found)) for way, found in tracks.items())

    @property
    def pending(self) -> bool:
        return any(path.passages and abs(self._at - path.at) <= AWAITED_S for path in self._paths.values())

    def observe(self, tracks: Tracks) -> list[Finding]:
        at = self._at = tracks.captured_at
        findings = []
        for sighting in self._selection.of(tracks):
            direction = self._step(sighting, at)
            if direction is None or self._rule.direction not in (direction, "both"):
                continue
            self._lately[direction, sighting.id] = at
            self._counts[direction] += 1
            self.passed[direction] += 1
            findings.append(self._finding(sighting, direction, at))
        self._paths = {track: path for track, path in self._paths.items() if abs(at - path.at) <= FORGET_S}
        self._lately = {who: then for who, then in self._lately.items() if abs(at - then) <= SHOWN_S}
        last = {direction for direction, _ in self._lately}
        self._counts = Counter({way: count for way, count in self._counts.items() if way in last})
        return findings

    def _step(self, sighting: Sighting, at: float) -> Direction | None:
        """Move one track on; return the direction when that completes a passage."""
        a, b = self._line.a, self._line.b
        distance = signed_distance(sighting.anchor, a, b)
        path = self._paths.get(sighting.id)
        if path is None or abs(at - path.at) > FORGET_S:
            self._paths[sighting.id] = _Path(sighting.anchor, at, distance > 0)
            return None
        path.passages += crossing(path.anchor, sighting.anchor, a, b)
        path.anchor, path.at = sighting.anchor, at
        if abs(distance) < max(CLEAR, CLEAR_OF_HEIGHT * sighting.height):
            return None
        if (distance > 0) == path.left:
            path.passages = path.beyond = 0
            return None
        path.beyond += 1
        if path.beyond < self._rule.confirm:
            return None
        passages, path.passages, path.beyond, path.left = path.passages, 0, 0, distance > 0
        if passages == 0:
            return None
        return "forward" if passages > 0 else "backward"

    def _finding(self, sighting: Sighting, direction: Direction, at: float) -> Finding:
        return Finding(
            rule=self._rule,
            occurred_at=at,
            measured=self._counts[direction],
            limit=1,
            unit="crossings",
            objects=(sighting.seen,),
            place=self._line,
            direction=direction,
            key=(direction,),
        )
