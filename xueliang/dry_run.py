"""A recorded clip through the worker's own parts: what its rules would have told, when and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from alerts.event import Candidate, Event, Overlay
from alerts.rehearsal import Rehearsal
from alerts.rules.base import Ongoing
from alerts.snapshot import SnapshotWriter
from configs.places import Line, Zone
from configs.schema import Camera, Settings
from detect.factory import DetectorPlan
from ingest.frame import Frame
from ingest.pictures import DecodedPicture
from xueliang.worker.analysis import CameraAnalysis

Image = NDArray[np.uint8]
_BOX, _ALARM, _PLACE = (200, 200, 200), (60, 60, 230), (230, 180, 60)  # BGR
_SHOWN_S = 2.0
_WIDEST = 1280
_EPSILON_S = 1e-6


class ClipUnreadable(Exception):
    """The clip cannot be run. ``str()`` is one line: which, why."""


@dataclass(frozen=True, slots=True)
class Told:
    """One finding of a rule, ``at_s`` seconds into the clip. ``alarm`` numbers the alarms from 1; ``merged``: it is a
    further hit of that alarm."""

    at_s: float
    event: Event
    alarm: int
    merged: bool


@dataclass(frozen=True, slots=True)
class DryRun:
    """What came of a clip: ``frames`` of it were analysed in ``seconds`` of footage."""

    frames: int
    seconds: float
    told: tuple[Told, ...]


@dataclass(slots=True)
class _Sink:
    """Takes what an analysis tells in place of the publisher."""

    stage: Rehearsal = field(default_factory=Rehearsal)
    candidates: list[Candidate] = field(default_factory=list)

    def submit(self, candidates: Sequence[Candidate]) -> None:
        for each in candidates:  # told at once, by the footage's clock
            event = each.event.model_copy(update={"detected_at": each.event.occurred_at})
            self.candidates.append(each.model_copy(update={"event": event}))

    def observe(self, ongoing: Mapping[str, Ongoing], at: float) -> None:
        self.stage.frame(at, self.candidates, ongoing)
        self.candidates.clear()

    def likely_repeat(self, dedup_key: str) -> bool:
        return bool(dedup_key)  # no pictures are kept


def dry_run(
    clip: Path,
    camera: Camera,
    settings: Settings,
    plan: DetectorPlan,
    *,
    begins_at: float,
    workdir: Path,
    show: Callable[[Image], None] | None = None,
) -> DryRun:
    """Analyse the clip as the camera's stream, ``camera.detection.fps`` pictures a second, as if its first picture was
    taken at ``begins_at`` (UTC epoch s). ``show`` takes each analysed picture, annotated: uint8 (h, w, 3) BGR.

    Raises :class:`ClipUnreadable`; :class:`ValueError` where a rule has no place.
    """
    sink = _Sink()
    overlays: list[Overlay] = []
    detector = plan.open().for_camera(camera.id)
    analysis = CameraAnalysis(
        camera,
        settings,
        labels=plan.labels,
        model_id=plan.model_id,
        snapshots=SnapshotWriter(workdir),
        sink=sink,
        publish_overlay=lambda at, render: overlays.append(Overlay.model_validate_json(render(at - begins_at))),
        analysed=lambda _stream, _pts_s, _matters: None,
    )
    frames, pts_s = 0, 0.0
    for pts_s, picture in _pictures(clip, camera.detection.fps):
        frame = Frame(camera.id, "main", frames, pts_s, begins_at + pts_s, "arrival", picture)
        analysis.on_detections(frame, detector.detect(picture))
        frames += 1
        if show is not None:
            show(_annotated(picture, camera, overlays[-1], _lately(sink.stage, begins_at + pts_s), pts_s))
        overlays.clear()
    return DryRun(frames, pts_s, _told(sink.stage, begins_at))


def _pictures(clip: Path, fps: float) -> Iterator[tuple[float, DecodedPicture]]:
    """(seconds since the first picture, picture), at most ``fps`` a second."""
    try:
        with av.open(str(clip)) as container:
            if not container.streams.video:
                raise ClipUnreadable(f"{clip}: holds no video")
            first: float | None = None
            due = 0.0
            for frame in container.decode(video=0):
                first = frame.time if first is None else first
                at = frame.time - first
                if at >= due - _EPSILON_S:
                    due = max(due + 1 / fps, at)
                    yield at, DecodedPicture(frame)
    except (av.FFmpegError, OSError) as error:
        raise ClipUnreadable(f"{clip}: cannot be read as video: {error.strerror or type(error).__name__}") from None


def _told(stage: Rehearsal, begins_at: float) -> tuple[Told, ...]:
    numbers = {event.id: number for number, event in enumerate(stage.events, 1)}
    found = [(event, event.id, False) for event in stage.events]
    found += [(event, holder, True) for holder, event in stage.merged]
    found.sort(key=lambda one: (one[0].occurred_at, numbers[one[1]]))
    return tuple(
        Told(round(event.occurred_at - begins_at, 3), event, numbers[holder], merged) for event, holder, merged in found
    )


def _lately(stage: Rehearsal, at: float) -> list[str]:
    return [f"{event.rule_id}: {why(event)}" for event in stage.events if 0 <= at - event.occurred_at <= _SHOWN_S]


def why(event: Event) -> str:
    """The reason in one English sentence, with its numbers."""
    place = f" in {event.place_id}"
    measured, limit = f"{event.measured:g}", f"{event.limit:g}"
    match event.unit:
        case "crossings":
            return f"passage {measured} over {event.place_id}, {event.direction}"
        case "s" if event.kind == "unattended":
            return f"too few{place} for {measured} s, limit {limit} s"
        case "s":
            return f"{_counted(event)}{place} for {measured} s, limit {limit} s"
        case "per_m2":
            return f"{measured} objects a square metre{place}{_lasting(event)}, limit {limit}"
        case _:
            return f"{measured} object{'s' if event.measured != 1 else ''}{place}{_lasting(event)}, limit {limit}"


def _counted(event: Event) -> str:
    labels = sorted({seen.label for seen in event.objects})
    return f"{len(event.objects)} {'/'.join(labels)}"


def _lasting(event: Event) -> str:
    return "" if event.lasted_s is None else f" for {event.lasted_s:g} s of {event.lasted_limit_s:g} s"


def _annotated(picture: DecodedPicture, camera: Camera, overlay: Overlay, lines: Sequence[str], at_s: float) -> Image:
    """The picture with places, boxes and what was told in the last two seconds."""
    scale = min(1.0, _WIDEST / picture.width)
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (picture.width, picture.height))
    image = picture.bgr(width, height)
    places: tuple[Zone | Line, ...] = (*camera.zones, *camera.lines)
    for place in places:
        _draw_place(image, place)
    for box in overlay.boxes:
        x1, y1, x2, y2 = (round(v * side) for v, side in zip(box.box, (width, height) * 2, strict=True))
        colour = _ALARM if box.alarm else _BOX
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 2)
        _write(image, f"{box.label} {box.id}", (x1, max(12, y1 - 4)), colour)
    for row, text in enumerate([f"{at_s:.1f} s", *lines]):
        _write(image, text, (8, 18 + 18 * row), _BOX if row == 0 else _ALARM)
    return image


def _draw_place(image: Image, place: Zone | Line) -> None:
    height, width = image.shape[:2]
    corners = place.polygon if isinstance(place, Zone) else (place.a, place.b)
    points = np.array([(round(x * width), round(y * height)) for x, y in corners], np.int32)
    cv2.polylines(image, [points], isinstance(place, Zone), _PLACE, 2, cv2.LINE_AA)
    _write(image, place.id, (int(points[0][0]) + 4, min(height - 6, int(points[0][1]) + 14)), _PLACE)


def _write(image: Image, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    for shift, ink in ((1, (0, 0, 0)), (0, colour)):
        cv2.putText(image, text, (at[0] + shift, at[1] + shift), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ink, 1, cv2.LINE_AA)
