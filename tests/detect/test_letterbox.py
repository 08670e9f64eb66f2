from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.letterbox import Letterbox

_sizes = st.integers(1, 8192)
_inputs = st.integers(32, 1280)


def test_a_wide_picture_fills_the_width_and_lies_at_the_top() -> None:
    box = Letterbox.fit(1920, 1080, 416, 416)
    assert (box.width, box.height) == (416, 234)


@given(_sizes, _sizes, _inputs, _inputs)
def test_the_picture_fits_and_touches_one_side(width: int, height: int, into_width: int, into_height: int) -> None:
    box = Letterbox.fit(width, height, into_width, into_height)
    assert 1 <= box.width <= into_width
    assert 1 <= box.height <= into_height
    assert box.width >= into_width - 1 or box.height >= into_height - 1
    # One scale for both axes, but for the pixel that is rounded away.
    assert abs(box.width - width * box.scale) <= 1
    assert abs(box.height - height * box.scale) <= 1


@given(_sizes, _sizes, _inputs, st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=5))
def test_a_box_goes_to_the_input_and_back(width: int, height: int, side: int, shares: list[tuple[float, ...]]) -> None:
    box = Letterbox.fit(width, height, side, side)
    corners = np.array(shares, np.float32).reshape(-1, 2, 2) * np.array([width, height], np.float32)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    back = box.to_source(box.to_input(boxes))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, boxes, rtol=1e-5, atol=1e-3)


@given(_sizes, _sizes, st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 4))
def test_no_box_leaves_the_picture(width: int, height: int, box: tuple[float, ...]) -> None:
    source = Letterbox.fit(width, height, 416, 416).to_source(np.array([box], np.float32))
    assert (source >= 0).all()
    assert (source <= np.array([width, height] * 2)).all()


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 10)])
def test_no_picture_is_no_letterbox(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="letterbox"):
        Letterbox.fit(*size, 416, 416)
