"""Every head on a real model, found from its file alone, over labelled photographs."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detect.detector import OnnxDetector
from detect.inspection import inspect
from detect.nms import pairwise_iou
from ingest.pictures import ArrayPicture
from models.labels import LABELS
from models.spec import ModelSpec

HEAD_OF = {
    "yolox_nano_416": "yolox",
    "nanodet_m_416": "nanodet",
    "deimv2_atto_320": "detr",
    "fastestdet_352": "fastestdet",
    "yolov5n_640": "yolov5",
    "yolov8n_int8_qdq_640": "yolov8",
}


@cache
def opened(path: Path) -> ArrayPicture:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return ArrayPicture(pixels.astype(np.uint8))


def detector_of(file: Path, *, batch: int = 1, fit: bool = True) -> OnnxDetector:
    found = inspect(file)
    assert isinstance(found.labels, str)
    spec = ModelSpec(
        id=file.stem,
        path=file,
        sha256=sha256(file.read_bytes()).hexdigest(),
        licence="NOASSERTION",
        input=found.input,
        labels=LABELS[found.labels],
        head=found.head,
    )
    assert found.head == HEAD_OF[file.stem]
    return OnnxDetector(spec, min_score=0.3, nms_iou=0.6, batch=batch, fit=fit)


def labelled(folder: Path, count: int) -> list[tuple[Path, list[dict[str, Any]]]]:
    truth = json.loads((folder / "instances.json").read_text())
    return [
        (folder / "images" / image["file_name"], [t for t in truth["annotations"] if t["image_id"] == image["id"]])
        for image in truth["images"][:count]
    ]


@pytest.mark.parametrize("name", HEAD_OF)
def test_it_finds_the_large_things_on_labelled_photographs(shared_folder: Path, name: str) -> None:
    detector = detector_of(shared_folder / "models" / f"{name}.onnx")
    detector.probe()
    overlaps: list[float] = []
    for path, things in labelled(shared_folder / "images" / "coco_val", 12):
        seen = detector.detect(opened(path))
        for thing in things:
            x, y, w, h = thing["bbox"]
            if w * h < 96**2:
                continue
            iou = pairwise_iou(np.array([[x, y, x + w, y + h]], np.float32), seen.boxes)
            overlaps.append(float(iou[0, seen.classes == thing["category_id"]].max(initial=0)))
    assert len(overlaps) >= 15
    found = [overlap for overlap in overlaps if overlap > 0.5]
    assert len(found) / len(overlaps) > 0.5
    assert float(np.median(found)) > 0.8  # a wrong stride or offset of a few px would show here


@pytest.mark.parametrize("name", ["yolox_nano_416", "deimv2_atto_320", "yolov5n_640"])
def test_the_golden_boxes(shared_folder: Path, name: str) -> None:
    golden = json.loads((shared_folder / "models" / "golden_bus.json").read_text())[name]["bus_jpg_at_0_4"]
    detector = detector_of(shared_folder / "models" / f"{name}.onnx", fit=False)
    seen = detector.detect(opened(shared_folder / "images" / "bus.jpg"))
    good = seen.scores >= 0.4
    assert seen.classes[good].tolist() == [box["cls"] for box in golden]
    np.testing.assert_allclose(seen.scores[good], [box["score"] for box in golden], atol=0.01)
    np.testing.assert_allclose(seen.boxes[good], [box["xyxy"] for box in golden], atol=1)


def test_many_pictures_in_one_run_are_each_as_alone(shared_folder: Path) -> None:
    file = shared_folder / "models" / "deimv2_atto_320.onnx"
    bus, zidane = (opened(shared_folder / "images" / f"{name}.jpg") for name in ("bus", "zidane"))
    alone, together = detector_of(file), detector_of(file, batch=2)
    assert (alone.batch, together.batch) == (1, 2)
    for one, many in zip(alone.detect_many([bus, zidane, bus]), together.detect_many([bus, zidane, bus]), strict=True):
        assert (one.width, one.height) == (many.width, many.height)
        assert one.classes.tolist() == many.classes.tolist()
        np.testing.assert_allclose(one.boxes, many.boxes, atol=0.5)
