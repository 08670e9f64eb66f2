"""``tracking``: do people keep their numbers, at the full rate and at the low ones at which cameras are analysed?

Two labelled street clips (TUD, of MOT15) go through the product's detector with the settings' defaults. Our tracker and
ByteTrack of the package ``trackers`` follow the same detections; ``trackeval`` scores both. At low rates only analysed
frames are given and judged, and the figures are means over all ways to choose the first one.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.cases.accuracy import spec_of
from benchmarks.mot import Footage, Outcome, compare, environment, footage
from benchmarks.report import Case, Figure, Report
from configs.schema import ModelSettings
from detect.detector import OnnxDetector
from xueliang.surroundings import shared_folder

CLIPS = ("TUD-Campus", "TUD-Stadtmitte")
RATES = {1: "", 5: "5fps_", 10: "2_5fps_"}
"""Every how many frames of 25 a second, and the figures' word for it."""
MODEL = "yolox_nano_416"
CACHE = Path("benchmarks/results/cache/trackers")


def run(quick: bool, workdir: Path) -> Report:
    """Measure; at the low rates ``quick`` begins with the first frame only."""
    scale = f"250 frames of two clips, low rates begun in {'one way' if quick else 'each way'}"
    report = Report("tracking", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    shared = shared_folder()
    clips = [] if shared is None else _clips(shared)
    if not clips:
        report.notes.append("no labelled clips or no model beside the checkout, so no figure")
        return report
    try:
        interpreter = environment(CACHE)
        for step, word in RATES.items():
            _add(report, word, compare(clips, step, 1 if quick else step, interpreter, workdir))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        report.notes.append(f"the peer or trackeval cannot be installed or run here, so figures are missing: {error}")
    report.notes.append("each bar is the better of the peer's two settings at that rate")
    return report


def _clips(shared: Path) -> list[Footage]:
    folders = [shared / "video" / "gt" / name for name in CLIPS]
    model = shared / "models" / f"{MODEL}.onnx"
    if not (model.is_file() and all(folder.is_dir() for folder in folders)):
        return []
    wanted = ModelSettings()
    detector = OnnxDetector(spec_of(model), min_score=wanted.min_score, nms_iou=wanted.nms_iou)
    return [footage(folder / f"{folder.name}.mp4", folder / "gt" / "gt.txt", detector) for folder in folders]


def _add(report: Report, word: str, outcomes: dict[str, Outcome]) -> None:
    """The figures of one rate. The peer's are those of the settings with which it reaches the higher mean HOTA."""
    settings = next(iter(outcomes.values())).peers
    theirs = {name: float(np.mean([each.peers[name].hota for each in outcomes.values()])) for name in settings}
    best = max(theirs, key=lambda name: theirs[name])
    ours = float(np.mean([each.ours.hota for each in outcomes.values()]))
    report.figures[f"hota_{word}ratio_vs_trackers"] = Figure(round(ours / theirs[best], 3), "", "higher", 1.0)
    for name, outcome in outcomes.items():
        place = name.lower().replace("-", "_")
        for who, score in (("", outcome.ours), ("trackers_", outcome.peers[best])):
            figures = {"hota": score.hota, "mota": score.mota, "idf1": score.idf1}
            for measure, value in figures.items():
                report.figures[f"{who}{measure}_{word}{place}"] = Figure(round(value, 4), "", "higher")
            switches = Figure(round(score.switches, 1), "", "lower")
            report.figures[f"{who}switches_{word}{place}"] = switches
    means = ", ".join(f"{name} {value:.4f}" for name, value in theirs.items())
    report.notes.append(f"{word.rstrip('_').replace('_', '.') or '25fps'}: mean HOTA ours {ours:.4f}; peer {means}")


TRACKING = Case("tracking", "HOTA, MOTA and IDF1 of people followed at 25, 5 and 2.5 fps, against a peer", run)
