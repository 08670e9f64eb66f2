"""``builtin``: does the built-in model find what drawn scenes that it has never seen show, and how quickly?

Every picture goes the product's way: drawn, encoded as the sub-stream (640 x 360, H.264, 400 kb/s), decoded, and looked
at by the detector. An object counts where at least half of it is to be seen and it is at least 12 px high; all others
are neither asked for nor held against the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.accuracy import judge, mean_ap50
from benchmarks.report import Case, Figure, Report
from benchmarks.scene_accuracy import Verdicts, look, unseen
from detect.detector import OnnxDetector
from ingest.simulator.scene.place import SceneKind
from models.manifest import shipped_manifest
from models.store import ModelStore

MODEL = "xueliang_scenes"
TEST_SEEDS = 8000
"""The first; the training script's own begin at 9,000."""
_LOWEST = 0.01  # average precision looks at the whole curve
_USUAL = 0.25  # the settings' min_score
_NMS_IOU = 0.6


def run(quick: bool, workdir: Path) -> Report:
    """Measure on 20 scenes of 20 s, or on the first 3 s of 10 where ``quick``."""
    count, seconds, every = (1, 3, 9) if quick else (2, 20, 10)
    sources = unseen(TEST_SEEDS, count)
    report = Report(
        "builtin",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{seconds} s of {len(sources)} unseen scenes, every {every}th picture of the sub-stream",
    )
    spec = ModelStore(workdir / "store", shipped_manifest(), opener=None).resolve(MODEL)
    detector = OnnxDetector(spec, min_score=_LOWEST, nms_iou=_NMS_IOU)
    verdicts = look(detector, sources, workdir, every=every, seconds=seconds)
    kinds = range(len(detector.labels))
    for name, night in (("day", False), ("night", True)):
        value = mean_ap50([p for one in verdicts if one.night == night for p in one.pictures], kinds)
        report.figures[f"map50_{name}"] = Figure(round(value, 4), "", "higher", 0.9)
        for kind in SceneKind:
            pictures = [p for one in verdicts if (one.night, one.kind) == (night, kind) for p in one.pictures]
            report.figures[f"map50_{name}_{kind}"] = Figure(round(mean_ap50(pictures, kinds), 4), "", "higher")
    _by_class(report, verdicts, detector.labels)
    times = [value for one in verdicts for value in one.milliseconds]
    report.figures["detect_p50"] = Figure(round(float(np.median(times)), 2), "ms", "lower")
    report.samples["detect"] = times
    report.notes.append("drawn scenes only: these figures say nothing about real cameras")
    return report


def _by_class(report: Report, verdicts: Sequence[Verdicts], labels: Sequence[str]) -> None:
    for name, night in (("day", False), ("night", True)):
        pictures = [p for one in verdicts if one.night == night for p in one.pictures]
        for kind, label in enumerate(labels):
            figures = judge(pictures, kind, score=_USUAL)
            if figures is None:
                report.notes.append(f"{label} by {name}: none to find, so no figure")
                continue
            report.figures[f"ap50_{name}_{label}"] = Figure(round(figures.ap50, 4), "", "higher")
            report.figures[f"recall_{name}_{label}"] = Figure(round(figures.recall, 4), "", "higher")
            if not np.isnan(figures.precision):
                report.figures[f"precision_{name}_{label}"] = Figure(round(figures.precision, 4), "", "higher")
            report.notes.append(f"{label} by {name}: {figures.objects} objects")


BUILTIN = Case("builtin", "Does the built-in model find what unseen drawn scenes show, by day and by night?", run)
