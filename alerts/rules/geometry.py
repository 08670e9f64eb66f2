"""Plane geometry of zones and lines: pure functions over normalised picture coordinates.

x points right and y points **down**, so "left of a line" is what a viewer sees on the left when looking along it:
for a line drawn from left to right, left is the upper side.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

Point = tuple[float, float]


def inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Whether ``point`` lies in ``polygon`` (closed by itself, even-odd rule); its edges and corners count as inside.

    Even-odd ray casting with half-open edges, after W. R. Franklin, "PNPOLY": each corner belongs to exactly one of
    its two edges, so that a ray through a corner is counted once.
    """
    x, y = point
    odd = False
    previous = polygon[-1]
    for corner in polygon:
        if _on_segment(point, previous, corner):
            return True
        (x1, y1), (x2, y2) = previous, corner
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
        previous = corner
    return odd


def signed_distance(point: Point, a: Point, b: Point) -> float:
    """Distance of ``point`` from the infinite line through ``a`` and ``b``: > 0 on the left looking from ``a`` to
    ``b``, < 0 on the right, in the units of the coordinates. Raises ``ValueError`` where ``a`` equals ``b``.
    """
    length = hypot(b[0] - a[0], b[1] - a[1])
    if length == 0:
        raise ValueError(f"line from {a} to {b}: want two different points")
    return -_cross(a, b, point) / length


def crossing(start: Point, end: Point, a: Point, b: Point) -> int:
    """How the step from ``start`` to ``end`` passes the segment ``a``-``b``.

    Returns 1 for "forward" (from the left to the right side of ``a`` → ``b``), -1 for backward, 0 for no passage. A
    point on the line belongs to its right side, so the steps of a path add up: their sum is how often the whole path
    went forward through the segment less how often it came back. Passing beyond an end of the segment is no passage;
    the end ``a`` belongs to the segment and ``b`` does not, so that of two joined segments exactly one is passed.
    """
    start_left, end_left = _left(start, a, b), _left(end, a, b)
    if start_left == end_left:
        return 0
    left, right = (start, end) if start_left else (end, start)
    # Seen along the step from left to right, the ends of the segment must lie on different sides of it.
    a_side, b_side = _cross(left, right, a), _cross(left, right, b)
    if not (a_side <= 0 < b_side or b_side < 0 <= a_side):
        return 0
    return 1 if start_left else -1


def _cross(a: Point, b: Point, p: Point) -> float:
    """z of (b - a) x (p - a): positive where ``p`` is to the right of ``a`` → ``b`` on the picture (y down)."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _left(p: Point, a: Point, b: Point) -> bool:
    return _cross(a, b, p) < 0


def _on_segment(p: Point, a: Point, b: Point) -> bool:
    within_x = min(a[0], b[0]) <= p[0] <= max(a[0], b[0])
    within_y = min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
    return within_x and within_y and _cross(a, b, p) == 0
