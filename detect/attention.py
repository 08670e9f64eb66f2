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
_SMOOTHING = 0.1
_NEW, _GONE = 0.3, 0.1


class Attention:
    """Remembers where objects rest. ``labels`` are the model's, ``wanted`` the class names that some rule is about.

    An object rests once it was found at the same place (IoU 0.5, whatever its class) for ``rest_s``. A place is
    forgotten when nothing was found there for ``forget_s``, or on about ten frames that were analysed (twenty where
    something was found on every frame before): whoever passes there next does not rest. Times are capture times, UTC
    epoch seconds. A score below ``min_score`` makes no new place, but keeps one: scores waver.
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
        self._presence = np.empty(0)  # running share of the frames on which something was found there
        self._size = (0, 0)

    def matters(self, detections: Detections, captured_at: float) -> bool:
        """Whether something wanted is on the frame that does not rest there."""
        if self._size != (detections.width, detections.height):
            self._size = (detections.width, detections.height)
            self._keep(np.zeros(len(self._boxes), bool))
        self._keep((captured_at - self._seen <= self._forget_s) & (self._seen <= captured_at))
        chosen = np.isin(detections.classes, self._wanted)
        boxes, clear = detections.boxes[chosen], detections.scores[chosen] >= self._min_score
        self._presence *= 1 - _SMOOTHING
        known, stirs = np.zeros(len(boxes), bool), False
        if len(boxes) and len(self._boxes):
            iou = pairwise_iou(boxes, self._boxes)
            nearest = iou.argmax(axis=1)
            known = iou.max(axis=1) >= _SAME_IOU
            found = np.unique(nearest[known])
            self._seen[found] = captured_at
            self._presence[found] += _SMOOTHING
            stirs = bool((captured_at - self._since[nearest[known & clear]] < self._rest_s).any())
        self._keep(self._presence >= _GONE)
        fresh = boxes[clear & ~known]
        self._boxes = np.concatenate([self._boxes, fresh])
        self._since = np.concatenate([self._since, np.full(len(fresh), captured_at)])
        self._seen = np.concatenate([self._seen, np.full(len(fresh), captured_at)])
        self._presence = np.concatenate([self._presence, np.full(len(fresh), _NEW)])
        return stirs or bool(len(fresh))

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self._boxes, self._since = self._boxes[mask], self._since[mask]
        self._seen, self._presence = self._seen[mask], self._presence[mask]
