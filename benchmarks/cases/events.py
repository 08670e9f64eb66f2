"""``events``: does what the rules tell follow what happens, one alarm a happening, and none where nobody is?

Truth are the events that the same rules make of labelled tracks at every frame, behind the same stage of situations;
found are those of the product's detector and tracker with the settings' defaults. Rules are 200 lines, zones and crowd
limits a clip, always the same (``benchmarks/sweep.py``), with dwells and durations of at most 1 s. Matched one to one
by rule and direction, starts within 1 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np

from benchmarks.cases.accuracy import spec_of
from benchmarks.mot import PERSON, Footage, footage
from benchmarks.report import Case, Figure, Report
from benchmarks.sweep import Happened, Matched, events_of, match, sweep
from benchmarks.weather import Conditions, Weather
from configs.places import Zone
from configs.rules import IntrusionRule
from configs.schema import Camera, ModelSettings
from detect.detection import Detections, Tracks
from detect.detector import OnnxDetector
from detect.tracker import Tracker
from ingest.pictures import DecodedPicture
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import SceneSource
from xueliang.surroundings import shared_folder

MODEL, REFERENCE = "yolox_nano_416", "yolov5n_640"
LABELLED = ("TUD-Campus", "TUD-Stadtmitte")
GOAL_F1 = 0.90
STEPS = {1: "", 2: "12_5fps_", 5: "5fps_"}
"""Every how many frames of 25 a second are analysed, and the figures' word for it."""
LOOPED = ("crowd_walking_supervision", "ken_pedestrian")
CARS, BOTTLES = "intel_car-detection", "intel_bottle-detection"
NOBODY_S = ((0.0, 5.4), (7.4, 11.0), (13.8, 15.8), (18.2, 21.8), (24.8, 27.0), (29.2, 31.0), (32.4, 34.4), (37.0, 39.8))
"""Of the bottles, by eye: in between somebody's arms are in the picture, and an alarm about them is none too many."""
RAIN = Weather(noise=4.0, light=0.7, rain=600)
NIGHT = "ken_night"
FPS = 5.0
SCENE_PX = (640, 360)
LONG_S = 600.0
PAUSE_S = 60.0
"""Between two turns of a clip, so that each is a happening of its own: longer than the re-arm time."""
REARM_S = 30.0
RULES_OF_LOOP = 10
"""Every so many rules of the sweep watch a clip that is looped."""
BEGIN = 1_700_000_000.0
WHOLE = Zone(id="whole", name="whole", polygon=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))


@dataclass(frozen=True, slots=True)
class Looked:
    """What a detector found on a clip, and at how many frames a second it looked."""

    name: str
    seen: tuple[Detections, ...]
    labels: tuple[str, ...]


