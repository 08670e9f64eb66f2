from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.letterbox import Letterbox
from models.manifest import Fit

_sizes = st.integers(1, 8192)
_inputs = st.integers(32, 1280)


_fits = st.sampled_from(list(Fit))


@pytest.mark.parametrize(
    ("fit", "place"),
    [
        (Fit.TOP_LEFT, (0, 0, 416, 234)),
        (Fit.CENTRED, (0, 91, 416, 234)),
        (Fit.STRETCH, (0, 0, 416, 416)),
    ],
)
def test_where_a_wide_picture_lies(fit: Fit, place: tuple[int, int, int, int]) -> None:
    box = Letterbox.fit(1920, 1080, 416, 416, fit)
    assert (box.left, box.top, box.width, box.height) == place


def test_the_odd_pixel_of_a_centred_picture_comes_after_it() -> None:
    # As ultralytics pads: 640 - 427 = 213 lines, 106 above and 107 below.
    assert Letterbox.fit(640, 427, 640, 640, Fit.CENTRED).top == 106


@given(_sizes, _sizes, _inputs, _inputs, _fits)
def test_the_picture_fits_and_touches_one_side(
    width: int, height: int, into_width: int, into_height: int, fit: Fit
) -> None:
    box = Letterbox.fit(width, height, into_width, into_height, fit)
    assert 0 <= box.left <= box.left + box.width <= into_width
    assert 0 <= box.top <= box.top + box.height <= into_height
    assert box.width == into_width or box.height == into_height
    # A scale is what its axis has, but for the half pixel that is rounded away (a whole one in a single line).
    assert abs(box.width - width * box.scale_x) <= (0.5 if box.width > 1 else 1) + 1e-6
    assert abs(box.height - height * box.scale_y) <= (0.5 if box.height > 1 else 1) + 1e-6
    assert fit is Fit.STRETCH or box.scale_x == box.scale_y


@given(_sizes, _sizes, _inputs, st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=5), _fits)
def test_a_box_goes_to_the_input_and_back(
    width: int, height: int, side: int, shares: list[tuple[float, ...]], fit: Fit
) -> None:
    box = Letterbox.fit(width, height, side, side, fit)
    corners = np.array(shares, np.float32).reshape(-1, 2, 2) * np.array([width, height], np.float32)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    there = box.to_input(boxes)
    assert (there >= np.array([box.left, box.top] * 2) - 1e-3).all()
    back = box.to_source(there)
    assert back.dtype == np.float32
    # float32 at the input: an offset of hundreds of px leaves 1e-4 px, which the way back scales up.
    np.testing.assert_allclose(back, boxes, rtol=1e-5, atol=1e-3 + 1e-4 / box.scale)


@given(_sizes, _sizes, st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 4), _fits)
def test_no_box_leaves_the_picture(width: int, height: int, box: tuple[float, ...], fit: Fit) -> None:
    source = Letterbox.fit(width, height, 416, 416, fit).to_source(np.array([box], np.float32))
    assert (source >= 0).all()
    assert (source <= np.array([width, height] * 2)).all()


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 10)])
def test_no_picture_is_no_letterbox(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="letterbox"):
        Letterbox.fit(*size, 416, 416)
