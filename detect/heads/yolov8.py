"""The head of YOLOv8 and its successors (9, 11, 12), which has no objectness.

One output ``(1, 4 + C, N)``: for each of ``N`` points a column of box centre and size in input px and ``C`` class
probabilities after sigmoid. Format: Ultralytics' documentation of the ONNX export (without ``nms``).
"""

from __future__ import annotations

import numpy as np

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    candidates,
    corners,
    over,
    peak_score,
    require_finite,
    shape_fault,
)


class YoloV8Head:
    """For ``labels`` classes; boxes come decoded, so the input's size does not matter."""

    overlapping = True

    def __init__(self, labels: int) -> None:
        self._labels = labels

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, 4 + self._labels, None)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = best class."""
        table = outputs[0][0]
        # A maximum over lines is read in the order of memory; it keeps a NaN, and so does the threshold.
        points = over(table[4:].max(axis=0), min_score)
        picked = table[:, points]
        require_finite(picked, "boxes or scores")
        best = np.argmax(picked[4:], axis=0)
        scores = picked[4 + best, np.arange(len(best))]
        return candidates(corners(picked[:2].T, picked[2:4].T), scores, best)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        table = outputs[0][0]
        return peak_score(table[4:], table[:4])
