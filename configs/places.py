"""What is drawn on a camera's picture: zones and lines, in normalised coordinates, x right and y down."""

from __future__ import annotations

from math import hypot
from typing import Self

from pydantic import Field, field_validator, model_validator

from configs.section import Identifier, Name, Point, Section

LEAST_WAY = 0.01
"""An arrow shorter than this share of the picture has no direction that a hand could have meant."""


class Zone(Section):
    """A simple polygon, at least three corners.

    ``area_m2``: an estimate of the ground that it covers, for persons per square metre. ``way``: from a point to a
    point, the direction in which traffic in the zone goes.
    """

    id: Identifier
    name: Name
    polygon: tuple[Point, ...] = Field(min_length=3)
    area_m2: float | None = Field(default=None, gt=0, le=1_000_000, description="estimate, square metres of ground")
    way: tuple[Point, Point] | None = Field(default=None, description="the allowed direction, from a point to a point")

    @field_validator("polygon")
    @classmethod
    def _simple(cls, polygon: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(set(polygon)) != len(polygon):
            raise ValueError("a corner stands twice")
        n = len(polygon)
        for i in range(n):
            for j in range(i + 2, n):
                if (j + 1) % n == i:
                    continue
                if _cross(polygon[i], polygon[(i + 1) % n], polygon[j], polygon[(j + 1) % n]):
                    raise ValueError(f"sides {i + 1} and {j + 1} cross: the corners are not in order")
        if abs(_area(polygon)) < 1e-6:
            raise ValueError("the polygon has no area")
        return polygon

    @field_validator("way")
    @classmethod
    def _has_direction(cls, way: tuple[Point, Point] | None) -> tuple[Point, Point] | None:
        if way is not None and hypot(way[1][0] - way[0][0], way[1][1] - way[0][1]) < LEAST_WAY:
            raise ValueError("both points of the way are nearly the same: it has no direction")
        return way


class Line(Section):
    """A directed line from ``a`` to ``b``; who crosses it "forward" passes from its left to its right side."""

    id: Identifier
    name: Name
    a: Point
    b: Point

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.a == self.b:
            raise ValueError("both ends of the line are the same point")
        return self


def _area(polygon: tuple[Point, ...]) -> float:
    """Signed area, shoelace formula."""
    following = (*polygon[1:], polygon[0])
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, following, strict=True)) / 2


def _side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments ab and cd cross or touch."""
    s = (_side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b))
    if s[0] * s[1] < 0 and s[2] * s[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(
        side == 0 and min(p[0], q[0]) <= r[0] <= max(p[0], q[0]) and min(p[1], q[1]) <= r[1] <= max(p[1], q[1])
        for side, (p, q, r) in zip(s, ends, strict=True)
    )
