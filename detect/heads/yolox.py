"""YOLOX's decoupled, anchor-free head (Ge et al. 2021, arXiv:2107.08430).

One output ``(1, A, 5 + C)``: for each of the ``A`` grid points of the strides 8, 16 and 32, row by row, the box
centre and log size relative to point and stride, the objectness and ``C`` class probabilities, both after sigmoid.
"""

from __future__ import annotations

import numpy as np

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    best_products,
    candidates,
    corners,
    grid,
    peak_product,
    shape_fault,
)

STRIDES = (8, 16, 32)
_LOG_SIZE_MAX = np.float32(10)  # times the stride: more than any input; keeps exp() finite


class YoloxHead:
    """For an input of ``width`` × ``height`` px and ``labels`` classes.

    Raises ``ValueError`` where the input is not a multiple of the widest stride.
    """

    overlapping = True

    def __init__(self, width: int, height: int, labels: int) -> None:
        if width % STRIDES[-1] or height % STRIDES[-1]:
            raise ValueError(f"input {width} x {height}: not a multiple of {STRIDES[-1]} px")
        self._labels = labels
        points, strides = grid(width, height, STRIDES)
        self._points = np.concatenate([points * strides, strides], axis=1)  # column and line in px, and the stride

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, len(self._points), 5 + self._labels)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = objectness * best class, as in the paper's evaluation."""
        points, picked, scores, best = best_products(outputs[0][0], min_score)
        cells = self._points[points]
        strides = cells[:, 2:]
        centres = cells[:, :2] + picked[:, :2] * strides
        sizes = np.exp(np.minimum(picked[:, 2:4], _LOG_SIZE_MAX)) * strides
        return candidates(corners(centres, sizes), scores, best)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        return peak_product(outputs[0][0])
