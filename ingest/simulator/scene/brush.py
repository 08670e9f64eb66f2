"""Anti-aliased drawing that remembers what it touched, so that ground truth is what is on the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.scene.view import Pixel

Colour = tuple[float, float, float]
Image = NDArray[np.uint8]
_SHIFT = 4
_ONE = 1 << _SHIFT
_FAR = 2_000_000.0  # pixels; OpenCV reckons in 64 bits and cuts at the picture


def shaded(colour: Colour, factor: float) -> Colour:
    """Lighter or darker."""
    return (min(255.0, colour[0] * factor), min(255.0, colour[1] * factor), min(255.0, colour[2] * factor))


class Brush:
    """Draws on ``image`` (BGR). ``light`` multiplies every colour, per channel.

    Points are plain pairs of pixels: at a thousand strokes a picture, numpy's calls would cost more than the drawing.
    """

    def __init__(self, image: Image, light: Colour = (1.0, 1.0, 1.0)) -> None:
        self._image = image
        self._light = light
        self._lit: dict[Colour, Colour] = {}
        self._x1 = self._y1 = math.inf
        self._x2 = self._y2 = -math.inf

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 of what was drawn since the last reset, also beside the picture; ``None`` if nothing was."""
        return None if self._x2 < self._x1 else (self._x1, self._y1, self._x2, self._y2)

    def reset(self) -> None:
        """Forget what was touched."""
        self._x1 = self._y1 = math.inf
        self._x2 = self._y2 = -math.inf

    def polygon(self, pixels: Sequence[Pixel], colour: Colour) -> None:
        """Filled, any simple shape."""
        self._touch(pixels, 0.0)
        cv2.fillPoly(self._image, [_fixed(pixels)], self._shade(colour), cv2.LINE_AA, _SHIFT)

    def convex(self, pixels: Sequence[Pixel], colour: Colour) -> None:
        """Filled and convex, which is faster."""
        self._touch(pixels, 0.0)
        cv2.fillConvexPoly(self._image, _fixed(pixels), self._shade(colour), cv2.LINE_AA, _SHIFT)

    def line(self, a: Pixel, b: Pixel, width: float, colour: Colour) -> None:
        """A limb or a bar: straight, with round ends; ``width`` in pixels, at least 1."""
        thickness = max(1, round(width))
        self._touch((a, b), thickness / 2)
        ends = [_fixed_pair(end) for end in (a, b)]
        cv2.line(self._image, ends[0], ends[1], self._shade(colour), thickness, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Pixel, radius: float, colour: Colour) -> None:
        """A filled circle; radius in pixels."""
        self._touch((centre,), radius)
        size = max(1, round(radius * _ONE))
        cv2.circle(self._image, _fixed_pair(centre), size, self._shade(colour), -1, cv2.LINE_AA, _SHIFT)

    def outline(self, pixels: Sequence[Pixel], colour: Colour, *, width: int = 1) -> None:
        """A closed line."""
        self._touch(pixels, width / 2)
        cv2.polylines(self._image, [_fixed(pixels)], True, self._shade(colour), width, cv2.LINE_AA, _SHIFT)

    def _shade(self, colour: Colour) -> Colour:
        lit = self._lit.get(colour)
        if lit is None:
            b, g, r = (min(255.0, value * light) for value, light in zip(colour, self._light, strict=True))
            lit = self._lit[colour] = (b, g, r)
        return lit

    def _touch(self, pixels: Sequence[Pixel], margin: float) -> None:
        for x, y in pixels:
            self._x1 = min(self._x1, x - margin)
            self._x2 = max(self._x2, x + margin)
            self._y1 = min(self._y1, y - margin)
            self._y2 = max(self._y2, y + margin)


def darken(image: Image, polygon: Sequence[Pixel], factor: float) -> None:
    """Multiply a convex polygon's inside by ``factor``: a shadow."""
    height, width = image.shape[:2]
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    x1, y1 = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    x2, y2 = min(width, math.ceil(max(xs)) + 1), min(height, math.ceil(max(ys)) + 1)
    if x2 <= x1 or y2 <= y1:
        return
    mask = np.zeros((y2 - y1, x2 - x1, 3), np.uint8)
    depth = 255 * (1 - factor)
    cv2.fillConvexPoly(mask, _fixed([(x - x1, y - y1) for x, y in polygon]), (depth, depth, depth), cv2.LINE_AA, _SHIFT)
    part = image[y1:y2, x1:x2]
    cv2.multiply(part, 255 - mask, dst=part, scale=1 / 255)


def _fixed_pair(pixel: Pixel) -> tuple[int, int]:
    x, y = pixel
    return round(min(max(x, -_FAR), _FAR) * _ONE), round(min(max(y, -_FAR), _FAR) * _ONE)


def _fixed(pixels: Sequence[Pixel]) -> NDArray[np.int32]:
    return np.array([_fixed_pair(pixel) for pixel in pixels], np.int32)
