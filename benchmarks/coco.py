"""COCO's mean average precision over IoUs of 0.50 to 0.95 (Lin et al. 2014, arXiv:1405.0312).

The rules are those of the reference evaluator ``pycocotools`` 2.0 for boxes, all sizes, 100 detections a picture and
class: detections of a class go by falling score, each takes the free object of its class with the highest IoU above
the threshold; precision is made falling and averaged at 101 recalls; then classes that occur, then thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)
_MOST = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture: ``n`` detections and ``m`` objects. Boxes x1 y1 x2 y2 in any one unit, classes of one label list."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    objects: NDArray[np.float64]
    kinds: NDArray[np.int16]


class MeanPrecision(NamedTuple):
    """Shares in [0, 1]."""

    map50_95: float
    map50: float


def mean_precision(pictures: Sequence[Scored]) -> MeanPrecision:
    """Raises ``ValueError`` where no object is to be found."""
    kinds = sorted({int(kind) for picture in pictures for kind in picture.kinds})
    if not kinds:
        raise ValueError("mean average precision: no object to find")
    by_threshold = np.mean([_of_class(pictures, kind) for kind in kinds], axis=0)
    return MeanPrecision(float(by_threshold.mean()), float(by_threshold[0]))


def _of_class(pictures: Sequence[Scored], kind: int) -> NDArray[np.float64]:
    """Average precision of a class at each of :data:`THRESHOLDS`."""
    objects = sum(int((picture.kinds == kind).sum()) for picture in pictures)
    parts = [_outcomes(picture, kind) for picture in pictures]
    order = np.argsort(-np.concatenate([scores for scores, _ in parts]), kind="mergesort")
    hits = np.concatenate([hit for _, hit in parts], axis=1)[:, order]
    return np.array([_average(row, objects) for row in hits])


def _outcomes(picture: Scored, kind: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores ``(n,)`` of a picture's detections of a class, and whether each is right, ``(thresholds, n)``."""
    mine = np.flatnonzero(picture.classes == kind)
    mine = mine[np.argsort(-picture.scores[mine], kind="mergesort")][:_MOST]
    overlaps = _iou(picture.boxes[mine].astype(np.float64), picture.objects[picture.kinds == kind])
    hits = np.zeros((len(THRESHOLDS), len(mine)), bool)
    for level, threshold in enumerate(THRESHOLDS):
        free = overlaps.copy()
        for row in range(len(mine) if free.shape[1] else 0):
            # Of equal overlaps the last object is taken, as the reference does.
            best = free.shape[1] - 1 - int(free[row, ::-1].argmax())
            if free[row, best] >= threshold:
                hits[level, row] = True
                free[:, best] = -1
    return picture.scores[mine], hits


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    both = np.prod(np.maximum(sides, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    either: NDArray[np.float64] = both / np.maximum(areas[0][:, None] + areas[1][None, :] - both, 1e-12)
    return either


def _average(hits: NDArray[np.bool_], objects: int) -> float:
    right = np.cumsum(hits)
    falling = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(right / objects, _RECALLS, side="left")
    return float(np.append(falling, 0.0)[at].mean())
