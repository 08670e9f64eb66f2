"""Letterbox: the picture keeps its shape, lies at the input's top left, and the rest is padding.

This is YOLOX's own geometry (Ge et al. 2021, arXiv:2107.08430, reference ``preproc``): one scale for both axes, the
scaled size rounded down, no offset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A source of ``source_width`` × ``source_height`` px that fills ``width`` × ``height`` px of the input.

    ``scale`` is input px per source px.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    scale: float

    @classmethod
    def fit(cls, source_width: int, source_height: int, input_width: int, input_height: int) -> Letterbox:
        """The largest that fits. Raises ``ValueError`` for an empty source or input."""
        if min(source_width, source_height, input_width, input_height) <= 0:
            raise ValueError(f"letterbox: {source_width} x {source_height} into {input_width} x {input_height} px")
        scale = min(input_width / source_width, input_height / source_height)
        # A very long picture would vanish in one axis; one line of pixels is the least that can be scaled to.
        width = max(1, int(source_width * scale))
        height = max(1, int(source_height * scale))
        return cls(source_width, source_height, width, height, scale)

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` x1 y1 x2 y2, source px to input px."""
        return boxes * np.float32(self.scale)

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` x1 y1 x2 y2, input px to source px, clipped to the picture."""
        limits = np.array([self.source_width, self.source_height] * 2, np.float32)
        source: NDArray[np.float32] = np.clip(boxes / np.float32(self.scale), np.float32(0), limits)
        return source
