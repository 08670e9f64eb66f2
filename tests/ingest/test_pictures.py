"""Both kinds of pictures give exactly the size that was asked for, whatever the padding of their rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.frame import Picture
from ingest.pictures import ArrayPicture, DecodedPicture


def _gradient(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    columns = np.linspace(0, 255, width, dtype=np.uint8)
    return np.repeat(np.tile(columns, (height, 1))[:, :, None], 3, axis=2).copy()


def _decoded(width: int, height: int) -> DecodedPicture:
    return DecodedPicture(av.VideoFrame.from_ndarray(_gradient(width, height), "bgr24").reformat(format="yuv420p"))


@settings(max_examples=40, deadline=None)
@given(
    source=st.tuples(st.integers(16, 400), st.integers(16, 300)).map(lambda size: (size[0] & ~1, size[1] & ~1)),
    target=st.tuples(st.integers(8, 500), st.integers(8, 500)),
)
def test_any_size_can_be_had_of_both(source: tuple[int, int], target: tuple[int, int]) -> None:
    pictures: tuple[Picture, ...] = (_decoded(*source), ArrayPicture(_gradient(*source)))
    for picture in pictures:
        pixels = picture.bgr(*target)
        assert (picture.width, picture.height) == source
        assert pixels.shape == (target[1], target[0], 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        # The gradient still rises from left to right in every row: no padding has got in.
        assert (pixels[:, -1].astype(int) - pixels[:, 0] > 120).all()


@pytest.mark.parametrize(
    ("pixel_format", "space", "wide"),
    [
        ("yuv420p", 2, ColorRange.MPEG),
        ("yuv420p", 2, ColorRange.JPEG),
        ("yuvj420p", 2, ColorRange.JPEG),
        ("yuv420p", 5, ColorRange.MPEG),
        ("yuv420p", 1, ColorRange.MPEG),
        ("yuv422p", 2, ColorRange.MPEG),
    ],
    ids=["usual", "full range", "full range by format", "BT.601", "BT.709", "4:2:2"],
)
def test_a_much_smaller_picture_has_the_colours_and_places_of_the_large_one(
    pixel_format: str, space: int, wide: ColorRange
) -> None:
    pixels = np.zeros((1080, 1920, 3), np.uint8)
    pixels[:, 960:] = (40, 120, 220)
    pixels[540:] //= 2
    frame = av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(
        format=pixel_format, dst_colorspace=space, dst_color_range=wide
    )
    frame.colorspace, frame.color_range = space, wide
    small = DecodedPicture(frame).bgr(416, 234)
    for (x, y), wanted in {(10, 10): (0, 0, 0), (400, 10): (40, 120, 220), (400, 220): (20, 60, 110)}.items():
        assert small[y, x].astype(int) == pytest.approx(np.array(wanted), abs=4)
    rising = small[50, :, 2].astype(int)
    assert int(np.argmax(rising > 110)) == pytest.approx(208, abs=1)


def test_a_copy_is_given_not_the_source() -> None:
    picture = ArrayPicture(_gradient(32, 32))
    picture.bgr(32, 32)[:] = 7
    assert not (picture.pixels == 7).all()


def test_threads_get_the_same_pixels() -> None:
    picture = _decoded(322, 242)
    wanted = picture.bgr(416, 416)
    with ThreadPoolExecutor(4) as pool:
        for pixels in pool.map(lambda _: picture.bgr(416, 416), range(40)):
            assert np.array_equal(pixels, wanted)


def test_a_size_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="0 x 5"):
        _decoded(32, 32).bgr(0, 5)


def test_pixels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="want uint8"):
        ArrayPicture(np.zeros((4, 4), np.uint8))
