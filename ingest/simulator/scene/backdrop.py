"""The part of a scene that does not move: painted once, with what of it hides those who pass behind.

Covers lie in the order of drawing, far ones first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.scene.brush import Brush, Colour, Image, darken
from ingest.simulator.scene.lighting import Illumination, illuminate
from ingest.simulator.scene.place import Place, Prop
from ingest.simulator.scene.view import Pixel, View

_KEY: Colour = (255.0, 0.0, 255.0)  # a colour that nothing is painted with, to find what a prop covers


@dataclass(frozen=True)
class Cover:
    """A prop's pixels: what lies behind ``depth`` is hidden where ``mask`` is set; ``x``, ``y`` its corner."""

    prop: Prop
    depth: float
    x: int
    y: int
    patch: Image
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class Backdrop:
    """``image`` is BGR; ``illumination`` is ``None`` by day."""

    image: Image
    covers: tuple[Cover, ...]
    illumination: Illumination | None

    def light_at(self, view: View, x: float, z: float) -> Colour:
        """What colours of something standing there are multiplied by."""
        return (1.0, 1.0, 1.0) if self.illumination is None else self.illumination.at(view, x, z)

    def cover(self, image: Image, depth: float, bounds: tuple[float, float, float, float]) -> None:
        """Put nearer props back over ``bounds``, into which something at ``depth`` was just drawn."""
        for cover in self.covers:
            if cover.depth >= depth:
                continue
            height, width = cover.mask.shape
            x1, y1 = max(cover.x, int(bounds[0]) - 2), max(cover.y, int(bounds[1]) - 2)
            x2, y2 = min(cover.x + width, int(bounds[2]) + 3), min(cover.y + height, int(bounds[3]) + 3)
            if x1 < x2 and y1 < y2:
                part = np.s_[y1 - cover.y : y2 - cover.y, x1 - cover.x : x2 - cover.x]
                cv2.copyTo(cover.patch[part], cover.mask[part], image[y1:y2, x1:x2])


def paint(place: Place, night: bool) -> Backdrop:
    """Ground, shadows, props far to near, then the light."""
    view = place.view
    rng = np.random.default_rng((place.seed, 5))
    image: Image = np.zeros((view.height_px, view.width, 3), np.uint8)
    image[:] = np.array(place.ground, np.uint8)
    _sky(image, view)
    brush = Brush(image)
    for patch in place.patches:
        pixels = view.polygon(np.insert(patch.points, 1, 0.0, axis=1))
        if pixels is not None:
            brush.polygon(pixels, patch.colour)
    _texture(image, rng)
    props = sorted(place.props, key=lambda prop: -view.depth(prop.x, prop.z))
    if not night:
        for prop in props:
            shadow = _shadow(view, prop)
            if shadow is not None:
                darken(image, shadow, 0.66)
    covers: list[tuple[Prop, tuple[int, int, int, int], NDArray[np.uint8]]] = []
    for prop in props:
        brush.reset()
        prop.draw(brush, view)
        if prop.covers and brush.bounds is not None and (found := _mask(prop, view, brush.bounds)) is not None:
            covers.append((prop, *found))
    illumination = None
    if night:
        illumination = illuminate(image, view, place.lamps)
        _light_up(image, view, props, covers)
    cut = [
        Cover(prop, view.depth(prop.x, prop.z), x1, y1, image[y1:y2, x1:x2].copy(), mask)
        for prop, (x1, y1, x2, y2), mask in covers
    ]
    return Backdrop(image, tuple(cut), illumination)


def _light_up(
    image: Image, view: View, props: list[Prop], covers: list[tuple[Prop, tuple[int, int, int, int], NDArray[np.uint8]]]
) -> None:
    """Windows first, behind everything that covers them; then the lamps' heads, which outshine what is before them."""
    dark, glow = image.copy(), Brush(image)
    for prop in props:
        if prop.lights is not None and not prop.covers:
            prop.lights(glow, view)
    for _, (x1, y1, x2, y2), mask in covers:
        cv2.copyTo(dark[y1:y2, x1:x2], mask, image[y1:y2, x1:x2])
    for prop in props:
        if prop.lights is not None and prop.covers:
            prop.lights(glow, view)


def _sky(image: Image, view: View) -> None:
    rows = int(np.clip(view.horizon, 0, view.height_px))
    for row in range(rows):
        share = row / max(1, rows)
        image[row] = (236 - 10 * share, 214 + 14 * share, 190 + 34 * share)


def _texture(image: Image, rng: np.random.Generator) -> None:
    """Blotches and grain, so that no surface is flat."""
    height, width = image.shape[:2]
    total = np.zeros((height, width), np.float32)
    for cells, strength in ((12, 3.0), (48, 2.5), (190, 2.0)):
        field = rng.normal(0, strength, (cells * height // width + 1, cells)).astype(np.float32)
        total += cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    total += rng.normal(0, 2.0, (height, width)).astype(np.float32)
    image[:] = np.clip(image.astype(np.float32) + total[:, :, None], 0, 255).astype(np.uint8)


def _shadow(view: View, prop: Prop) -> list[Pixel] | None:
    if prop.shadow is None:
        return None
    radius, height = prop.shadow
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([radius * np.cos(turn), 0 * turn, radius * np.sin(turn)], axis=1)
    away = np.array([0.75 * height, 0.0, -0.35 * height])
    # A crown's shadow lies apart from the trunk; anything low throws it from its foot on.
    base = ring * 0.15 if height > 2.5 else ring
    hull = cv2.convexHull(
        (np.vstack([base, ring + away]) + np.array((prop.x, 0.0, prop.z)))[:, [0, 2]].astype(np.float32)
    )
    return view.polygon(np.insert(hull[:, 0, :].astype(np.float64), 1, 0.0, axis=1))


def _mask(
    prop: Prop, view: View, bounds: tuple[float, float, float, float]
) -> tuple[tuple[int, int, int, int], NDArray[np.uint8]] | None:
    x1, y1 = max(0, int(bounds[0]) - 2), max(0, int(bounds[1]) - 2)
    x2, y2 = min(view.width, int(bounds[2]) + 3), min(view.height_px, int(bounds[3]) + 3)
    if x1 >= x2 or y1 >= y2:
        return None
    keyed: Image = np.empty((view.height_px, view.width, 3), np.uint8)
    keyed[:] = np.array(_KEY, np.uint8)
    prop.draw(Brush(keyed), view)
    touched = (keyed[y1:y2, x1:x2] != np.array(_KEY, np.uint8)).any(axis=2)
    return (x1, y1, x2, y2), touched.astype(np.uint8) * 255
