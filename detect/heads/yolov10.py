"""End-to-end YOLO: YOLOv10 (Wang et al. 2024, arXiv:2405.14458), YOLO26, and exports that end with an NMS.

One output ``(1, K, 6)``: rows of x1 y1 x2 y2 in input px, score, class. One row an object: no NMS is wanted.
"""

from __future__ import annotations

import numpy as np

from detect.heads.head import Candidates, Outputs, Shapes, candidates, over, peak_score, require_finite, shape_fault


class YoloV10Head:
    """For ``labels`` classes."""

    overlapping = False

    def __init__(self, labels: int) -> None:
        self._labels = labels

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, None, 6)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Raises ``IndexError`` for a class that has no label."""
        rows = outputs[0][0]
        picked = rows[over(rows[:, 4], min_score)]
        require_finite(picked, "boxes or scores")
        classes = np.rint(picked[:, 5])
        require_labelled(classes, self._labels)
        return candidates(ordered(picked[:, :4]), picked[:, 4], classes)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        rows = outputs[0][0]
        return peak_score(rows[:, 4], rows)


def ordered(boxes: np.ndarray) -> np.ndarray:
    """Boxes ``(n, 4)`` whose second corner is not before the first, as a regression may give them."""
    return np.concatenate([boxes[:, :2], np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def require_labelled(classes: np.ndarray, labels: int) -> None:
    """Raises ``IndexError`` for a class that has no label: the entry's labels are another model's."""
    wrong = (classes < 0) | (classes >= labels)
    if wrong.any():
        raise IndexError(f"the model gives class {int(classes[wrong][0])}, and there are {labels} labels")
