"""YOLOv5's head as its export decodes it, which YOLOv7 and a YOLOX exported with its decoder share.

One output ``(1, N, 5 + C)``: box centre and size in input px, objectness, ``C`` class probabilities, both after
sigmoid. ``N`` is three anchors for each point of the strides 8, 16 and 32 (and 64 where the input is 1280 px).
Format: Ultralytics' documentation of YOLOv5's export.
"""

from __future__ import annotations

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    best_products,
    candidates,
    corners,
    peak_product,
    shape_fault,
)


class YoloV5Head:
    """For ``labels`` classes; boxes come decoded, so the input's size does not matter."""

    overlapping = True

    def __init__(self, labels: int) -> None:
        self._labels = labels

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, None, 5 + self._labels)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = objectness * best class."""
        _, picked, scores, best = best_products(outputs[0][0], min_score)
        return candidates(corners(picked[:, :2], picked[:, 2:4]), scores, best)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        return peak_product(outputs[0][0])
