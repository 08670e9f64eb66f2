"""ByteTrack (Zhang et al. 2022, arXiv:2110.06864): two-stage association of detections with tracks of one camera.

Two changes for analysed rates of 2–5 fps: time comes from capture times, and boxes are grown before they are
compared (buffered IoU, Yang et al. 2023, arXiv:2211.13317), since what walks may have left its own box in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from detect.detection import Detections, Tracks
from detect.kalman import BoxFilters, to_centres
from detect.nms import pairwise_iou

# Detectors waver between these; a vehicle does not become another one when its label flips.
_INTERCHANGEABLE = (("car", "truck", "bus"), ("bicycle", "motorcycle"))


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """``high_score``: what may begin a track; the rest only carries one on. Times in seconds, IoU after growing.

    A track is confirmed by what has been seen of it, never by one hit: when its scores sum to ``confirm_score`` (two
    clear hits or three doubtful ones), or at any hit ``confirm_s`` or more after its first.
    ``growth_per_s`` widens boxes on each side, in shares of their longer side per second since the last frame.
    """

    high_score: float = 0.4
    high_iou: float = 0.2
    low_iou: float = 0.3
    new_iou: float = 0.2
    confirm_score: float = 1.0
    confirm_s: float = 0.3
    lost_s: float = 3.0
    growth_per_s: float = 1.0
    growth_max: float = 0.2


class Tracker:
    """Tracks of one camera. Deterministic; used by one thread at a time.

    Detections must come in the order of capture. A clock that goes back counts as no time passed; one that leaps
    ahead by more than ``lost_s`` ends all tracks, for nothing is known of the time between.
    """

    def __init__(self, camera_id: str, labels: Sequence[str], settings: TrackerSettings | None = None) -> None:
        self._camera_id = camera_id
        self._labels = tuple(labels)
        self._settings = settings or TrackerSettings()
        self._group = _groups(self._labels)
        self._next_id = 1
        self._now = 0.0  # seconds of capture time since the first frame, never going back
        self._frame = 0
        self._captured_at: float | None = None
        self._size: tuple[int, int] | None = None
        self._clear()

    def _clear(self) -> None:
        self._filters = BoxFilters()
        self._ids = np.empty(0, np.int64)  # 0: not confirmed yet
        self._born = np.empty(0)
        self._seen_at = np.empty(0)
        self._seen_on = np.empty(0, np.int64)
        self._scores = np.empty(0, np.float32)
        self._votes = np.empty((0, len(self._labels)))  # sum of scores by class: the label is the best supported one

    def update(self, detections: Detections, captured_at: float, pts_s: float) -> Tracks:
        """The confirmed tracks that are seen on this frame. ``captured_at``: UTC epoch s, ``pts_s``: stream s."""
        if self._size != (detections.width, detections.height):
            self._clear()  # another picture: old pixels mean nothing on it
            self._size = (detections.width, detections.height)
        dt = max(0.0, captured_at - self._captured_at) if self._captured_at is not None else 0.0
        self._captured_at = captured_at
        self._now += dt
        self._frame += 1
        self._keep(self._now - self._seen_at <= self._settings.lost_s)
        self._filters.predict(dt)
        self._associate(detections, dt)
        self._keep((self._ids > 0) | (self._seen_on == self._frame))
        return self._seen_now(pts_s)

    def _associate(self, detections: Detections, dt: float) -> None:
        wanted = self._settings
        known, fresh = self._ids > 0, self._seen_on == self._frame - 1
        high = detections.scores >= wanted.high_score
        iou = self._similarity(detections, dt)
        fused = iou * detections.scores[None, :]
        open_tracks, open_boxes = np.ones(len(self._ids), bool), np.ones(len(detections), bool)
        # A faint box may carry on what was seen on the last frame, but not bring back what is lost (section 3).
        stages = (
            (known, high, fused, wanted.high_iou * wanted.high_score),
            (known & fresh, ~high, iou, wanted.low_iou),
            (~known, high, iou, wanted.new_iou),
        )
        for tracks, boxes, similarity, least in stages:
            rows, columns = np.flatnonzero(tracks & open_tracks), np.flatnonzero(boxes & open_boxes)
            picked, matched = _assign(similarity[np.ix_(rows, columns)], least)
            self._hit(rows[picked], columns[matched], detections)
            open_tracks[rows[picked]], open_boxes[columns[matched]] = False, False
        self._begin(np.flatnonzero(high & open_boxes), detections)

    def _similarity(self, detections: Detections, dt: float) -> NDArray[np.float32]:
        growth = min(self._settings.growth_per_s * dt, self._settings.growth_max)
        iou = pairwise_iou(_grown(self._filters.boxes(), growth), _grown(detections.boxes, growth))
        mine = self._group[self._votes.argmax(axis=1)] if len(self._votes) else np.empty(0, np.int64)
        iou[mine[:, None] != self._group[detections.classes][None, :]] = 0
        return iou

    def _hit(self, tracks: NDArray[np.intp], boxes: NDArray[np.intp], detections: Detections) -> None:
        self._filters.update(tracks, to_centres(detections.boxes[boxes]))
        self._seen_at[tracks], self._seen_on[tracks] = self._now, self._frame
        self._scores[tracks] = detections.scores[boxes]
        self._votes[tracks, detections.classes[boxes]] += detections.scores[boxes]
        wanted = self._settings
        evidence = self._votes[tracks].sum(axis=1)
        ripe = (evidence >= wanted.confirm_score) | (self._now - self._born[tracks] >= wanted.confirm_s)
        for track in tracks[ripe & (self._ids[tracks] == 0)]:
            self._ids[track] = self._next_id
            self._next_id += 1

    def _begin(self, boxes: NDArray[np.intp], detections: Detections) -> None:
        n = len(boxes)
        votes = np.zeros((n, len(self._labels)))
        votes[np.arange(n), detections.classes[boxes]] = detections.scores[boxes]
        self._filters.add(to_centres(detections.boxes[boxes]))
        self._ids = np.concatenate([self._ids, np.zeros(n, np.int64)])
        self._born = np.concatenate([self._born, np.full(n, self._now)])
        self._seen_at = np.concatenate([self._seen_at, np.full(n, self._now)])
        self._seen_on = np.concatenate([self._seen_on, np.full(n, self._frame)])
        self._scores = np.concatenate([self._scores, detections.scores[boxes]])
        self._votes = np.concatenate([self._votes, votes])

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self._filters.keep(mask)
        self._ids, self._born = self._ids[mask], self._born[mask]
        self._seen_at, self._seen_on = self._seen_at[mask], self._seen_on[mask]
        self._scores, self._votes = self._scores[mask], self._votes[mask]

    def _seen_now(self, pts_s: float) -> Tracks:
        assert self._size is not None
        assert self._captured_at is not None
        shown = np.flatnonzero((self._ids > 0) & (self._seen_on == self._frame))
        shown = shown[np.argsort(self._ids[shown])]
        boxes = self._filters.boxes()[shown] / np.array(self._size * 2, np.float32)
        return Tracks(
            camera_id=self._camera_id,
            captured_at=self._captured_at,
            pts_s=pts_s,
            ids=self._ids[shown],
            boxes=np.clip(boxes, np.float32(0), np.float32(1)),
            scores=self._scores[shown],
            labels=tuple(self._labels[i] for i in self._votes[shown].argmax(axis=1)),
        )


def _assign(similarity: NDArray[np.float32], least: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs (rows, columns) of the best total similarity in which each pair has more than ``least``."""
    if not similarity.size:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    # A pair that is not allowed costs nothing and gains nothing, so it never displaces an allowed one.
    gain = np.where(similarity > least, similarity, 0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    good = gain[rows, columns] > 0
    return rows[good], columns[good]


def _grown(boxes: NDArray[np.float32], growth: float) -> NDArray[np.float32]:
    """Boxes ``(n, 4)`` wider by ``growth`` of their longer side on each of the four sides."""
    margin = np.float32(growth) * (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0)
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def _groups(labels: Sequence[str]) -> NDArray[np.int64]:
    """For each class the first class that it may be exchanged with: itself, or of its group in the model's labels."""
    leader: dict[str, str] = {}
    for group in _INTERCHANGEABLE:
        members = [name for name in labels if name in group]
        leader.update((name, members[0]) for name in members)
    return np.array([labels.index(leader.get(name, name)) for name in labels], np.int64)
