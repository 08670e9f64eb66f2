"""Geometry against what a drawing shows, and against properties that hold for any drawing."""

from __future__ import annotations

import itertools
from math import cos, pi, sin

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts.rules.geometry import Point, crossing, inside, signed_distance

GRID = 32
# Thirty-seconds are exact in binary, so that "on the line" means what it says.
exact = st.integers(0, GRID).map(lambda n: n / GRID)
points = st.tuples(exact, exact)
L_SHAPE: tuple[Point, ...] = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.4), (0.4, 0.4), (0.4, 0.9), (0.1, 0.9))


@pytest.mark.parametrize(
    ("point", "expected", "reason"),
    [
        ((0.2, 0.8), True, "in the foot of the L"),
        ((0.8, 0.2), True, "in its arm"),
        ((0.8, 0.8), False, "in the notch, though within the bounding box"),
        ((0.4, 0.6), True, "on an edge"),
        ((0.4, 0.4), True, "on the inner corner"),
        ((0.1, 0.9), True, "on an outer corner"),
        ((0.0, 0.1), False, "level with an edge, beyond it"),
        ((0.95, 0.4), False, "level with a corner: the ray passes two corners"),
    ],
)
def test_a_point_is_inside_a_concave_zone_or_not(point: Point, expected: bool, reason: str) -> None:
    assert inside(point, L_SHAPE) is expected, reason
    assert inside(point, tuple(reversed(L_SHAPE))) is expected, "drawn the other way round"


@given(points, st.integers(3, 12), st.floats(0.05, 0.5), st.floats(0, 2 * pi))
def test_a_regular_zone_holds_what_its_circles_say(point: Point, corners: int, radius: float, turn: float) -> None:
    angles = [turn + 2 * pi * k / corners for k in range(corners)]
    polygon = [(0.5 + radius * cos(angle), 0.5 + radius * sin(angle)) for angle in angles]
    distance = ((point[0] - 0.5) ** 2 + (point[1] - 0.5) ** 2) ** 0.5
    if distance < radius * cos(pi / corners) * 0.999:
        assert inside(point, polygon)
    if distance > radius * 1.001:
        assert not inside(point, polygon)


@given(points, st.lists(points, min_size=3, max_size=8), st.integers(0, 7))
def test_where_a_zone_begins_does_not_matter(point: Point, polygon: list[Point], start: int) -> None:
    start %= len(polygon)
    assert inside(point, polygon) == inside(point, polygon[start:] + polygon[:start])


@pytest.mark.parametrize(
    ("a", "b", "left"),
    [
        ((0.2, 0.5), (0.8, 0.5), (0.5, 0.1)),  # drawn rightwards: left is up, where y is small
        ((0.5, 0.8), (0.5, 0.2), (0.1, 0.5)),  # drawn upwards: left is left
        ((0.5, 0.2), (0.5, 0.8), (0.9, 0.5)),  # drawn downwards: left is right, as for one who comes towards us
    ],
)
def test_left_is_what_a_viewer_calls_left(a: Point, b: Point, left: Point) -> None:
    right = (1 - left[0], 1 - left[1])
    assert signed_distance(left, a, b) == pytest.approx(0.4)
    assert signed_distance(right, a, b) == pytest.approx(-0.4)
    assert crossing(left, right, a, b) == 1
    assert crossing(right, left, a, b) == -1


@given(points, points, points, points)
def test_the_way_back_undoes_a_crossing(start: Point, end: Point, a: Point, b: Point) -> None:
    assert crossing(start, end, a, b) == -crossing(end, start, a, b)


@given(points, points, points, points)
def test_a_line_drawn_the_other_way_is_crossed_the_other_way(start: Point, end: Point, a: Point, b: Point) -> None:
    assume(a != b)
    assume(all(abs(signed_distance(point, a, b)) > 1e-9 for point in (start, end)))
    assume(start != end)
    assume(all(abs(signed_distance(point, start, end)) > 1e-9 for point in (a, b)))
    assert crossing(start, end, a, b) == -crossing(start, end, b, a)


@given(st.lists(points, min_size=2, max_size=12), exact)
def test_crossings_of_a_path_over_a_full_line_add_up_to_its_ends(path: list[Point], y: float) -> None:
    a, b = (-1.0, y), (2.0, y)
    net = sum(crossing(p, q, a, b) for p, q in itertools.pairwise(path))
    above = [signed_distance(point, a, b) > 0 for point in (path[0], path[-1])]
    assert net == above[0] - above[1]


@given(points, points, points, points)
def test_two_joined_segments_are_passed_as_often_as_the_whole(start: Point, end: Point, a: Point, b: Point) -> None:
    assume(a != b)
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    assume(middle not in (a, b))
    assert crossing(start, end, a, middle) + crossing(start, end, middle, b) == crossing(start, end, a, b)


def test_a_line_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="two different points"):
        signed_distance((0.1, 0.1), (0.5, 0.5), (0.5, 0.5))
