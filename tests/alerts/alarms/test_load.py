"""Alarm load after EEMUA 191, on rows whose figures can be counted by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alarms.life import Closing
from alerts.alarms.load import LoadRow, alarm_load, average_class, floods, peak, peak_class, sources


def rows(*times: float, camera: str = "c1", closing: Closing | None = None) -> list[LoadRow]:
    return [LoadRow(at, camera, "intrusion", closing) for at in times]


@pytest.mark.parametrize(
    ("rate", "word"),
    [
        (0.0, "acceptable"),
        (1.0, "acceptable"),
        (1.1, "manageable"),
        (2.0, "manageable"),
        (5.0, "demanding"),
        (10.1, "unacceptable"),
    ],
)
def test_an_average_has_its_word(rate: float, word: str) -> None:
    assert average_class(rate) == word


@pytest.mark.parametrize(("rate", "word"), [(10, "manageable"), (11, "hard"), (100, "hard"), (101, "excessive")])
def test_a_peak_has_its_word(rate: float, word: str) -> None:
    assert peak_class(rate) == word


@pytest.mark.parametrize(
    ("times", "most", "ended", "why"),
    [
        ([], 0, None, "nothing"),
        ([5.0], 1, 5.0, "one"),
        ([0.0, 599.0, 600.0, 601.0], 3, 601.0, "ten minutes are shorter than the whole"),
        ([0.0, 0.0, 0.0], 3, 0.0, "at once"),
    ],
)
def test_the_peak_is_the_worst_ten_minutes(times: list[float], most: int, ended: float | None, why: str) -> None:
    assert peak(times) == (most, ended), why


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    burst = [float(second) for second in range(0, 110, 10)]
    assert floods(burst[:10], 5000.0) == []
    (flood,) = floods(burst, 5000.0)
    # Eleven alarms from 0 to 100 s; the seventh, at 60 s, leaves the window at 660 s, and four remain.
    assert (flood.start, flood.end, flood.alarms) == (0.0, 660.0, 11)
    assert floods(burst, 300.0)[0].end == 300.0
    # A trickle of one in two minutes keeps it going, one in four does not.
    going = [*burst, *(220.0 + 119 * n for n in range(10))]
    assert floods(going, 5000.0)[0].alarms == 21
    twice = floods([*burst, *(3000.0 + at for at in burst)], 5000.0)
    assert [(flood.start, flood.alarms) for flood in twice] == [(0.0, 11), (3000.0, 11)]
    assert floods(burst, 5000.0, operators=2) == []


@given(st.lists(st.integers(0, 5000), max_size=80), st.integers(1, 3))
def test_floods_hold_every_crowded_ten_minutes_and_lie_apart(seconds: list[int], operators: int) -> None:
    times = [float(second) for second in sorted(seconds)]
    found = floods(times, 6000.0, operators)
    assert all(a.end < b.start for a, b in pairwise(found))
    for flood in found:
        assert flood.start <= flood.end <= 6000
        assert flood.alarms > 10 * operators
    crowded = [at for at in times if sum(at - 600 < other <= at for other in times) > 10 * operators]
    assert all(any(flood.start <= at <= flood.end for flood in found) for at in crowded)


def test_the_worst_sources_come_first_with_what_was_false() -> None:
    made = rows(1, 2, 3, camera="quiet") + rows(*range(9), camera="loud", closing=Closing.FALSE)
    first, second = sources(made)
    assert (first.camera_id, first.alarms, first.false, first.share) == ("loud", 9, 9, 0.75)
    assert (second.camera_id, second.false) == ("quiet", 0)
    assert len(sources([row for n in range(12) for row in rows(1, camera=f"c{n}")])) == 10


def test_all_figures_together() -> None:
    made = [*rows(0, 100, closing=Closing.FALSE), *rows(200, closing=Closing.CONFIRMED), *rows(4000, 7100)]
    load = alarm_load(made, 0, 7200, 2, [0.0, 3600.0], "hour", 0, ())
    assert (load.alarms, load.per_operator_hour) == (5, 1.25)
    assert load.average == pytest.approx(5 / 2 / 12)
    assert (load.peak, load.peak_at, load.average_class, load.peak_class) == (1.5, 200, "acceptable", "manageable")
    assert load.closings == {Closing.CONFIRMED: 1, Closing.FALSE: 2, Closing.TEST: 0}
    assert load.false_share == pytest.approx(2 / 3)
    assert [bucket.alarms for bucket in load.buckets] == [3, 2]
    assert (load.floods, load.flood_share) == ((), 0)


def test_nothing_is_no_division_by_nothing() -> None:
    load = alarm_load([], 0, 3600, 1, [0.0], "hour", 0, ())
    assert (load.alarms, load.false_share, load.peak_at, load.average_class) == (0, None, None, "acceptable")
