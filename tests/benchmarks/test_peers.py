"""What is compared does the same work, and what is counted was analysed."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
import pytest

from benchmarks.cases.accuracy import spec_of
from benchmarks.efficiency import compare
from benchmarks.peers.cv2_loop import MIN_SCORE, NMS_IOU, Yolox
from benchmarks.peers.tally import Asked, Tally
from detect.detector import OnnxDetector
from ingest.pictures import ArrayPicture
from xueliang.surroundings import shared_folder

SHARED = shared_folder()
needs_shared = pytest.mark.skipif(SHARED is None, reason="no ../shared with real models here")


@needs_shared
def test_the_opencv_loop_finds_what_we_find() -> None:
    assert SHARED is not None
    model = SHARED / "models" / "yolox_nano_416.onnx"
    pixels = np.asarray(cv2.imread(str(SHARED / "images" / "bus.jpg")), np.uint8)
    theirs = Yolox(ort.InferenceSession(str(model), providers=["CPUExecutionProvider"]))(pixels)
    ours = OnnxDetector(spec_of(model), min_score=MIN_SCORE, nms_iou=NMS_IOU).detect(ArrayPicture(pixels))
    assert sorted(kind for _, score, kind in theirs if score > 0.5) == sorted(ours.classes[ours.scores > 0.5].tolist())
    best, score, _ = max(theirs, key=lambda one: one[1])
    near = ours.boxes[np.argmax(ours.scores)]
    assert score == pytest.approx(float(ours.scores.max()), abs=0.02)
    assert [best[0], best[1], best[0] + best[2], best[1] + best[3]] == pytest.approx(near.tolist(), abs=8)


@needs_shared
def test_pool_and_bare_sessions_are_measured_by_turns() -> None:
    assert SHARED is not None
    frame = av.VideoFrame.from_ndarray(np.zeros((360, 640, 3), np.uint8), "bgr24").reformat(format="yuv420p")
    told = compare(spec_of(SHARED / "models" / "fastestdet_352.onnx"), [frame], sessions=2, rounds=2, slice_s=0.1)
    assert len(told.pool) == len(told.bare) == 2
    assert all(one.rate > 0 and one.cost_ms > 0 for one in told.pool + told.bare)


def test_only_the_measured_span_counts(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(Asked(("a", "b"), Path("model.onnx"), seconds=0.01, fps=None, warm_s=0.0))
    for camera in (0, 0, 1):
        tally.analysed(camera, 1, 0.1)
    tally.measure("peer", {})
    tally.analysed(0, 1)
    told = json.loads(capsys.readouterr().out)
    assert [camera["analysed"] for camera in told["cameras"]] == [0, 0]
    assert told["cameras"][0]["lag_s"] is None
    assert tally.over.is_set()
