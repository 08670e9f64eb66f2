"""Intersection over union, and greedy non-maximum suppression by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FEW = 16
"""Boxes of a usual picture: for so few a call of NumPy costs more than what it calculates."""


def pairwise_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of each box of ``a`` ``(n, 4)`` with each of ``b`` ``(m, 4)``, x1 y1 x2 y2: float32 ``(n, m)`` in [0, 1].

    Two boxes without area have an IoU of 0.
    """
    # Axis by axis: an innermost axis of two coordinates would keep the processor's vector units idle.
    intersection = _shared(a[:, 0], a[:, 2], b[:, 0], b[:, 2])
    intersection *= _shared(a[:, 1], a[:, 3], b[:, 1], b[:, 3])
    union = _areas(a)[:, None] + _areas(b)[None, :] - intersection
    iou: NDArray[np.float32] = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return np.minimum(iou, np.float32(1))


def _shared(
    a_from: NDArray[np.float32], a_to: NDArray[np.float32], b_from: NDArray[np.float32], b_to: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Length that each span of ``a`` has in common with each of ``b``, ``(n, m)``."""
    length: NDArray[np.float32] = np.minimum(a_to[:, None], b_to[None, :])
    length -= np.maximum(a_from[:, None], b_from[None, :])
    return np.maximum(length, 0, out=length)


def _areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def nms(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    classes: NDArray[np.int16],
    *,
    iou: float,
    candidates: int = 1000,
    limit: int = 300,
) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best score first (ties: lower index first), at most ``limit``.

    A box goes when a better one that stays has its class and an IoU above ``iou``. Only the ``candidates`` best are
    looked at, which bounds the work. ``boxes`` ``(n, 4)``, ``scores`` ``(n,)``, ``classes`` ``(n,)``.
    """
    order = np.argsort(-scores, kind="stable")[:candidates]
    if len(order) < 2:
        return order
    if len(order) <= _FEW:
        return np.array(_few(order.tolist(), boxes.tolist(), classes.tolist(), iou), np.intp)[:limit]
    ranked = boxes[order]
    rivals = (pairwise_iou(ranked, ranked) > iou) & (classes[order][:, None] == classes[order][None, :])
    gone = np.zeros(len(order), bool)
    # A box without rivals suppresses nothing: only the others need the sequential walk.
    for rank in np.flatnonzero(np.triu(rivals, 1).any(axis=1)):
        if not gone[rank]:
            gone[rank + 1 :] |= rivals[rank, rank + 1 :]
    return order[~gone][:limit]


def _few(order: Sequence[int], boxes: Sequence[Sequence[float]], classes: Sequence[int], iou: float) -> list[int]:
    stay: list[int] = []
    for index in order:
        rivals = (boxes[kept] for kept in stay if classes[kept] == classes[index])
        if all(_iou(boxes[index], rival) <= iou for rival in rivals):
            stay.append(index)
    return stay


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
