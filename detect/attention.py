"""Does a frame matter: is something on it that was not there before, or that moves? Pure; one camera, frames in order.

What a shut gate may rest on. A parked car is found on every frame and matters on none; somebody who walks is
somewhere else each time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from detect.detection import Detections
from detect.nms import pairwise_iou

_SAME_IOU = 0.5


class Attention:
    """Remembers where objects rest. ``labels`` are the model's, ``wanted`` the class names that some rule is about.

    An object rests once it was found at the same place (IoU 0.5, whatever its class) for ``rest_s``; a place where
    nothing was found for ``forget_s`` is forgotten. Times are capture times, UTC epoch seconds.
    """

    def __init__(
        self,
        labels: Sequence[str],
        wanted: Collection[str],
        *,
        min_score: float = 0.4,
        rest_s: float = 2.0,
        forget_s: float = 90.0,
    ) -> None:
        self._wanted = np.array([index for index, label in enumerate(labels) if label in wanted], np.int16)
        self._min_score = min_score
        self._rest_s = rest_s
        self._forget_s = forget_s
        self._boxes = np.empty((0, 4), np.float32)
        self._since = np.empty(0)
        self._seen = np.empty(0)
        self._size = (0, 0)

    def matters(self, detections: Detections, captured_at: float) -> bool:
        """Whether something wanted is on the frame that does not rest there."""
        if self._size != (detections.width, detections.height):
            self._size = (detections.width, detections.height)
            self._keep(np.zeros(len(self._boxes), bool))
        self._keep((captured_at - self._seen <= self._forget_s) & (self._seen <= captured_at))
        chosen = np.isin(detections.classes, self._wanted) & (detections.scores >= self._min_score)
        boxes = detections.boxes[chosen]
        if not len(boxes):
            return False
        matched, stirs = np.zeros(len(boxes), bool), False
        if len(self._boxes):
            iou = pairwise_iou(boxes, self._boxes)
            nearest = iou.argmax(axis=1)
            matched = iou.max(axis=1) >= _SAME_IOU
            self._seen[nearest[matched]] = captured_at
            stirs = bool((captured_at - self._since[nearest[matched]] < self._rest_s).any())
        fresh = boxes[~matched]
        self._boxes = np.concatenate([self._boxes, fresh])
        self._since = np.concatenate([self._since, np.full(len(fresh), captured_at)])
        self._seen = np.concatenate([self._seen, np.full(len(fresh), captured_at)])
        return stirs or bool(len(fresh))

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self._boxes, self._since, self._seen = self._boxes[mask], self._since[mask], self._seen[mask]
