from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.scene.route import Route, line
from ingest.simulator.scene.view import NEAR, View

VIEW = View(1280, 720, height=6.5, pitch=17.0, yaw=0.0, fov=68.0)
METRES = st.floats(-60, 60)


def test_straight_ahead_is_in_the_middle_and_right_is_right() -> None:
    ahead, right, above = VIEW.to_pixels(VIEW.to_camera(np.array([[0, 0, 21.26], [5, 0, 21.26], [0, 2, 21.26]], float)))
    assert ahead[0] == pytest.approx(640)
    assert ahead[1] == pytest.approx(360, abs=1)
    assert right[0] > ahead[0]
    assert above[1] < ahead[1]


def test_the_ground_far_away_meets_the_horizon() -> None:
    (far,) = VIEW.to_pixels(VIEW.to_camera(np.array([[0.0, 0.0, 1e6]])))
    assert far[1] == pytest.approx(VIEW.horizon, abs=0.1)


@given(st.lists(st.tuples(METRES, METRES), min_size=3, max_size=8))
def test_a_polygon_is_cut_before_the_camera(corners: list[tuple[float, float]]) -> None:
    world = np.array([(x, 0.0, z) for x, z in corners])
    depths = VIEW.to_camera(world)[:, 2]
    pixels = VIEW.polygon(world)
    if (depths >= NEAR).all():
        assert pixels is not None
        assert len(pixels) == len(corners)
    if (depths < NEAR).all():
        assert pixels is None
    if pixels is not None:
        assert np.isfinite(np.array(pixels)).all()


@given(st.integers(0, 2500), st.integers(0, 500), st.floats(0.5, 15), st.floats(5, 80))
def test_an_open_way_is_walked_at_its_speed_and_repeats(frame: int, start: int, speed: float, length: float) -> None:
    t = (frame + 0.5) / 25  # never at the instant of a start or an end, where rounding decides
    route = Route(line(0, 10, length + 0.0137, 10), speed, start / 25)
    length += 0.0137
    poses = route.poses(t, 20.0)
    again = route.poses(t + 20.0, 20.0)
    assert len(poses) == len(again)
    for (number, pose), (other, later) in zip(poses, again, strict=True):
        assert number == other
        assert pose.x == pytest.approx(later.x, abs=1e-6)
        assert pose.x == pytest.approx(pose.travelled, abs=1e-6)
        assert -1e-6 <= pose.x <= length + 1e-6


@given(st.floats(0, 40), st.floats(0, 20))
def test_a_closed_way_returns_to_its_start(t: float, start: float) -> None:
    square = np.array([(0.0, 5.0), (8.0, 5.0), (8.0, 13.0), (0.0, 13.0)])
    route = Route(square, 1.0, start, closed=True)
    ((_, now),), ((_, later),) = route.poses(t, 20.0), route.poses(t + 20.0, 20.0)
    assert np.hypot(later.x - now.x, later.z - now.z) < 1e-6
    ((_, soon),) = route.poses(t + 0.01, 20.0)
    assert np.hypot(soon.x - now.x, soon.z - now.z) < 0.05


def test_who_holds_stands_still_for_that_long() -> None:
    route = Route(line(0, 10, 10, 10), 1.0, hold=(0.5, 4.0))
    assert route.duration == pytest.approx(14.0)
    assert [round(route.poses(t, 20.0)[0][1].x, 3) for t in (3.0, 5.5, 8.5, 10.0)] == [3.0, 5.0, 5.0, 6.0]
    assert route.poses(7.0, 20.0)[0][1].speed == 0.0
