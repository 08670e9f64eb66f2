from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.heads.yolox import YoloxHead


def encode(x: float, y: float, w: float, h: float, stride: int, side: int) -> tuple[int, NDArray[np.float32]]:
    """The row and numbers that a YOLOX model gives for a box of centre ``x`` ``y``, by the paper."""
    before = sum((side // s) ** 2 for s in (8, 16, 32) if s < stride)
    column, line = int(x // stride), int(y // stride)
    row = before + line * (side // stride) + column
    return row, np.array([x / stride - column, y / stride - line, np.log(w / stride), np.log(h / stride)], np.float32)


@given(
    st.floats(0, 63.9), st.floats(0, 63.9), st.floats(1, 100), st.floats(1, 100),
    st.sampled_from([8, 16, 32]), st.integers(0, 79), st.floats(0.3, 1), st.floats(0.3, 1),
)  # fmt: skip
def test_a_box_comes_back_from_any_grid_point(
    x: float, y: float, w: float, h: float, stride: int, label: int, objectness: float, probability: float
) -> None:
    output = np.zeros((1, 84, 85), np.float32)
    row, numbers = encode(x, y, w, h, stride, 64)
    output[0, row, :4] = numbers
    output[0, row, 4] = objectness
    output[0, row, 5 + label] = probability
    boxes, scores, classes = YoloxHead(64, 64, 80).decode([output], 0.05)
    np.testing.assert_allclose(boxes, [[x - w / 2, y - h / 2, x + w / 2, y + h / 2]], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(scores, [objectness * probability], rtol=1e-5)
    assert classes.tolist() == [label]
    assert [str(part.dtype) for part in (boxes, scores, classes)] == ["float32", "float32", "int16"]


def test_the_threshold_holds_for_the_product(yolox_output: NDArray[np.float32]) -> None:
    head = YoloxHead(64, 64, 80)
    assert len(head.decode([yolox_output], 0.71)[0]) == 1
    assert len(head.decode([yolox_output], 0.73)[0]) == 0  # objectness 0.9 passes, 0.9 * 0.8 does not


@pytest.mark.parametrize("column", [0, 2, 4, 5, 30])
def test_a_number_that_is_none_is_a_failure_and_not_an_empty_picture(
    yolox_output: NDArray[np.float32], column: int
) -> None:
    yolox_output[0, 44, column] = np.nan
    with pytest.raises(FloatingPointError):
        YoloxHead(64, 64, 80).decode([yolox_output], 0.25)


def test_a_huge_size_stays_finite(yolox_output: NDArray[np.float32]) -> None:
    yolox_output[0, 44, 2] = 1e6
    assert np.isfinite(YoloxHead(64, 64, 80).decode([yolox_output], 0.25)[0]).all()


@pytest.mark.parametrize(
    ("shapes", "fits"),
    [
        ([[1, 84, 85]], True),
        ([["batch", 84, 85]], True),
        ([[1, 3549, 85]], False),
        ([[1, 85, 84]], False),
        ([[84, 85]], False),
        ([[1, 84, 85], [1, 84, 85]], False),
        ([], False),
    ],
)
def test_other_shapes_are_told_apart(shapes: list[list[int | str | None]], fits: bool) -> None:
    assert (YoloxHead(64, 64, 80).fault(shapes) is None) is fits
