"""YOLOX's decoupled, anchor-free head (Ge et al. 2021, arXiv:2107.08430).

One output ``(1, A, 5 + C)``: for each of the ``A`` grid points of the strides 8, 16 and 32, row by row, the box
centre and log size relative to point and stride, the objectness and ``C`` class probabilities, both after sigmoid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STRIDES = (8, 16, 32)
_LOG_SIZE_MAX = np.float32(10)  # times the stride: more than any input; keeps exp() finite


class YoloxHead:
    """For an input of ``width`` × ``height`` px and ``labels`` classes.

    Raises ``ValueError`` where the input is not a multiple of the widest stride.
    """

    def __init__(self, width: int, height: int, labels: int) -> None:
        if width % _STRIDES[-1] or height % _STRIDES[-1]:
            raise ValueError(f"input {width} x {height}: not a multiple of {_STRIDES[-1]} px")
        self._labels = labels
        grids, strides = [], []
        for stride in _STRIDES:
            y, x = np.mgrid[: height // stride, : width // stride]
            grids.append(np.stack([x, y], axis=-1).reshape(-1, 2))
            strides.append(np.full(grids[-1].shape[0], stride))
        self._grid = np.concatenate(grids).astype(np.float32)
        self._stride = np.concatenate(strides).astype(np.float32)[:, None]

    def fault(self, shapes: Sequence[Sequence[int | str | None]]) -> str | None:
        """See :class:`detect.heads.Head`."""
        want = (1, len(self._grid), 5 + self._labels)
        if len(shapes) != 1 or len(shapes[0]) != 3:
            return f"outputs {[list(shape) for shape in shapes]}, want one of {list(want)}"
        if any(isinstance(have, int) and have != size for have, size in zip(shapes[0], want, strict=True)):
            return f"output {list(shapes[0])}, want {list(want)}"
        return None

    def decode(
        self, outputs: Sequence[NDArray[np.float32]], min_score: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]]:
        """See :class:`detect.heads.Head`. Score = objectness * best class, as in the paper's evaluation."""
        rows = outputs[0][0]
        if not np.isfinite(rows[:, 4]).all():
            raise FloatingPointError("the model's objectness is not finite")
        # A class probability is at most 1, so a point whose objectness is too low cannot pass: most end here.
        points = np.flatnonzero(rows[:, 4] >= min_score)
        picked = rows[points]
        if not np.isfinite(picked).all():
            raise FloatingPointError("the model's boxes or scores are not finite")
        best = np.argmax(picked[:, 5:], axis=1)
        scores = picked[:, 4] * picked[np.arange(len(best)), 5 + best]
        good = scores >= min_score
        points, picked, scores = points[good], picked[good], np.minimum(scores[good], np.float32(1))
        stride = self._stride[points]
        centres = (picked[:, :2] + self._grid[points]) * stride
        halves = np.exp(np.minimum(picked[:, 2:4], _LOG_SIZE_MAX)) * stride / 2
        boxes = np.concatenate([centres - halves, centres + halves], axis=1)
        return boxes, scores, best[good].astype(np.int16)

    def peak(self, outputs: Sequence[NDArray[np.float32]]) -> float:
        """See :class:`detect.heads.Head`."""
        rows = outputs[0][0]
        if not np.isfinite(rows).all():
            return float("nan")
        return float((rows[:, 4] * rows[:, 5:].max(axis=1)).max())
