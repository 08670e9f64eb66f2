"""Detections of one frame as one validated struct of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detections:
    """``n`` boxes on a source picture of ``width`` × ``height`` pixels.

    ``boxes``: float32 ``(n, 4)``, x1 y1 x2 y2 in source pixels, x1 <= x2, y1 <= y2. ``scores``: float32 ``(n,)`` in
    [0, 1]. ``classes``: int16 ``(n,)``, index into the model's labels. Raises ``ValueError`` naming the field that
    does not fit.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int16]
    width: int
    height: int

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4) or self.boxes.dtype != np.float32:
            raise ValueError(f"boxes: want float32 ({n}, 4), got {self.boxes.dtype} {self.boxes.shape}")
        if self.scores.shape != (n,) or self.scores.dtype != np.float32:
            raise ValueError(f"scores: want float32 ({n},), got {self.scores.dtype} {self.scores.shape}")
        if self.classes.shape != (n,) or self.classes.dtype != np.int16:
            raise ValueError(f"classes: want int16 ({n},), got {self.classes.dtype} {self.classes.shape}")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"size: want a picture, got {self.width} x {self.height}")
        if n and not (np.isfinite(self.boxes).all() and (self.boxes[:, :2] <= self.boxes[:, 2:]).all()):
            raise ValueError("boxes: want finite x1 <= x2 and y1 <= y2")
        if n and not (self.scores.min() >= 0 and self.scores.max() <= 1):
            raise ValueError("scores: want values in [0, 1]")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls, width: int, height: int) -> Detections:
        """A looked-at picture on which nothing was found (which is not the same as a picture not looked at)."""
        return cls(
            np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int16), width=width, height=height
        )


@dataclass(frozen=True, slots=True)
class Tracks:
    """Confirmed tracks on one frame, parallel arrays of length ``n``; plain enough to be handed to pure rules.

    ``ids``: int64 ``(n,)``, unique within the camera for the life of the worker. ``boxes``: float32 ``(n, 4)``,
    x1 y1 x2 y2 **normalised** to the picture, [0, 1]. ``scores``: float32 ``(n,)``. ``labels``: ``n`` class names.
    ``captured_at``: UTC epoch seconds of the frame; ``pts_s``: its time on the stream's timeline.
    """

    camera_id: str
    captured_at: float
    pts_s: float
    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.boxes.shape != (n, 4) or self.scores.shape != (n,) or len(self.labels) != n:
            raise ValueError(
                f"tracks of {self.camera_id}: {n} ids, boxes {self.boxes.shape}, scores {self.scores.shape}, "
                f"{len(self.labels)} labels"
            )

    def __len__(self) -> int:
        return len(self.ids)

    def anchors(self) -> NDArray[np.float32]:
        """Bottom centres, float32 ``(n, 2)``, normalised: where an object touches the ground."""
        return np.stack([(self.boxes[:, 0] + self.boxes[:, 2]) / 2, self.boxes[:, 3]], axis=1)