def run(quick: bool, workdir: Path) -> Report:
    """Measure. ``quick``: a third of the rules in loops, one clip of each kind, and no reference of the night."""
    del workdir
    scale = f"200 rules a clip, two labelled clips; {'few ' if quick else ''}loops of {LONG_S / 60:g} min"
    report = Report("events", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    shared = shared_folder()
    model = None if shared is None else shared / "models" / f"{MODEL}.onnx"
    if shared is None or model is None or not model.is_file():
        report.notes.append("no clips or no model beside the checkout, so no figure")
        return report
    detector = _detector(model)
    report.notes.append(f"model {MODEL}, min_score {ModelSettings().min_score:g}; rules min_score 0.4")
    _agreement(report, shared / "video" / "gt", detector)
    _alarms(report, shared / "video", detector, quick=quick)
    _false_alarms(report, shared / "video", detector, quick=quick)
    if not quick:
        _night(report, shared, detector)
    return report


def _detector(model: Path) -> OnnxDetector:
    wanted = ModelSettings()
    return OnnxDetector(spec_of(model), min_score=wanted.min_score, nms_iou=wanted.nms_iou)


def _agreement(report: Report, folder: Path, detector: OnnxDetector) -> None:
    """F1 of each labelled clip at each rate, the mean over all ways to choose the first frame."""
    for name in LABELLED:
        place = folder / name
        if not place.is_dir():
            report.notes.append(f"{name}: not beside the checkout, so no figure")
            continue
        clip = footage(place / f"{name}.mp4", place / "gt" / "gt.txt", detector)
        camera = sweep(name)
        true = events_of(camera, labelled_tracks(clip))
        word = name.lower().replace("-", "_")
        for step, rate in STEPS.items():
            total, kinds = Matched(0, 0, 0), Counter[str]()
            for start in range(step):
                found = events_of(camera, followed(clip, range(start, len(clip.seen), step)))
                total += match(true.events, found.events)
                for kind in ("intrusion", "line_crossing", "crowding"):
                    of_kind = match(*([one for one in side.events if one.kind == kind] for side in (true, found)))
                    kinds.update({f"{kind} true": of_kind.true, f"{kind} found": of_kind.found})
                    kinds.update({f"{kind} both": of_kind.both})
            goal = GOAL_F1 if step == 1 else None
            report.figures[f"f1_{rate}{word}"] = Figure(round(total.f1, 4), "", "higher", goal)
            report.samples[f"late_{rate}{word}"] = list(total.late_s)
            told = ", ".join(f"{what} {number}" for what, number in kinds.items())
            report.notes.append(f"{name} at {clip.fps / step:g} fps, {step} starts: {total.true} true events; {told}")


def labelled_tracks(clip: Footage) -> list[Tracks]:
    """The labelled people of every frame, normalised and cut at the picture's edge."""
    size = np.array([clip.seen[0].width, clip.seen[0].height] * 2, np.float64)
    tracks = []
    for frame, there in enumerate(clip.there):
        n, at = len(there.ids), frame / clip.fps
        boxes = (there.boxes / size).clip(0, 1).astype(np.float32)
        tracks.append(Tracks(clip.name, BEGIN + at, at, there.ids, boxes, np.ones(n, np.float32), (PERSON,) * n))
    return tracks


def followed(clip: Footage, frames: Sequence[int]) -> list[Tracks]:
    """What the tracker makes of those frames' detections."""
    tracker = Tracker(clip.name, (PERSON,))
    return [tracker.update(clip.seen[frame], BEGIN + frame / clip.fps, frame / clip.fps) for frame in frames]


def _alarms(report: Report, video: Path, detector: OnnxDetector, *, quick: bool) -> None:
    """Hits an alarm in ten minutes without a pause; with pauses, whether each turn that was found has its alarm."""
    names = LOOPED[: 1 if quick else None]
    hits: list[float] = []
    swallowed = incidents = 0
    for name in names:
        clip = look(video / f"{name}.mp4", detector)
        camera = sweep(name, rearm_s=REARM_S, every=RULES_OF_LOOP * (3 if quick else 1))
        hits += events_of(camera, looped(clip, pause_s=0.0)).hits.values()
        there, missed = told_turns(events_of(camera, looped(clip, pause_s=PAUSE_S)), len(clip.seen) / FPS + PAUSE_S)
        incidents, swallowed = incidents + there, swallowed + missed
    if hits:
        report.samples["hits_per_alarm"] = hits
        report.figures["hits_per_alarm"] = Figure(float(median(hits)), "", "higher")
        report.figures["hits_per_alarm_mean"] = Figure(round(sum(hits) / len(hits), 1), "", "higher")
        report.figures["incidents_swallowed"] = Figure(swallowed, "", "lower", 0)
        report.notes.append(f"{len(hits)} situations in {LONG_S / 60:g} min each of {', '.join(names)}")
        report.notes.append(f"{incidents} incidents (rule, direction and turn of a clip, {PAUSE_S:g} s apart)")


def told_turns(happened: Happened, turn_s: float) -> tuple[int, int]:
    """How many (happening, turn) there were by the rules' findings, and how many of them have no event of their own."""
    found = {(key, int((at - BEGIN) // turn_s)) for key, at in happened.candidates}
    told = {
        (
            ":".join(filter(None, (event.camera_id, event.rule_id, event.direction))),
            int((event.occurred_at - BEGIN) // turn_s),
        )
        for event in happened.events
    }
    return len(found), len(found - told)


def _false_alarms(report: Report, video: Path, detector: OnnxDetector, *, quick: bool) -> None:
    """Alarms about people in ten minutes each of clips and drawn scenes in which nobody is, wherever in them."""
    bottles = look(video / f"{BOTTLES}.mp4", detector)
    still = [found for number, found in enumerate(bottles.seen) if _within(number / FPS, NOBODY_S)]
    looks = [Looked(f"{BOTTLES}-without-arms", tuple(still), bottles.labels)]
    if not quick:
        looks.append(look(video / f"{CARS}.mp4", detector))
    scenes = [
        SceneSource(seed=seed, kind=kind, night=True, empty=True, seconds=20) for seed, kind in enumerate(SceneKind)
    ]
    looks += [look_at_scene(source, detector) for source in scenes[: 1 if quick else None]]
    rainy = [SceneSource(seed=seed + 9, kind=kind, empty=True, seconds=20) for seed, kind in enumerate(SceneKind)]
    looks += [look_at_scene(source, detector, RAIN) for source in rainy[: 1 if quick else None]]
    alarms: dict[str, int] = {}
    for clip in looks:
        alarms[clip.name] = len(events_of(watching_all(clip.name), looped(clip, pause_s=0.0)).events)
    report.figures["false_person_alarms_10min"] = Figure(max(alarms.values()), "", "lower", 0)
    arms = len(events_of(watching_all(BOTTLES), looped(bottles, pause_s=0.0)).events)
    report.figures["arm_alarms_10min"] = Figure(arms, "", "lower")
    report.notes.append("false alarms in 10 min: " + ", ".join(f"{name} {n}" for name, n in alarms.items()))


def watching_all(name: str) -> Camera:
    """Who is found anywhere is an alarm, each new one after ``REARM_S``."""
    rule = IntrusionRule(id="anyone", kind="intrusion", name="anyone", zone=WHOLE.id, rearm_s=REARM_S)
    return sweep(name, every=1_000_000).model_copy(update={"zones": (WHOLE,), "rules": (rule,)})


def _within(at: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(begin <= at <= end for begin, end in spans)


def _night(report: Report, shared: Path, detector: OnnxDetector) -> None:
    """In what share of the frames on which a larger model sees people a track of ours is there."""
    reference = shared / "models" / f"{REFERENCE}.onnx"
    if not reference.is_file():
        report.notes.append(f"no {REFERENCE} beside the checkout, so no figure of the night")
        return
    clip = shared / "video" / f"{NIGHT}.mp4"
    people = [_people(found, 0.5) for found in look(clip, _detector(reference)).seen]
    ours = [len(tracks) for tracks in looped(look(clip, detector), pause_s=0.0, turns=1, only=PERSON)]
    seen = [tracks > 0 for people_there, tracks in zip(people, ours, strict=True) if people_there]
    if seen:
        report.figures["night_person_recall"] = Figure(round(sum(seen) / len(seen), 3), "", "higher")
        report.notes.append(
            f"night: {len(seen)} of {len(people)} frames on which {REFERENCE} sees people at 0.5, 5 fps"
        )


def _people(found: Detections, least: float) -> int:
    return int(((found.classes == 0) & (found.scores >= least)).sum())


def look(file: Path, detector: OnnxDetector) -> Looked:
    """The clip at ``FPS``."""
    return Looked(file.stem, tuple(detector.detect(picture) for picture in _pictures(file)), detector.labels)


def look_at_scene(source: SceneSource, detector: OnnxDetector, weather: Weather | None = None) -> Looked:
    """The drawn scene at ``FPS``, in its weather."""
    conditions = None if weather is None else Conditions(weather, *SCENE_PX, seed=source.seed)
    seen = []
    for number, frame in enumerate(source.pictures(Fraction(int(FPS)), *SCENE_PX)):
        shown = frame
        if conditions is not None:
            planes = conditions.see(frame.to_ndarray(format="yuv420p").astype(np.uint8, copy=False), number / FPS)
            shown = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        seen.append(detector.detect(DecodedPicture(shown)))
    name = source.title.replace(" ", "-") + ("" if weather is None else "-rain")
    return Looked(name, tuple(seen), detector.labels)


def _pictures(file: Path) -> Iterator[DecodedPicture]:
    due = 0.0
    with av.open(str(file)) as container:
        for frame in container.decode(video=0):
            if frame.time >= due - 1e-6:
                due += 1 / FPS
                yield DecodedPicture(frame)


def looped(clip: Looked, *, pause_s: float, turns: int | None = None, only: str | None = None) -> list[Tracks]:
    """What one tracker makes of ``LONG_S`` of the clip over and over, with empty pictures between two turns."""
    tracker = Tracker(clip.name, clip.labels)
    blank = [Detections.empty(clip.seen[0].width, clip.seen[0].height)] * round(pause_s * FPS)
    turn = [*clip.seen, *blank]
    frames = len(turn) * (turns or max(1, round(LONG_S * FPS / len(turn))))
    tracks = []
    for frame in range(frames):
        at = frame / FPS
        followed_now = tracker.update(turn[frame % len(turn)], BEGIN + at, at)
        tracks.append(followed_now if only is None else _only(followed_now, only))
    return tracks


def _only(tracks: Tracks, label: str) -> Tracks:
    of = np.array([each == label for each in tracks.labels], bool)
    labels = tuple(each for each in tracks.labels if each == label)
    ids, boxes, scores = tracks.ids[of], tracks.boxes[of], tracks.scores[of]
    return Tracks(tracks.camera_id, tracks.captured_at, tracks.pts_s, ids, boxes, scores, labels)


EVENTS = Case("events", "Do alarms follow what happens: F1 against labelled truth, hits an alarm, false alarms", run)
