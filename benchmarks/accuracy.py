"""How well detections agree with what is there: average precision at an IoU of 0.5, by class.

The rules are COCO's (Lin et al. 2014, arXiv:1405.0312, reference ``pycocotools``): detections of a class over all
pictures go by falling score; each takes the free object of its class with the highest IoU of at least 0.5; precision is
made monotonous and averaged at 101 recalls. An object that is not counted is neither missed nor, where found, a false
alarm; nor is a detection that takes no object and is lower than what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detect.nms import pairwise_iou

IOU = 0.5


@dataclass(frozen=True)
class Judged:
    """One picture. Boxes are x1 y1 x2 y2 in one frame of coordinates; classes are indices into one list of labels.

    ``boxes`` ``(n, 4)``, ``scores`` and ``classes`` ``(n,)`` are detections; ``objects`` ``(m, 4)``, ``kinds`` and
    ``counted`` ``(m,)`` what is there; ``min_height`` is the least height that counts, in the boxes' unit.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    objects: NDArray[np.float32]
    kinds: NDArray[np.int16]
    counted: NDArray[np.bool_]
    min_height: float = 0.0


@dataclass(frozen=True)
class ClassFigures:
    """``ap50``, ``recall`` and ``precision`` in [0, 1]; the last two at the score that was asked for.

    ``objects`` is how many were to be found. ``precision`` is NaN where nothing was detected.
    """

    ap50: float
    recall: float
    precision: float
    objects: int


def judge(pictures: Sequence[Judged], kind: int, *, score: float) -> ClassFigures | None:
    """Figures of one class; ``None`` where no object of it counts."""
    total = sum(int((picture.counted & (picture.kinds == kind)).sum()) for picture in pictures)
    if total == 0:
        return None
    parts = [_outcomes(picture, kind) for picture in pictures]
    scores = np.concatenate([found for found, _ in parts])
    hits = np.concatenate([hit for _, hit in parts])
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], hits[order]
    above = scores >= score
    right, shown = int(hits[above].sum()), int(above.sum())
    return ClassFigures(
        ap50=_average(hits, total),
        recall=right / total,
        precision=right / shown if shown else float("nan"),
        objects=total,
    )


def mean_ap50(pictures: Sequence[Judged], kinds: Sequence[int]) -> float:
    """Over the classes that occur. Raises ``ValueError`` where none does."""
    found = [figures.ap50 for kind in kinds if (figures := judge(pictures, kind, score=0.0)) is not None]
    if not found:
        raise ValueError("average precision: no object to find")
    return float(np.mean(found))


def _outcomes(picture: Judged, kind: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scores of the detections that are judged, and whether each is right."""
    mine = np.flatnonzero(picture.classes == kind)
    mine = mine[np.argsort(-picture.scores[mine], kind="stable")]
    there = np.flatnonzero(picture.kinds == kind)
    overlaps = pairwise_iou(picture.boxes[mine], picture.objects[there])
    counted = picture.counted[there]
    free = np.ones(len(there), bool)
    scores, hits = [], []
    for row, index in enumerate(mine):
        for wanted in (True, False):
            open_ones = np.where(free & (counted == wanted), overlaps[row], 0)
            best = int(open_ones.argmax()) if len(there) else -1
            if best >= 0 and open_ones[best] >= IOU:
                free[best] = False
                break
        else:
            if picture.boxes[index, 3] - picture.boxes[index, 1] < picture.min_height:
                continue
            wanted = True
            best = -1
        if wanted:
            scores.append(picture.scores[index])
            hits.append(best >= 0)
    return np.array(scores, np.float32), np.array(hits, bool)


def _average(hits: NDArray[np.bool_], total: int) -> float:
    right = np.cumsum(hits)
    recall = right / total
    precision = right / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(falling, 0.0)[at].mean())
