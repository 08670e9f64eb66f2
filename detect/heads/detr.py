"""Heads of the DETR family (Carion et al. 2020, arXiv:2005.12872): one row an object, no NMS wanted.

- ``detr``, ``detr_unit``: RT-DETR's, D-FINE's and DEIM's own export: ``labels`` ``(1, K)`` integers, ``boxes``
  ``(1, K, 4)`` x1 y1 x2 y2 and ``scores`` ``(1, K)``. With an input ``orig_target_sizes`` (width, height) the boxes
  are in px of that size; it is fed the input's own, so that they are in input px. Without it they may be in input px
  too, or shares of the input, which is ``detr_unit``.
- ``detr_logits``: ``pred_logits`` ``(1, Q, C)`` before sigmoid and ``pred_boxes`` ``(1, Q, 4)``, centre and size as
  shares of the input (RT-DETR, Zhao et al. 2023, arXiv:2304.08069; RF-DETR).
- ``detr_rows``: the same after sigmoid in one output ``(1, Q, 4 + C)``, boxes first (Ultralytics' export of RT-DETR).
- ``detr_top``: its best in one output ``(1, K, 6)``: centre and size as shares, score, class (the same export since
  version 8.4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    best_of_rows,
    candidates,
    corners,
    over,
    peak_score,
    require_finite,
    shape_fault,
)
from detect.heads.yolov10 import ordered, require_labelled

_LOGIT_MAX = np.float32(80)  # keeps exp() finite


class DetrHead:
    """Labels, boxes and scores, in any order. ``unit``: boxes are shares of ``width`` × ``height``, not px."""

    overlapping = False

    def __init__(self, width: int, height: int, labels: int, *, unit: bool = False) -> None:
        self._labels = labels
        self._scale = np.array([width, height] * 2 if unit else [1] * 4, np.float32)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        ranks = sorted(len(shape) for shape in shapes)
        if ranks == [2, 2, 3] and all(shape[2] in (4, None) for shape in shapes if len(shape) == 3):
            return None
        return f"outputs {[list(shape) for shape in shapes]}, want labels (1, K), boxes (1, K, 4) and scores (1, K)"

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Raises ``IndexError`` for a class that has no label."""
        labels, boxes, scores = _told_apart(outputs)
        rows = over(scores, min_score)
        require_finite(scores[rows], "scores")
        require_finite(boxes[rows], "boxes")
        require_labelled(labels[rows], self._labels)
        return candidates(ordered(boxes[rows] * self._scale), scores[rows], labels[rows])

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        _, boxes, scores = _told_apart(outputs)
        return peak_score(scores, boxes)


class DetrLogitsHead:
    """Logits and boxes as shares of an input of ``width`` × ``height`` px; a query gives its best class alone."""

    overlapping = False

    def __init__(self, width: int, height: int, labels: int) -> None:
        self._labels = labels
        self._scale = np.array([width, height], np.float32)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        logits_first = [(1, None, self._labels), (1, None, 4)]
        if shape_fault(shapes, logits_first[::-1]) is None:
            return None
        return shape_fault(shapes, logits_first)

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. The threshold is applied to the logits: sigmoid only for what passes."""
        logits, boxes = _logits_and_boxes(outputs)
        share = min(max(min_score, 1e-9), 1 - 1e-6)
        rows, best, which = best_of_rows(logits, math.log(share / (1 - share)))
        picked = boxes[rows]
        require_finite(picked, "boxes")
        return candidates(corners(picked[:, :2] * self._scale, picked[:, 2:] * self._scale), _sigmoid(best), which)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        logits, boxes = _logits_and_boxes(outputs)
        return peak_score(_sigmoid(logits), boxes)


class DetrRowsHead:
    """Rows of box and class probabilities, boxes as shares of an input of ``width`` × ``height`` px."""

    overlapping = False

    def __init__(self, width: int, height: int, labels: int) -> None:
        self._labels = labels
        self._scale = np.array([width, height], np.float32)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        return shape_fault(shapes, [(1, None, 4 + self._labels)])

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = best class."""
        table = outputs[0][0]
        rows, best, which = best_of_rows(np.ascontiguousarray(table[:, 4:]), min_score)
        picked = table[rows, :4]
        require_finite(picked, "boxes")
        return candidates(corners(picked[:, :2] * self._scale, picked[:, 2:] * self._scale), best, which)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        table = outputs[0][0]
        return peak_score(table[:, 4:], table)


class DetrTopHead:
    """Rows of box, score and class, boxes as shares of an input of ``width`` × ``height`` px."""

    overlapping = False

    def __init__(self, width: int, height: int, labels: int) -> None:
        self._labels = labels
        self._scale = np.array([width, height], np.float32)

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
        boxes = corners(picked[:, :2] * self._scale, picked[:, 2:4] * self._scale)
        return candidates(boxes, picked[:, 4], classes)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        rows = outputs[0][0]
        return peak_score(rows[:, 4], rows)


def _told_apart(outputs: Outputs) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
    """Labels ``(K,)``, boxes ``(K, 4)`` and scores ``(K,)`` by their shapes and types, whatever their order."""
    boxes = next(output for output in outputs if output.ndim == 3)
    labels, scores = sorted((output for output in outputs if output.ndim == 2), key=lambda o: o.dtype.kind == "f")
    return labels[0], boxes[0], scores[0]


def _logits_and_boxes(outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    first, second = (output[0] for output in outputs)
    # With four labels both have four columns; then logits come first, as every export has them.
    return (second, first) if first.shape[1] == 4 and second.shape[1] != 4 else (first, second)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shares: NDArray[np.float32] = np.reciprocal(1 + np.exp(-np.clip(logits, -_LOGIT_MAX, _LOGIT_MAX)))
    return shares
