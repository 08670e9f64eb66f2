"""FastestDet's head (dog-qiuqiu/FastestDet): one grid of stride 16, one box a cell.

One output ``(1, 5 + C, H, W)``: objectness after sigmoid, the centre's offset before tanh, the size before sigmoid,
``C`` class probabilities after softmax. Centre = (cell + tanh) / grid, size = sigmoid, both shares of the input;
score = objectness^0.6 * class^0.4.
"""

from __future__ import annotations

import numpy as np

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    candidates,
    corners,
    grid,
    over,
    peak_score,
    require_finite,
    shape_fault,
)

STRIDE = 16
_OBJECTNESS_POWER = 0.6
_CLASS_POWER = 0.4


class FastestDetHead:
    """For an input of ``width`` × ``height`` px, ``labels`` classes. Raises ``ValueError`` for no multiple of 16 px."""

    overlapping = True

    def __init__(self, width: int, height: int, labels: int) -> None:
        if width % STRIDE or height % STRIDE:
            raise ValueError(f"input {width} x {height}: not a multiple of {STRIDE} px")
        self._labels = labels
        self._lines, self._columns = height // STRIDE, width // STRIDE
        self._grid, _ = grid(width, height, [STRIDE])
        self._size = np.array([width, height], np.float32)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, 5 + self._labels, self._lines, self._columns)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`."""
        table = outputs[0][0].reshape(5 + self._labels, -1)
        # A class is at most 1: score >= s needs an objectness of s^(1/0.6). The margin is for the roots' rounding.
        points = over(table[0], min_score ** (1 / _OBJECTNESS_POWER) * 0.999)
        picked = table[:, points]
        require_finite(picked, "boxes or scores")
        best = np.argmax(picked[5:], axis=0)
        shares = picked[5 + best, np.arange(len(best))]
        scores = picked[0] ** np.float32(_OBJECTNESS_POWER) * shares ** np.float32(_CLASS_POWER)
        good = scores >= np.float32(min_score)
        picked, points = picked[:, good], points[good]
        centres = (self._grid[points] + np.tanh(picked[1:3].T)) * np.float32(STRIDE)
        sizes = self._size / (1 + np.exp(-np.maximum(picked[3:5].T, np.float32(-80))))
        return candidates(corners(centres, sizes), scores[good], best[good])

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        table = outputs[0][0].reshape(5 + self._labels, -1)
        if not (np.isfinite(table).all() and table[0].min() >= 0 and table[5:].min() >= 0):
            return float("nan")
        return peak_score(table[0] ** _OBJECTNESS_POWER * table[5:].max(axis=0) ** _CLASS_POWER)
