"""Rates, bit rate and GOP from packets, whatever their time stamps are worth."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xueliang.probe.figures import Figures, Tally


def tally(
    count: int, *, fps: float = 25.0, gop: int = 50, burst: int = 0, media: bool = True, untimed: int = 0
) -> Figures:
    """``count`` packets of 1000 bytes; the first ``burst`` arrive at once, the others in time."""
    made = Tally()
    for index in range(count):
        told = index / fps if media and index >= untimed else None
        made.note(told, max(0.0, (index - burst) / fps), 1000, keyframe=index % gop == 0)
    return made.figures()


@pytest.mark.parametrize("burst", [0, 40])
@pytest.mark.parametrize("untimed", [0, 1, 3])
def test_a_burst_at_the_beginning_does_not_count_as_a_high_rate(burst: int, untimed: int) -> None:
    figures = tally(126, burst=burst, untimed=untimed)
    assert figures.fps == pytest.approx(25)
    assert figures.bit_rate == pytest.approx(25 * 8000)
    assert figures.gop_s == pytest.approx(2.0)
    assert figures.gop_at_least_s is None


def test_without_time_stamps_arrival_tells() -> None:
    figures = tally(126, media=False)
    assert figures.fps == pytest.approx(25)
    assert figures.gop_s == pytest.approx(2)


def test_one_key_frame_tells_how_long_the_gop_is_at_least() -> None:
    figures = tally(126, gop=1000)
    assert figures.gop_s is None
    assert figures.gop_at_least_s == pytest.approx(5)


def test_the_longest_gop_counts() -> None:
    made = Tally()
    for index in range(200):
        made.note(index / 25, index / 25, 10, keyframe=index in (0, 25, 150))
    assert made.figures().gop_s == pytest.approx(5)


@pytest.mark.parametrize("count", [0, 1])
def test_too_little_is_not_guessed_from(count: int) -> None:
    figures = tally(count)
    assert (figures.fps, figures.bit_rate, figures.gop_s) == (None, None, None)


@example([(None, 0.0, 1, False), (None, 1.0, 1, True), (0.0, 0.0, 1, False)])
@given(st.lists(st.tuples(st.none() | st.floats(-1e6, 1e6), st.floats(0, 10), st.integers(1, 10**6), st.booleans())))
def test_no_time_stamps_make_it_count_backwards(packets: list[tuple[float | None, float, int, bool]]) -> None:
    made, arrived = Tally(), 0.0
    for media, passed, size, keyframe in packets:
        arrived += passed
        made.note(media, arrived, size, keyframe=keyframe)
    figures = made.figures()
    assert figures.packets == len(packets)
    for value in (figures.fps, figures.bit_rate, figures.gop_s, figures.gop_at_least_s):
        assert value is None or value >= 0
