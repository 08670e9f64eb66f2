"""Heads that give a box as four distributions of distances: NanoDet, NanoDet-Plus and PicoDet.

A side's distance from its point is the mean of a distribution over ``R`` bins, times the stride (generalised focal
loss, Li et al. 2020, arXiv:2006.04388, section 3). Class scores come after sigmoid, and there is no objectness.

- NanoDet (RangiLyu/nanodet, 0.x): for each stride an output of scores ``(1, n, C)`` and one of distributions
  ``(1, n, 4 R)``; strides 8, 16, 32; a point lies at ``column * stride + (stride - 1) / 2``.
- PicoDet (Yu et al. 2021, arXiv:2111.00902): the same outputs, and stride 64; a point lies at
  ``(column + 1/2) * stride``.
- NanoDet-Plus (1.x): one output ``(1, n, C + 4 R)`` of all points; strides 8 to 64; points at ``column * stride``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detect.heads.head import (
    Candidates,
    Outputs,
    Shapes,
    best_of_rows,
    candidates,
    grid,
    grid_points,
    peak_score,
    require_finite,
    shape_fault,
)

NANODET_STRIDES = (8, 16, 32)
PICODET_STRIDES = (8, 16, 32, 64)


def mean_distances(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distances ``(n, 4)`` left, top, right, bottom in strides, of distributions ``(n, 4 R)``."""
    bins = logits.reshape(len(logits), 4, logits.shape[1] // 4)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    mean: NDArray[np.float32] = weights @ np.arange(bins.shape[2], dtype=np.float32) / weights.sum(axis=2)
    return mean


class _Points:
    """The points of an input, and boxes around them."""

    def __init__(self, width: int, height: int, strides: tuple[int, ...], *, cell_centre: bool, pixel: float) -> None:
        columns, self._stride = grid(width, height, strides)
        offset = (self._stride - np.float32(pixel)) / 2 if cell_centre else np.float32(0)
        self._centres = columns * self._stride + offset

    def __len__(self) -> int:
        return len(self._centres)

    def boxes(self, rows: NDArray[np.intp], logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes ``(n, 4)`` in input px of these points and their distributions ``(n, 4 R)``."""
        require_finite(logits, "boxes")
        distances = mean_distances(logits) * self._stride[rows]
        centres = self._centres[rows]
        return np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)


class NanoDetHead:
    """NanoDet's outputs by stride, or PicoDet's where ``picodet``, for an input of ``width`` × ``height`` px."""

    overlapping = True

    def __init__(self, width: int, height: int, labels: int, *, picodet: bool = False) -> None:
        strides = PICODET_STRIDES if picodet else NANODET_STRIDES
        self._labels = labels
        self._sizes = grid_points(width, height, strides)
        self._starts = np.cumsum([0, *self._sizes])
        self._points = _Points(width, height, strides, cell_centre=True, pixel=0 if picodet else 1)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        if _pairs(shapes, self._sizes, self._labels) is not None:
            return None
        wants = [(1, size, width) for size in self._sizes for width in (self._labels, None)]
        return shape_fault(shapes, wants) or f"outputs {[list(shape) for shape in shapes]} are no pairs by stride"

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = best class. A stride without a candidate costs a comparison."""
        pairs = _pairs([output.shape for output in outputs], self._sizes, self._labels)
        if pairs is None:
            raise ValueError(f"outputs {[output.shape for output in outputs]} are no pairs by stride")
        boxes, scores, classes = [], [], []
        for start, (of_scores, of_boxes) in zip(self._starts, pairs, strict=False):
            rows, best, which = best_of_rows(outputs[of_scores][0], min_score)
            boxes.append(self._points.boxes(rows + start, outputs[of_boxes][0][rows]))
            scores.append(best)
            classes.append(which)
        return candidates(np.concatenate(boxes), np.concatenate(scores), np.concatenate(classes))

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        pairs = _pairs([output.shape for output in outputs], self._sizes, self._labels) or []
        return max(peak_score(outputs[of_scores], *outputs) for of_scores, _ in pairs)


class NanoDetPlusHead:
    """NanoDet-Plus' one output for an input of ``width`` × ``height`` px."""

    overlapping = True

    def __init__(self, width: int, height: int, labels: int) -> None:
        self._labels = labels
        self._points = _Points(width, height, PICODET_STRIDES, cell_centre=False, pixel=0)

    def fault(self, shapes: Shapes) -> str | None:
        """See :class:`detect.heads.head.Head`."""
        fault = shape_fault(shapes, [(1, len(self._points), None)])
        width = shapes[0][2] if fault is None else None
        if isinstance(width, int) and not is_distribution(width - self._labels):
            return f"output {list(shapes[0])}, want {self._labels} scores and 4 distributions a row"
        return fault

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """See :class:`detect.heads.head.Head`. Score = best class."""
        table = outputs[0][0]
        rows, best, which = best_of_rows(np.ascontiguousarray(table[:, : self._labels]), min_score)
        return candidates(self._points.boxes(rows, table[rows, self._labels :]), best, which)

    def peak(self, outputs: Outputs) -> float:
        """See :class:`detect.heads.head.Head`."""
        table = outputs[0][0]
        return peak_score(table[:, : self._labels], table)


def is_distribution(width: int) -> bool:
    """Whether a row of so many numbers can be four distributions of at least two bins."""
    return width >= 8 and width % 4 == 0


def _pairs(shapes: Shapes, sizes: list[int], labels: int) -> list[tuple[int, int]] | None:
    """For each stride the outputs of its scores and of its distributions, in whatever order they come."""
    if len(shapes) != 2 * len(sizes) or any(len(shape) != 3 for shape in shapes):
        return None
    pairs = []
    for size in sizes:
        found = [index for index, shape in enumerate(shapes) if shape[1] == size]
        if len(found) != 2:
            return None
        first, second = (shapes[index][2] for index in found)
        # Where both fit (as many labels as numbers of distributions), scores come first, as every export has them.
        if first == labels and isinstance(second, int) and is_distribution(second):
            pairs.append((found[0], found[1]))
        elif second == labels and isinstance(first, int) and is_distribution(first):
            pairs.append((found[1], found[0]))
        else:
            return None
    return pairs
