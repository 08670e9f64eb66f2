from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy import Judged, judge, mean_ap50

HERE, THERE, SMALL = (0, 0, 10, 20), (30, 0, 40, 20), (60, 0, 64, 6)


def picture(found: list[tuple[tuple[int, ...], float, int]], there: list[tuple[tuple[int, ...], int, bool]]) -> Judged:
    return Judged(
        np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        np.array([kind for _, _, kind in found], np.int16),
        np.array([box for box, _, _ in there], np.float32).reshape(-1, 4),
        np.array([kind for _, kind, _ in there], np.int16),
        np.array([counted for _, _, counted in there], bool),
        min_height=10,
    )


@pytest.mark.parametrize(
    ("found", "there", "ap50"),
    [
        ([(HERE, 0.9, 0)], [(HERE, 0, True)], 1.0),
        ([], [(HERE, 0, True)], 0.0),  # missed
        ([(THERE, 0.9, 0)], [(HERE, 0, True)], 0.0),  # elsewhere
        ([(HERE, 0.9, 1)], [(HERE, 0, True)], 0.0),  # of another class
        ([(HERE, 0.9, 0), (THERE, 0.8, 0)], [(HERE, 0, True)], 1.0),  # a weaker false alarm costs no recall
        ([(HERE, 0.8, 0), (THERE, 0.9, 0)], [(HERE, 0, True)], 0.5),  # a stronger one halves precision
        ([(HERE, 0.9, 0), (HERE, 0.95, 0)], [(HERE, 0, True)], 1.0),  # the second on one object is a false alarm
        ([(HERE, 0.9, 0)], [(HERE, 0, True), (THERE, 0, True)], 51 / 101),  # half of the recalls are reached
        ([(HERE, 0.8, 0), (THERE, 0.9, 0)], [(HERE, 0, True), (THERE, 0, False)], 1.0),  # not counted, found: nothing
        ([(HERE, 0.8, 0), (SMALL, 0.9, 0)], [(HERE, 0, True)], 1.0),  # lower than what counts
    ],
)
def test_average_precision(
    found: list[tuple[tuple[int, ...], float, int]], there: list[tuple[tuple[int, ...], int, bool]], ap50: float
) -> None:
    figures = judge([picture(found, there)], 0, score=0.0)
    assert figures is not None
    assert figures.ap50 == pytest.approx(ap50)


def test_recall_and_precision_are_those_at_the_score_asked_for() -> None:
    figures = judge(
        [
            picture([(HERE, 0.9, 0), (THERE, 0.2, 0)], [(HERE, 0, True), (THERE, 0, True)]),
            picture([(THERE, 0.5, 0)], [(HERE, 0, True)]),
        ],
        0,
        score=0.4,
    )
    assert figures is not None
    assert figures.objects == 3
    assert figures.recall == pytest.approx(1 / 3)
    assert figures.precision == 0.5


def test_classes_that_do_not_occur_are_left_out_and_nothing_at_all_is_an_error() -> None:
    assert mean_ap50([picture([(HERE, 0.9, 0)], [(HERE, 0, True)])], range(5)) == 1.0
    with pytest.raises(ValueError, match="no object"):
        mean_ap50([picture([], [(HERE, 0, False)])], range(5))
