"""What follows a camera's detections: tracks, rules, snapshot, publication, and the overlay on its live channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from alerts.event import Box, Candidate, Overlay
from alerts.event_id import new_event_id
from alerts.pipeline import CameraRules
from alerts.rules.base import Ongoing
from alerts.snapshot import SnapshotWriter
from configs.schema import Camera, ObjectRule, Settings
from detect.attention import Attention
from detect.detection import Detections, Tracks
from detect.tracker import Tracker
from ingest.frame import Frame, StreamName
from ingest.state import StreamState

Listener = Callable[[Tracks], None]


class CandidateSink(Protocol):
    """Who takes candidates: :class:`alerts.delivery.publisher.Publisher`."""

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take them, without waiting."""

    def observe(self, ongoing: Mapping[str, Ongoing], at: float) -> None:
        """What was found and lasts at ``at`` (UTC epoch seconds), by dedup key."""

    def likely_repeat(self, dedup_key: str) -> bool:
        """Whether a picture of this happening would be thrown away."""


class CameraAnalysis:
    """One camera. ``on_detections`` comes from one detecting thread at a time, ``on_state`` from the status thread."""

    def __init__(
        self,
        camera: Camera,
        settings: Settings,
        *,
        labels: tuple[str, ...],
        model_id: str,
        snapshots: SnapshotWriter,
        sink: CandidateSink,
        publish_overlay: Callable[[float, Callable[[float], str]], None],
        analysed: Callable[[StreamName, float, bool], None],
        raise_rank: Callable[[], None] = lambda: None,
    ) -> None:
        region = next(site.region for site in settings.sites if site.id == camera.site)
        self._tracker = Tracker(camera.id, labels)
        self._attention = Attention(labels, _wanted(camera))
        self._analysed = analysed
        self._raise_rank = raise_rank
        self._rules = CameraRules(
            camera,
            region_id=region,
            calendar=settings.calendar_of(camera),
            model_id=model_id,
            new_id=new_event_id,
            clock=time.time,
        )
        self._snapshots = snapshots
        self._sink = sink
        self._publish_overlay = publish_overlay
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()
        self.analysed_until: float | None = None
        """Capture time of the newest analysed frame, UTC epoch s."""

    def on_detections(self, frame: Frame, detections: Detections) -> None:
        """One analysed frame, in the order of capture."""
        tracks = self._tracker.update(detections, frame.captured_at, frame.pts_s)
        with self._lock:
            candidates = self._rules.observe(tracks)
            alarmed, pending, ongoing = self._rules.alarmed, self._rules.pending, self._rules.ongoing_tracks
        self._analysed(frame.stream, frame.pts_s, self._attention.matters(detections, frame.captured_at) or pending)
        if pending:
            self._raise_rank()
        if candidates:
            self._sink.submit([self._with_snapshot(candidate, frame) for candidate in candidates])
        self._sink.observe(ongoing, frame.captured_at)
        self._show(tracks, alarmed)
        for hear in self._listeners:
            hear(tracks)
        self.analysed_until = frame.captured_at

    @contextmanager
    def heard_by(self, hear: Listener) -> Iterator[None]:
        """Inside, ``hear`` is called with the tracks of each analysed frame, on the detecting thread; it must neither
        wait nor raise."""
        with self._lock:
            self._listeners = (*self._listeners, hear)
        try:
            yield
        finally:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not hear)

    def numbers_inside(self) -> dict[str, int]:
        """How many are in the zones of counting rules, by rule; empty before the first analysed frame."""
        if self.analysed_until is None:
            return {}
        with self._lock:
            return self._rules.numbers_inside

    def on_state(self, state: StreamState, now: float) -> None:
        """The state of the camera's stream, at each change and once a second."""
        with self._lock:
            candidates, ongoing = self._rules.observe_state(state, now), self._rules.ongoing_states
        if candidates:
            self._sink.submit(candidates)
        self._sink.observe(ongoing, now)

    def _with_snapshot(self, candidate: Candidate, frame: Frame) -> Candidate:
        if self._sink.likely_repeat(candidate.dedup_key):
            return candidate
        return self._snapshots.attach(candidate, frame.picture, self._rules.place(candidate.event))

    def _show(self, tracks: Tracks, alarmed: frozenset[int]) -> None:
        """Boxes for whoever watches, each stream on its own timeline."""

        def render(pts_s: float) -> str:
            columns = zip(
                tracks.ids.tolist(), tracks.labels, tracks.scores.tolist(), tracks.boxes.tolist(), strict=True
            )
            boxes = tuple(
                Box(id=number, label=label, score=round(score, 3), box=_rounded(box), alarm=number in alarmed)
                for number, label, score, box in columns
            )
            return Overlay(camera_id=tracks.camera_id, pts_s=pts_s, boxes=boxes).model_dump_json()

        self._publish_overlay(tracks.captured_at, render)


def _wanted(camera: Camera) -> frozenset[str]:
    """The classes that some rule of the camera is about."""
    return frozenset(label for rule in camera.rules if isinstance(rule, ObjectRule) for label in rule.classes)


def _rounded(box: list[float]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (round(value, 4) for value in box)
    return x1, y1, x2, y2


class Analyses:
    """All cameras of a worker, by id; what the detection stage calls."""

    def __init__(self, cameras: Mapping[str, CameraAnalysis]) -> None:
        self._cameras = cameras

    def on_result(self, frame: Frame, detections: Detections) -> None:
        """Hand the result to its camera, unless that was taken away while the frame was looked at."""
        camera = self._cameras.get(frame.camera_id)
        if camera is not None:
            camera.on_detections(frame, detections)
