from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coco import Scored, mean_precision

OBJECTS = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float64)


def picture(
    boxes: list[list[float]], scores: list[float], classes: list[int], kinds: tuple[int, ...] = (0, 0)
) -> Scored:
    return Scored(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(classes, np.int16),
        OBJECTS[: len(kinds)], np.array(kinds, np.int16),
    )  # fmt: skip


def test_everything_found_and_nothing_else_is_one() -> None:
    assert mean_precision([picture(OBJECTS.tolist(), [0.9, 0.1], [0, 0])]) == pytest.approx((1, 1))


def test_half_found_counts_for_half_of_the_recalls() -> None:
    # Recalls 0 to 0.5 are 51 of the 101 that are looked at.
    assert mean_precision([picture([[0, 0, 10, 10]], [0.9], [0])]) == pytest.approx((51 / 101, 51 / 101))


def test_an_iou_of_0_8_is_right_up_to_its_threshold() -> None:
    found = [[0.0, 0, 8, 10], [20.0, 0, 30, 10]]
    # Thresholds 0.5 to 0.8 are seven of ten; above them only the second, and the better one is a false alarm.
    above = 0.5 * 51 / 101
    assert mean_precision([picture(found, [0.9, 0.8], [0, 0])]) == pytest.approx((0.7 + 0.3 * above, 1), abs=1e-6)


def test_an_object_is_found_once_and_classes_are_apart() -> None:
    twice = picture([[0, 0, 10, 10], [0, 0, 10, 10]], [0.9, 0.8], [0, 0], kinds=(0,))
    assert mean_precision([twice]).map50 == pytest.approx(1)  # the second comes after all recall is reached
    other = picture([[0, 0, 10, 10]], [0.9], [1], kinds=(0,))
    assert mean_precision([other]).map50 == 0


def test_a_false_alarm_on_another_picture_lowers_it() -> None:
    right = picture([[0, 0, 10, 10]], [0.5], [0], kinds=(0,))
    wrong = picture([[50, 50, 60, 60]], [0.9], [0], kinds=())
    assert mean_precision([right, wrong]).map50 == pytest.approx(0.5)


def test_nothing_to_find_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no object"):
        mean_precision([picture([], [], [], kinds=())])
