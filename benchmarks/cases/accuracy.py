"""``accuracy``: does each family of detectors find what its file can find? COCO's mAP50-95 on labelled photographs.

Each file goes the way of ``xueliang models import``: family, input and labels are found from the file alone. Then the
product's own detector looks at every picture, as the references did: scores above 0.01, NMS by class at an IoU of 0.6,
at most 300 boxes. The references are those of ``MODELS.md`` beside the models, made with ``pycocotools``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.coco import MeanPrecision, Scored, mean_precision
from benchmarks.report import Case, Figure, Report
from detect.detector import OnnxDetector
from detect.inspection import inspect
from ingest.pictures import ArrayPicture
from models.labels import LABELS
from models.spec import ModelSpec
from xueliang.surroundings import shared_folder

REFERENCES = {
    "yolox_nano_416": 0.364,
    "nanodet_m_416": 0.279,
    "deimv2_atto_320": 0.310,
    "fastestdet_352": 0.248,
    "yolov5n_640": 0.317,
    "yolov8n_int8_qdq_640": 0.399,
}
"""mAP50-95 on the 64 pictures."""
TOLERANCE = 0.01
_MIN_SCORE = 0.01
_NMS_IOU = 0.6


def run(quick: bool, workdir: Path) -> Report:  # noqa: ARG001 - it needs no files of its own
    """Measure every model that is there, on all pictures; that takes some 15 s, so ``quick`` is the same."""
    shared = shared_folder()
    pictures = [] if shared is None else _labelled(shared / "images" / "coco_val")
    report = Report(
        "accuracy", datetime.now(UTC).isoformat(timespec="seconds"), quick, f"{len(pictures)} labelled photographs"
    )
    files = [] if shared is None else [shared / "models" / f"{name}.onnx" for name in REFERENCES]
    found = [file for file in files if file.is_file()] if pictures else []
    # A session has one thread: two models side by side use two cores, and each alone is no slower.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        results = dict(zip(found, pool.map(lambda file: _measure(file, pictures), found), strict=True))
    for name, reference in REFERENCES.items():
        measured = next((result for file, result in results.items() if file.stem == name), None)
        if measured is None:
            report.notes.append(f"{name}: no model or no pictures here, so no figure")
            continue
        goal = round(reference - TOLERANCE, 3)
        report.figures[f"map50_95_{name}"] = Figure(round(measured.map50_95, 4), "", "higher", goal)
        report.figures[f"map50_{name}"] = Figure(round(measured.map50, 4), "", "higher")
        report.notes.append(f"{name}: reference {reference:.3f}, deviation {measured.map50_95 - reference:+.4f}")
    report.notes.append(f"each bar is the reference less {TOLERANCE}; our evaluator gives pycocotools' values")
    return report


def _labelled(folder: Path) -> list[tuple[Path, Scored]]:
    """Pictures and what is on them; detections are empty. None where the folder is not there."""
    file = folder / "instances.json"
    if not file.is_file():
        return []
    truth = json.loads(file.read_text("utf-8"))
    things: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for thing in truth["annotations"]:
        if thing["iscrowd"]:
            raise ValueError(f"{file}: crowd regions are not evaluated here")
        things[thing["image_id"]].append(thing)
    return [(folder / "images" / image["file_name"], _objects(things[image["id"]])) for image in truth["images"]]


def _objects(things: Sequence[dict[str, Any]]) -> Scored:
    corners = [(x, y, x + w, y + h) for x, y, w, h in (thing["bbox"] for thing in things)]
    return Scored(
        np.empty((0, 4), np.float32),
        np.empty(0, np.float32),
        np.empty(0, np.int16),
        np.array(corners, np.float64).reshape(-1, 4),
        np.array([thing["category_id"] for thing in things], np.int16),
    )


def _measure(file: Path, pictures: Sequence[tuple[Path, Scored]]) -> MeanPrecision:
    detector = OnnxDetector(spec_of(file), min_score=_MIN_SCORE, nms_iou=_NMS_IOU)
    detector.probe()
    judged = []
    for path, truth in pictures:
        pixels = cv2.imread(str(path))
        if pixels is None:
            raise ValueError(f"{path}: not a picture")
        seen = detector.detect(ArrayPicture(pixels.astype(np.uint8, copy=False)))
        judged.append(Scored(seen.boxes, seen.scores, seen.classes, truth.objects, truth.kinds))
    return mean_precision(judged)


def spec_of(file: Path) -> ModelSpec:
    """What an import would write of the file: family, input and labels found from itself alone."""
    found = inspect(file)
    return ModelSpec(
        id=file.stem,
        path=file,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        licence=found.licence or "NOASSERTION",
        input=found.input,
        labels=LABELS[found.labels] if isinstance(found.labels, str) else found.labels,
        head=found.head,
    )


ACCURACY = Case("accuracy", "mAP50-95 of six detector families on labelled photographs, against their references", run)
