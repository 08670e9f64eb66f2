"""Which pixel of a picture shows which object: found by drawing again, each object as a silhouette, far ones first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.scene.backdrop import Cover
from ingest.simulator.scene.brush import Brush, Colour
from ingest.simulator.scene.place import Prop
from ingest.simulator.scene.view import View

Bounds = tuple[float, float, float, float]
Mask = NDArray[np.bool_]


class Silhouette(Brush):
    """Draws white on black. ``parts`` holds a mask ``(height, width)`` of what was drawn up to each reset."""

    def __init__(self, width: int, height: int) -> None:
        self._canvas = np.zeros((height, width), np.uint8)
        super().__init__(self._canvas)
        self.parts: list[Mask] = []

    def reset(self) -> None:
        """Close the part, if anything was drawn."""
        if self.bounds is not None:
            self.parts.append(self._canvas > 127)
            self._canvas[:] = 0
        super().reset()

    def _shade(self, colour: Colour) -> Colour:  # noqa: ARG002 - every colour is white here
        return 255.0, 255.0, 255.0


class Ownership:
    """A map of the picture, ``(height, width)``: the id of the object that each pixel shows, 0 for none."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._owner = np.zeros((height, width), np.int32)
        self._whole: dict[int, int] = {}

    def silhouette(self) -> Silhouette:
        """A brush for the next object."""
        return Silhouette(self._width, self._height)

    def bounds_of(self, prop: Prop, view: View) -> Bounds | None:
        """Pixels, also beside the picture; ``None`` if nothing was drawn."""
        brush = self.silhouette()
        prop.draw(brush, view)
        return brush.bounds

    def stand(self, cover: Cover, key: int) -> None:
        """A prop, nearer than those before it; only one with a label is an object."""
        mask = cover.mask > 0
        height, width = mask.shape
        self._owner[cover.y : cover.y + height, cover.x : cover.x + width][mask] = key if cover.prop.label else 0
        self._whole[key] = int(mask.sum())

    def enter(self, key: int, mask: Mask, bounds: Bounds, depth: float, covers: Sequence[Cover]) -> None:
        """An object at ``depth`` that moves, nearer than those before it; nearer props hide it again."""
        self._owner[mask] = key
        self._whole[key] = int(mask.sum())
        for number, cover in enumerate(covers):
            if cover.depth >= depth:
                continue
            height, width = cover.mask.shape
            x1, y1 = max(cover.x, int(bounds[0]) - 2), max(cover.y, int(bounds[1]) - 2)
            x2, y2 = min(cover.x + width, int(bounds[2]) + 3), min(cover.y + height, int(bounds[3]) + 3)
            if x1 < x2 and y1 < y2:
                part = cover.mask[y1 - cover.y : y2 - cover.y, x1 - cover.x : x2 - cover.x] > 0
                self._owner[y1:y2, x1:x2][part & (self._owner[y1:y2, x1:x2] == key)] = (
                    -1 - number if cover.prop.label else 0
                )

    def share(self, key: int) -> float:
        """What is to be seen of an object, of its pixels within the picture."""
        whole = self._whole.get(key, 0)
        return float((self._owner == key).sum()) / whole if whole else 0.0
