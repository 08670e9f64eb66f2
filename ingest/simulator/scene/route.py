"""Ways through a scene: periodic, so that the last frame of a turn leads into the first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ingest.simulator.scene.view import Points


@dataclass(frozen=True)
class Pose:
    """Where something is and heads.

    ``x`` and ``z`` are metres on the ground, ``heading`` radians from +x towards +z, ``travelled`` the metres come so
    far, ``speed`` metres a second.
    """

    x: float
    z: float
    heading: float
    travelled: float
    speed: float


@dataclass(frozen=True)
class Route:
    """A way ``points`` ``(n, 2)`` of x and z, travelled once from ``start`` seconds on at ``speed``.

    A closed way is travelled once a turn instead, whatever the speed. ``hold`` is where on an open way to stand still,
    as a share of its length, and for how many seconds.
    """

    points: Points
    speed: float
    start: float = 0.0
    closed: bool = False
    hold: tuple[float, float] | None = None

    @cached_property
    def _way(self) -> tuple[Points, Points]:
        points = np.vstack([self.points, self.points[:1]]) if self.closed else self.points
        if len(points) > 2:
            points = _rounded(points, self.closed)
        steps = np.hypot(*np.diff(points, axis=0).T)
        return points, np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length(self) -> float:
        """Metres."""
        return float(self._way[1][-1])

    @property
    def duration(self) -> float:
        """Of an open way from end to end, seconds."""
        return self.length / self.speed + (self.hold[1] if self.hold else 0.0)

    def poses(self, t: float, period: float) -> list[tuple[int, Pose]]:
        """Who is on the way at ``t`` of a turn of ``period`` seconds: a number from 0 and the pose.

        Where the way takes longer than a turn, several are on it, a turn apart; numbers move up at the seam.
        """
        if self.closed:
            share = (t - self.start) / period % 1.0
            return [(0, self._at(share * self.length, self.length / period))]
        found = []
        elapsed = (t - self.start) % period
        number = 0
        while elapsed < self.duration:
            distance, speed = self._distance(elapsed)
            found.append((number, self._at(distance, speed)))
            elapsed += period
            number += 1
        return found

    def _distance(self, elapsed: float) -> tuple[float, float]:
        if self.hold is None:
            return elapsed * self.speed, self.speed
        reached = self.hold[0] * self.length / self.speed
        if elapsed < reached:
            return elapsed * self.speed, self.speed
        if elapsed < reached + self.hold[1]:
            return reached * self.speed, 0.0
        return (elapsed - self.hold[1]) * self.speed, self.speed

    def _at(self, distance: float, speed: float) -> Pose:
        points, lengths = self._way
        index = int(np.clip(np.searchsorted(lengths, distance, side="right") - 1, 0, len(points) - 2))
        a, b = points[index], points[index + 1]
        step = lengths[index + 1] - lengths[index]
        share = (distance - lengths[index]) / step if step > 0 else 0.0
        x, z = a + (b - a) * share
        return Pose(float(x), float(z), math.atan2(b[1] - a[1], b[0] - a[0]), distance, speed)


def _rounded(points: Points, closed: bool) -> Points:
    """Corners replaced by short curves that leave the way at most 1.2 m before them; a closed way repeats its start."""
    corners = range(len(points) - 1) if closed else range(1, len(points) - 1)
    found = [] if closed else [points[0]]
    for index in corners:
        before, at, after = points[index - 1 if index else -2], points[index], points[index + 1]
        ends = []
        for other in (before, after):
            far = float(np.hypot(*(other - at)))
            ends.append(at + (other - at) * (min(1.2, far / 2) / far))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):  # a quadratic Bezier curve with the corner as its control point
            found.append(ends[0] * (1 - share) ** 2 + at * 2 * share * (1 - share) + ends[1] * share**2)
    found.append(found[0] if closed else points[-1])
    return np.array(found)


def line(x1: float, z1: float, x2: float, z2: float) -> Points:
    """A straight way."""
    return np.array([[x1, z1], [x2, z2]])
