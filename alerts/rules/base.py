"""What rules have in common: the finding, the objects a rule looks at, and the two kinds of rule.

A rule is pure: its time is the capture time of what it observes, never the clock. It is fed by one thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from alerts.event import Measure, SeenObject
from alerts.rules.geometry import Point
from configs.places import Line, Zone
from configs.rules import ObjectRule, Rule
from detect.detection import Tracks
from ingest.state import StreamState

MOVING = "moving"
"""The label of objects found by motion alone: it matches every class, and its score says nothing of a class."""

FORGET_S = 10.0
"""After so long without an observation nothing is known to have lasted: what was pending starts anew."""

KEPT_S = 90.0
"""What was found is taken for the same after so long without an observation: behind a gate, where nothing moves, the
next look is up to half a minute away, and what stands there then stood there all the time."""

AWAITED_S = 2.0
"""What was not seen for so long is taken up again when it comes back, but nobody need look out for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's statement that something happened. Fields as in :class:`alerts.event.Event`.

    ``key`` is what tells apart happenings of the same rule on the same camera; without it they are one.
    """

    rule: Rule
    occurred_at: float
    measured: float
    limit: float
    unit: Measure
    lasted_s: float | None = None
    lasted_limit_s: float | None = None
    objects: tuple[SeenObject, ...] = ()
    place: Zone | Line | None = None
    direction: Literal["forward", "backward"] | None = None
    fault: str | None = None
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ongoing:
    """A happening that was found and lasts. ``key`` and the unit of ``measured`` are those of its :class:`Finding`;
    ``measured`` is what is measured now, ``tracks`` are who is part of it now."""

    key: tuple[str, ...]
    measured: float
    tracks: frozenset[int]


class TrackRule(Protocol):
    """A rule over tracked objects."""

    @property
    def place(self) -> Zone | Line:
        """Where it looks; drawn on the snapshot."""

    def observe(self, tracks: Tracks) -> list[Finding]:
        """Take one analysed frame, frames in order; return what it completed."""

    @property
    def alarmed(self) -> frozenset[int]:
        """Ids of the tracks that are part of a happening that lasts, as of the last frame."""

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        """Every happening that was found and still lasts after the last observed frame, one a key."""

    @property
    def pending(self) -> bool:
        """Whether a happening has begun that only time or the next frames complete: who looks must go on looking."""


@runtime_checkable
class CountingRule(Protocol):
    """A rule that counts who is in its zone."""

    @property
    def number_inside(self) -> int | None:
        """As of the last frame; ``None`` where it does not watch now."""


@runtime_checkable
class StateRule(Protocol):
    """A rule over the state of a camera's stream."""

    def observe_state(self, state: StreamState, now: float) -> list[Finding]:
        """Take the state as it is at ``now`` (UTC epoch seconds); return what it completed."""

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        """As of a :class:`TrackRule`, as of the last state; without tracks."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One selected object on one frame; ``anchor`` is its bottom centre, ``height`` a share of the picture's."""

    seen: SeenObject
    anchor: Point
    height: float

    @property
    def id(self) -> int:
        return self.seen.track_id


class Selection:
    """The objects that a rule is about: class, score and height fit.

    Scores and boxes of one object waver from frame to frame. Who fitted once goes on counting while score and height
    are at most the rule's ``hysteresis`` below their limits, and until it was not seen for ``FORGET_S``.
    """

    def __init__(self, rule: ObjectRule) -> None:
        self._rule = rule
        self._fitted: dict[int, float] = {}

    def of(self, tracks: Tracks) -> list[Sighting]:
        """Those of one frame, in the order of the tracks."""
        at, found = tracks.captured_at, []
        columns = zip(tracks.ids.tolist(), tracks.boxes.tolist(), tracks.scores.tolist(), tracks.labels, strict=True)
        for track_id, (x1, y1, x2, y2), score, label in columns:
            share = 1 - self._rule.hysteresis if track_id in self._fitted else 1.0
            if label != MOVING and (label not in self._rule.classes or score < share * self._rule.min_score):
                continue
            if y2 - y1 < share * self._rule.min_height:
                continue
            self._fitted[track_id] = at
            seen = SeenObject(track_id=track_id, label=label, score=min(max(score, 0.0), 1.0), box=(x1, y1, x2, y2))
            found.append(Sighting(seen, ((x1 + x2) / 2, y2), y2 - y1))
        self._fitted = {track: then for track, then in self._fitted.items() if abs(at - then) <= FORGET_S}
        return found


class Lasting:
    """Since when something holds, by capture times. A gap of ``forget_s`` or a clock that jumps back starts anew."""

    __slots__ = ("_forget_s", "_last", "_since")

    def __init__(self, at: float) -> None:
        self._since = self._last = at
        self._forget_s = FORGET_S

    def hold(self, at: float) -> float:
        """It still holds at ``at``; returns for how many seconds now."""
        if not 0 <= at - self._last <= self._forget_s:
            self._since = at
        self._last = at
        return at - self._since

    def keep(self, forget_s: float) -> None:
        """From now on a gap of up to ``forget_s`` is borne."""
        self._forget_s = forget_s

    @property
    def lasted(self) -> float:
        """Seconds up to the last observation."""
        return self._last - self._since

    def awaited(self, at: float) -> bool:
        """Whether it was observed so lately that the next frames should be looked at."""
        return abs(at - self._last) <= AWAITED_S

    def forgotten(self, at: float) -> bool:
        """Whether its last observation is too long ago, or in a future that a clock step took back."""
        return abs(at - self._last) > self._forget_s
