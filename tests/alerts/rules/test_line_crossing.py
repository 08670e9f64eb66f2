"""Line crossing: paths over a line, told by the directions found."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.rules.geometry import Point
from alerts.rules.line_crossing import LineCrossing
from configs.schema import Line, LineCrossingRule
from detect.detection import Tracks

Frame = Callable[..., Tracks]
# Drawn from left to right: its left is above, so downwards is forward. Objects are 0.2 high: clear is 0.01.
LINE = Line(id="gate", name="大门", a=(0.3, 0.5), b=(0.7, 0.5))


def line_crossing(direction: str = "both", confirm: int = 1) -> LineCrossing:
    rule = {"id": "r", "name": "n", "kind": "line_crossing", "line": "gate", "direction": direction, "confirm": confirm}
    return LineCrossing(LineCrossingRule.model_validate(rule), LINE)


def walk(rule: LineCrossing, frame: Frame, path: list[Point]) -> list[tuple[int, str | None]]:
    """The steps at which something was found, with its direction."""
    return [
        (step, finding.direction) for step, at in enumerate(path) for finding in rule.observe(frame(step / 5, {1: at}))
    ]


def down(*ys: float) -> list[Point]:
    return [(0.5, y) for y in ys]


@pytest.mark.parametrize(
    ("path", "found", "reason"),
    [
        (down(0.4, 0.6), [(1, "forward")], "in one step"),
        (down(0.6, 0.4), [(1, "backward")], "the other way"),
        (down(0.4, 0.48, 0.52, 0.6), [(2, "forward")], "in small steps, once"),
        (down(0.4, 0.495, 0.505, 0.495, 0.505, 0.495, 0.4), [], "jitter on the line, then back"),
        (down(0.4, 0.495, 0.505, 0.495, 0.505, 0.6), [(5, "forward")], "jitter on the line, then over: one passage"),
        (down(0.4, 0.6, 0.4, 0.6), [(1, "forward"), (2, "backward"), (3, "forward")], "each way is a passage"),
        (down(0.498, 0.6), [(1, "forward")], "first seen near the line, on its near side"),
        (down(0.502, 0.6), [], "first seen near the line, already over"),
        ([(0.2, 0.4), (0.2, 0.6)], [], "beyond the end of the line"),
        ([(0.5, 0.4), (0.9, 0.5), (0.5, 0.6)], [], "round the end of the line"),
        ([(0.5, 0.4), (0.9, 0.5), (0.5, 0.6), (0.5, 0.4)], [(3, "backward")], "round the end, back through it"),
        ([(0.25, 0.45), (0.45, 0.55)], [(1, "forward")], "at a slant"),
    ],
)
def test_a_passage_is_found_once_with_its_direction(
    frame: Frame, path: list[Point], found: list[tuple[int, str]], reason: str
) -> None:
    assert walk(line_crossing(), frame, path) == found, reason


@pytest.mark.parametrize(
    ("direction", "found"),
    [("forward", ["forward"]), ("backward", ["backward"]), ("both", ["forward", "backward"])],
)
def test_only_the_wanted_direction_is_found(frame: Frame, direction: str, found: list[str]) -> None:
    assert [d for _, d in walk(line_crossing(direction), frame, down(0.4, 0.6, 0.4))] == found


def test_directions_are_different_happenings(frame: Frame) -> None:
    rule = line_crossing()
    findings = [f for step, at in enumerate(down(0.4, 0.6, 0.4)) for f in rule.observe(frame(step / 5, {1: at}))]
    assert [f.key for f in findings] == [("forward",), ("backward",)]
    assert {(f.measured, f.limit, f.unit) for f in findings} == {(1, 1, "crossings")}


def test_a_track_is_shown_in_alarm_for_a_while(frame: Frame) -> None:
    rule = line_crossing()
    walk(rule, frame, down(0.4, 0.6))
    assert rule.alarmed == {1}
    rule.observe(frame(10, {1: (0.5, 0.7)}))
    assert rule.alarmed == frozenset()


def test_a_track_that_was_lost_for_long_did_not_cross(frame: Frame) -> None:
    rule = line_crossing()
    rule.observe(frame(0, {1: (0.5, 0.4)}))
    assert rule.observe(frame(60, {1: (0.5, 0.6)})) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0.25, 0.75, width=32), min_size=2, max_size=40))
def test_passages_over_a_line_alternate_and_add_up(frame: Frame, ys: list[float]) -> None:
    found = [direction for _, direction in walk(line_crossing(), frame, down(*ys))]
    assert all(one != other for one, other in itertools.pairwise(found))
    clear = [y < 0.5 for y in ys if abs(y - 0.5) > 0.011]
    if clear and abs(ys[0] - 0.5) > 0.011 and abs(ys[-1] - 0.5) > 0.011:
        assert found.count("forward") - found.count("backward") == clear[0] - clear[-1]


@pytest.mark.parametrize(
    ("ys", "found", "reason"),
    [
        ((0.4, 0.6, 0.7), [(2, "forward")], "seen beyond twice"),
        ((0.4, 0.6, 0.4, 0.4), [], "one look beyond is a slip of the box"),
        ((0.4, 0.6, 0.505, 0.6), [(3, "forward")], "on the line in between: neither here nor there"),
        ((0.4, 0.6, 0.4, 0.6, 0.6), [(4, "forward")], "the slip is forgotten"),
    ],
)
def test_confirmation_asks_for_looks_beyond_the_line(
    frame: Frame, ys: tuple[float, ...], found: list[tuple[int, str]], reason: str
) -> None:
    assert walk(line_crossing(confirm=2), frame, down(*ys)) == found, reason


def test_passages_are_counted_by_direction(frame: Frame) -> None:
    rule = line_crossing()
    numbers = []
    for step, y in enumerate((0.4, 0.6, 0.4, 0.6)):
        people = {1: (0.4, y), 2: (0.5, y), 3: (0.6, 1 - y)}
        numbers.append([(f.direction, f.measured) for f in rule.observe(frame(step, people))])
    assert numbers[1] == [("forward", 1), ("forward", 2), ("backward", 1)], "which of the happening each one is"
    assert rule.passed == {"forward": 5, "backward": 4}
    rule.observe(frame(9, {}))
    rule.observe(frame(10, {4: (0.5, 0.4)}))
    (later,) = rule.observe(frame(11, {4: (0.5, 0.6)}))
    assert later.measured == 1, "another happening begins anew"
    assert rule.passed["forward"] == 6
