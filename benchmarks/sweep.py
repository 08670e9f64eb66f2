"""Lines, zones and crowd limits by the dozen, drawn at random but always the same, and the events that they make.

Truth and what was found pass through the same rules and the same stage of situations, on the same sweep.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import count
from math import cos, pi, sin

from alerts.event import Event
from alerts.pipeline import CameraRules
from alerts.rehearsal import Rehearsal
from configs.places import Line, Zone
from configs.rules import CrowdingRule, IntrusionRule, LineCrossingRule, Rule
from configs.schedule import Calendar
from configs.schema import Camera, StreamSettings
from detect.detection import Tracks

LINES, ZONES, CROWDS = 80, 60, 60
DWELLS_S = (0.0, 0.5, 1.0)
DURATIONS_S = (0.0, 0.5, 1.0)
LIMITS = (2, 3, 4)
REARM_S = 1.0
WITHIN_S = 1.0
"""An event is the one of the truth if it begins so near to it."""


def sweep(name: str, *, rearm_s: float = REARM_S, every: int = 1) -> Camera:
    """A camera with ``LINES`` lines, ``ZONES`` zones and ``CROWDS`` crowd limits where people walk, in the lower half
    of the picture; of their rules every ``every``-th.

    Zones are parallelograms a fifth to a half of the picture wide and high; those of crowds are twice as wide.
    """
    draw = random.Random(name)
    lines = tuple(_line(draw, number) for number in range(LINES))
    zones = tuple(_zone(draw, number, 1.0) for number in range(ZONES))
    squares = tuple(_zone(draw, number, 2.0) for number in range(ZONES, ZONES + CROWDS))
    rules: list[Rule] = [
        LineCrossingRule(id=f"cross-{line.id}", kind="line_crossing", name=line.id, line=line.id, rearm_s=rearm_s)
        for line in lines
    ]
    rules += [
        IntrusionRule(
            id=f"enter-{zone.id}",
            kind="intrusion",
            name=zone.id,
            zone=zone.id,
            dwell_s=draw.choice(DWELLS_S),
            rearm_s=rearm_s,
        )
        for zone in zones
    ]
    rules += [
        CrowdingRule(
            id=f"crowd-{zone.id}",
            kind="crowding",
            name=zone.id,
            zone=zone.id,
            limit=draw.choice(LIMITS),
            duration_s=draw.choice(DURATIONS_S),
            rearm_s=rearm_s,
        )
        for zone in squares
    ]
    stream = StreamSettings(url="rtsp://127.0.0.1/clip")
    return Camera(
        id=name, site="clip", name=name, main=stream, lines=lines, zones=(*zones, *squares), rules=tuple(rules[::every])
    )


def _line(draw: random.Random, number: int) -> Line:
    x, y = draw.uniform(0.15, 0.85), draw.uniform(0.6, 0.9)
    angle, half = draw.uniform(0, pi), draw.uniform(0.15, 0.3)
    dx, dy = half * cos(angle), half * sin(angle)
    return Line(id=f"l{number}", name=f"l{number}", a=_clipped(x - dx, y - dy), b=_clipped(x + dx, y + dy))


def _zone(draw: random.Random, number: int, widened: float) -> Zone:
    width, height = draw.uniform(0.2, 0.5) * widened, draw.uniform(0.2, 0.5)
    x, y = draw.uniform(0.1, 0.9), draw.uniform(0.6, 0.9)
    lean = draw.uniform(-0.1, 0.1)
    left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    corners = ((left + lean, top), (right + lean, top), (right - lean, bottom), (left - lean, bottom))
    return Zone(id=f"z{number}", name=f"z{number}", polygon=tuple(_clipped(*corner) for corner in corners))


def _clipped(x: float, y: float) -> tuple[float, float]:
    return round(min(max(x, 0.0), 1.0), 4), round(min(max(y, 0.0), 1.0), 4)


@dataclass(frozen=True, slots=True)
class Happened:
    """What the rules made of tracks. ``hits``: of each event by its id, on how many frames something was found or went
    on that became part of it. ``candidates``: the rules' findings, by dedup key, when they occurred."""

    events: tuple[Event, ...]
    hits: dict[str, int]
    candidates: tuple[tuple[str, float], ...]


def events_of(camera: Camera, tracks: Sequence[Tracks]) -> Happened:
    """The camera's rules over the tracks, frames in order, and the stage of situations behind them."""
    stage, numbers = Rehearsal(), count()
    clock = [0.0]
    rules = CameraRules(
        camera,
        region_id="clip",
        calendar=Calendar(UTC),
        model_id=None,
        new_id=lambda: str(next(numbers)),
        clock=lambda: clock[0],
    )
    candidates = []
    for frame in tracks:
        at = clock[0] = frame.captured_at
        found = rules.observe(frame)
        candidates += [(candidate.dedup_key, candidate.event.occurred_at) for candidate in found]
        stage.frame(at, found, rules.ongoing)
    return Happened(tuple(stage.events), dict(stage.signs), tuple(candidates))


@dataclass(frozen=True, slots=True)
class Matched:
    """Counts of events: in truth, found, and both. ``late_s``: how much later than the truth each of both began."""

    true: int
    found: int
    both: int
    late_s: tuple[float, ...] = ()

    @property
    def f1(self) -> float:
        """2·both / (true + found); 1 where there is nothing to find and nothing was found."""
        every = self.true + self.found
        return 2 * self.both / every if every else 1.0

    def __add__(self, other: Matched) -> Matched:
        return Matched(
            self.true + other.true, self.found + other.found, self.both + other.both, self.late_s + other.late_s
        )


def match(true: Sequence[Event], found: Sequence[Event]) -> Matched:
    """One to one by rule and direction (a rule has one place), starts within ``WITHIN_S``; in order of time each of the
    truth takes the first that is left, which makes the most pairs.
    """
    late, left = [], sorted(found, key=lambda event: event.occurred_at)
    for one in sorted(true, key=lambda event: event.occurred_at):
        for other in left:
            alike = (other.rule_id, other.direction) == (one.rule_id, one.direction)
            if alike and abs(other.occurred_at - one.occurred_at) <= WITHIN_S:
                late.append(other.occurred_at - one.occurred_at)
                left.remove(other)
                break
    return Matched(len(true), len(found), len(late), tuple(late))
