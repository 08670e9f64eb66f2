"""What a head is: the decoder of one family of outputs, and the steps that families share."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Shapes = Sequence[Sequence[int | str | None]]
"""Of a model's outputs, in its order. Text or ``None`` stands for an axis that is free."""

Outputs = Sequence[NDArray[Any]]
"""Of one picture: the model's outputs in its order, each with a leading axis of 1, float32 or an integer type."""


class Candidates(NamedTuple):
    """``n`` boxes ``(n, 4)`` float32 x1 y1 x2 y2 in input px, scores ``(n,)`` float32, classes ``(n,)`` int16."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]


class HeadShape(NamedTuple):
    """What a head is built for: the input's size, px, and how many labels there are."""

    width: int
    height: int
    labels: int


class Head(Protocol):
    """Decodes the outputs of one model. Stateless: may be used from any thread."""

    @property
    def overlapping(self) -> bool:
        """Whether an object comes as many boxes, so that NMS is wanted."""

    def fault(self, shapes: Shapes) -> str | None:
        """Why outputs of these shapes are not this head's; ``None`` where they fit."""

    def decode(self, outputs: Outputs, min_score: float) -> Candidates:
        """The boxes whose score is at least ``min_score``; before NMS.

        Raises ``FloatingPointError`` where what it looks at is not finite: that is a failure, not an empty picture.
        """

    def peak(self, outputs: Outputs) -> float:
        """The best class score in the outputs, NaN where any is not finite: what a probe looks at."""


def shape_fault(shapes: Shapes, wants: Sequence[Sequence[int | None]]) -> str | None:
    """Why ``shapes`` are not ``wants``, in words; ``None`` where they fit. ``None`` in ``wants``: any size."""
    told, wanted = [list(shape) for shape in shapes], [["any" if w is None else w for w in want] for want in wants]
    fits = len(shapes) == len(wants) and all(
        len(shape) == len(want)
        and all(not isinstance(h, int) or w is None or h == w for h, w in zip(shape, want, strict=True))
        for shape, want in zip(shapes, wants, strict=True)
    )
    if fits:
        return None
    if len(shapes) == len(wants) == 1:
        return f"output {told[0]}, want {wanted[0]}"
    return f"outputs {told}, want {wanted}"


def grid_points(width: int, height: int, strides: Sequence[int]) -> list[int]:
    """How many points each stride's grid has. A part of a cell at the edge is a cell."""
    return [-(-width // stride) * -(-height // stride) for stride in strides]


def grid(width: int, height: int, strides: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and line of each point, float32 ``(n, 2)``, row by row and stride by stride, and its stride ``(n, 1)``."""
    points, sizes = [], []
    for stride in strides:
        line, column = np.mgrid[: -(-height // stride), : -(-width // stride)]
        points.append(np.stack([column, line], axis=-1).reshape(-1, 2))
        sizes.append(np.full((len(points[-1]), 1), stride))
    return np.concatenate(points).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def over(scores: NDArray[np.float32], floor: float) -> NDArray[np.intp]:
    """Flat indices of scores that are not below ``floor``. What is not a number is not below: it must be seen."""
    return np.flatnonzero(~(scores < np.float32(floor)))


def require_finite(values: NDArray[Any], what: str) -> None:
    """Raises ``FloatingPointError``."""
    # The sum of finite numbers is finite, and what is not finite does not cancel out.
    if not isfinite(values.sum(dtype=np.float64)):
        raise FloatingPointError(f"the model's {what} are not finite")


def corners(centres: NDArray[np.float32], sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes ``(n, 4)`` x1 y1 x2 y2 of centres ``(n, 2)`` and sizes ``(n, 2)``; a negative size counts as none."""
    halves = np.maximum(sizes, np.float32(0)) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


def candidates(boxes: NDArray[Any], scores: NDArray[Any], classes: NDArray[Any]) -> Candidates:
    """With the types that the contract names; a probability that was rounded above 1 is 1."""
    return Candidates(
        boxes.astype(np.float32, copy=False),
        np.minimum(scores, np.float32(1)).astype(np.float32, copy=False),
        classes.astype(np.int16, copy=False),
    )


def best_products(
    rows: NDArray[np.float32], min_score: float
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32], NDArray[np.intp]]:
    """Of rows ``(n, 5 + C)`` of box, objectness and ``C`` class probabilities: those that score enough.

    Gives their indices, themselves, their scores = objectness * best class, and their classes. A class probability is
    at most 1, so a row whose objectness is too low cannot pass: most end there, unread.
    """
    points = over(rows[:, 4], min_score)
    picked = rows[points]
    require_finite(picked, "boxes or scores")
    best = np.argmax(picked[:, 5:], axis=1)
    scores = picked[:, 4] * picked[:, 5:].max(axis=1)
    good = scores >= np.float32(min_score)
    if good.all():
        return points, picked, scores, best
    return points[good], picked[good], scores[good], best[good]


def best_of_rows(
    scores: NDArray[np.float32], min_score: float
) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.intp]]:
    """Of class scores ``(n, C)``, contiguous: the rows whose best is enough, these best scores, and their classes."""
    rows = np.unique(over(scores, min_score) // scores.shape[1])
    picked = scores[rows]
    require_finite(picked, "scores")
    best = np.argmax(picked, axis=1)
    return rows, picked[np.arange(len(best)), best], best


def peak_product(rows: NDArray[np.float32]) -> float:
    """The best objectness * class of rows ``(n, 5 + C)``, NaN where any number is not finite."""
    if not np.isfinite(rows).all():
        return float("nan")
    return float((rows[:, 4] * rows[:, 5:].max(axis=1)).max())


def peak_score(scores: NDArray[Any], *others: NDArray[Any]) -> float:
    """The best score, NaN where any number is not finite. Of none: 0."""
    if not all(np.isfinite(values).all() for values in (scores, *others)):
        return float("nan")
    return float(scores.max(initial=0))
