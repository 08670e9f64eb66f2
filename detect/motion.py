"""Moving objects without a model: background subtraction, for a node that has no detector.

A mixture of Gaussians per pixel (Zivkovic 2004, "Improved adaptive Gaussian mixture model for background
subtraction"; OpenCV's MOG2) says what is not background; what also changed since the last frame is moving. The
second test removes ghosts: where an object that was part of the background has left, nothing moves any more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.detection import Detections
from detect.detector import Detector
from ingest.frame import Picture

MOTION_ID = "motion"
MOVING = "moving"
"""The one label of motion-only mode. A rule takes it for any class, since nobody can say which it is."""

_FOREGROUND = 255  # MOG2's mask: 127 is shadow, which is no object


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Sizes are shares of the picture. ``history`` and ``warm_up`` count frames.

    ``global_change``: more foreground than this is a change of light or of view, and the background starts anew.
    ``full_extent``: the share of foreground in its box from which an object's score is 1.
    """

    width: int = 320
    history: int = 150
    warm_up: int = 5
    variance_threshold: float = 16.0
    step_threshold: int = 15
    min_area: float = 0.0015
    min_moving: float = 0.04
    global_change: float = 0.6
    full_extent: float = 0.5


class MotionDetector:
    """Of one camera, for its pictures in order. Keeps the background; used by one thread at a time."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self._settings = settings or MotionSettings()
        self._size: tuple[int, int] | None = None
        self._frames = 0
        self._last: NDArray[np.uint8] | None = None
        self._background = self._new_background()
        self._open = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
        # Taller than wide: head, trunk and legs of one person lie above each other.
        self._close = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 21))
        self.restarts = 0
        """How often the background started anew after a change of the whole picture."""

    @property
    def labels(self) -> tuple[str, ...]:
        """See :class:`Detector`."""
        return (MOVING,)

    @property
    def model_id(self) -> str:
        """See :class:`Detector`."""
        return MOTION_ID

    def detect(self, picture: Picture) -> Detections:
        """What moves. Score: foreground share of the box against ``full_extent``, at most 1.

        The first ``warm_up`` pictures, and a picture that changed as a whole, have no moving objects of their own.
        """
        wanted = self._settings
        width = min(wanted.width, picture.width)
        height = max(1, round(picture.height * width / picture.width))
        if self._size != (width, height):
            self._restart((width, height))
        pixels = cv2.GaussianBlur(picture.bgr(width, height), (5, 5), 0).astype(np.uint8, copy=False)
        mask = self._background.apply(pixels) == _FOREGROUND
        self._frames += 1
        last, self._last = self._last, pixels
        if last is None or self._frames <= wanted.warm_up:
            return Detections.empty(picture.width, picture.height)
        if mask.mean() > wanted.global_change:
            self.restarts += 1
            self._restart((width, height))
            return Detections.empty(picture.width, picture.height)
        moved = cv2.absdiff(pixels, last).max(axis=2) > wanted.step_threshold
        return self._objects(mask.astype(np.uint8), moved, picture)

    def _objects(self, mask: NDArray[np.uint8], moved: NDArray[np.bool_], picture: Picture) -> Detections:
        wanted = self._settings
        height, width = mask.shape
        whole = cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, self._open), cv2.MORPH_CLOSE, self._close)
        count, areas, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
        moving = np.bincount(areas.ravel(), weights=moved.ravel(), minlength=count)
        size = stats[:, cv2.CC_STAT_AREA]
        good = (size >= wanted.min_area * width * height) & (moving >= wanted.min_moving * size)
        good[0] = False  # component 0 is the background
        stats, size = stats[good].astype(np.float32), size[good]
        corner = stats[:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
        sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        scale = np.array([picture.width / width, picture.height / height] * 2, np.float32)
        scores = np.minimum(size / sides.prod(axis=1) / wanted.full_extent, 1)
        return Detections(
            boxes=(np.concatenate([corner, corner + sides], axis=1) * scale).astype(np.float32),
            scores=scores.astype(np.float32),
            classes=np.zeros(len(size), np.int16),
            width=picture.width,
            height=picture.height,
        )

    def _restart(self, size: tuple[int, int]) -> None:
        self._size, self._frames, self._last = size, 0, None
        self._background = self._new_background()

    def _new_background(self) -> cv2.BackgroundSubtractorMOG2:
        wanted = self._settings
        return cv2.createBackgroundSubtractorMOG2(wanted.history, wanted.variance_threshold, detectShadows=True)


class MotionDetectors:
    """One :class:`MotionDetector` a camera, shared by all threads: a camera may move from thread to thread."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self._settings = settings or MotionSettings()
        self._lock = threading.Lock()
        self._by_camera: dict[str, MotionDetector] = {}

    def for_camera(self, camera_id: str) -> Detector:
        """See :class:`detect.detector.CameraDetectors`."""
        with self._lock:
            detector = self._by_camera.get(camera_id)
            if detector is None:
                detector = self._by_camera[camera_id] = MotionDetector(self._settings)
            return detector
