from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.kalman import BoxFilters, to_centres, to_corners


def full_filter(
    measurements: list[tuple[float, NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 8-state filter in matrices, as the paper writes it; the state and its covariance after the last step."""
    state, covariance = np.zeros(8), np.zeros((8, 8))
    for step, (dt, measured) in enumerate(measurements):
        if step == 0:
            side = max(measured[2:].max(), 1.0)
            state[:4] = measured
            covariance = np.diag([(2 / 20 * side) ** 2] * 4 + [(10 * 30 / 160 * side) ** 2] * 4)
            continue
        side = max(state[2:4].max(), 1.0)
        move = np.eye(8)
        move[:4, 4:] = dt * np.eye(4)
        drift = np.diag([0.14**2 * dt * side**2] * 4 + [0.26**2 * dt * side**2] * 4)
        state, covariance = move @ state, move @ covariance @ move.T + drift
        look = np.eye(4, 8)
        noise = np.eye(4) * (max(measured[2:].max(), 1.0) / 20) ** 2
        gain = covariance @ look.T @ np.linalg.inv(look @ covariance @ look.T + noise)
        state = state + gain @ (measured - look @ state)
        covariance = (np.eye(8) - gain @ look) @ covariance
    return state, covariance


_box = st.tuples(st.floats(0, 1000), st.floats(0, 1000), st.floats(1, 300), st.floats(1, 300)).map(np.array)


@given(st.lists(st.tuples(st.floats(0, 2), _box), min_size=1, max_size=6))
def test_four_small_filters_are_the_papers_large_one(steps: list[tuple[float, NDArray[np.float64]]]) -> None:
    filters = BoxFilters()
    filters.add(steps[0][1][None, :])
    for dt, measured in steps[1:]:
        filters.predict(dt)
        filters.update(np.array([0]), measured[None, :])
    state, covariance = full_filter(steps)
    np.testing.assert_allclose(filters.position[0], state[:4], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(filters.velocity[0], state[4:], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(filters.variance[0, :, 0], np.diag(covariance)[:4], rtol=1e-6)
    np.testing.assert_allclose(filters.variance[0, :, 2], np.diag(covariance)[4:], rtol=1e-6)


def test_a_steady_walk_is_foreseen_over_irregular_gaps() -> None:
    filters = BoxFilters()
    times = [0.0, 0.2, 0.4, 0.9, 1.1, 1.3, 1.8]
    walk = np.array([[100 + 80 * t, 200, 40, 120] for t in times])
    filters.add(walk[:1])
    for before, after, box in zip(times, times[1:], walk[1:], strict=False):
        filters.predict(after - before)
        filters.update(np.array([0]), box[None, :])
    filters.predict(0.7)
    np.testing.assert_allclose(filters.position[0], [100 + 80 * 2.5, 200, 40, 120], atol=3)


@given(st.lists(st.tuples(*[st.floats(-100, 100)] * 4), min_size=1, max_size=4))
def test_corners_and_centres_are_two_ways_to_say_it(rows: list[tuple[float, ...]]) -> None:
    corners = np.sort(np.array(rows).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    np.testing.assert_allclose(to_corners(to_centres(corners)), corners, atol=1e-9)


def test_a_shrinking_box_never_turns_inside_out() -> None:
    filters = BoxFilters()
    filters.add(np.array([[50.0, 50, 20, 20]]))
    filters.velocity[0] = [0, 0, -100, -100]
    filters.predict(1.0)
    x1, y1, x2, y2 = filters.boxes()[0]
    assert x1 <= x2
    assert y1 <= y2
