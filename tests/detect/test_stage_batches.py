"""Several cameras' pictures in one run: fair, in time, and each frame accounted for by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from benchmarks.cases.accuracy import spec_of
from detect.detection import Detections
from detect.detector import OnnxDetector
from ingest.frame import Frame, Picture
from ingest.ledger import DropCause
from ingest.pictures import ArrayPicture
from tests.detect.stage_bench import Bench, MakeFrame, Scripted


class Together(Scripted):
    """Takes four pictures at once; ``runs`` holds how many there were each time."""

    def __init__(self, action: Callable[[str], None] = lambda camera_id: None) -> None:
        super().__init__(action)
        self.runs: list[int] = []

    batch = 4

    def detect_many(self, pictures: Sequence[Picture]) -> list[Detections]:
        self.runs.append(len(pictures))
        self._action("together")
        return [Detections.empty(picture.width, picture.height) for picture in pictures]


def test_what_waits_is_taken_together_and_nothing_is_waited_for(bench: Callable[[str], Bench]) -> None:
    it = bench("abcdef")
    detectors = Together()
    stage = it.stage(opener=lambda: detectors)
    stage.start()
    with stage.at_rest():
        for camera_id in "abcdef":
            it.offer(camera_id, 0)
    for camera_id in "abcdef":
        it.until_closed(camera_id, 1)
    assert detectors.runs[0] == 4, "as many as one run takes, each of another camera"
    assert sorted(it.results) == [(camera_id, 0) for camera_id in "abcdef"]
    it.offer("a", 1)
    it.until_closed("a", 2)
    metrics = stage.metrics()
    assert metrics.analysed == 7 == sum(metrics.wait.counts) == sum(metrics.inference.counts)
    assert metrics.wait.sum_s == pytest.approx(7 * 0.5)


def test_a_real_model_gives_each_camera_what_is_on_its_own_picture(
    bench: Callable[[str], Bench], shared_folder: Path, make_frame: MakeFrame
) -> None:
    spec = spec_of(shared_folder / "models" / "deimv2_atto_320.onnx")
    pictures = {}
    for camera_id, name in zip("abc", ("bus", "zidane", "bus"), strict=True):
        pixels = cv2.imread(str(shared_folder / "images" / f"{name}.jpg"))
        assert pixels is not None
        pictures[camera_id] = ArrayPicture(pixels.astype(np.uint8))
    it = bench("abc")
    seen: dict[str, Detections] = {}

    def on_result(frame: Frame, detections: Detections) -> None:
        seen[frame.camera_id] = detections

    def opener() -> OnnxDetector:
        return OnnxDetector(spec, min_score=0.4, nms_iou=0.6, batch=3)

    stage = it.stage(opener=opener, on_result=on_result)
    stage.start()
    with stage.at_rest():
        for camera_id, picture in pictures.items():
            it.ledger.received(camera_id)
            it.source.put(make_frame(camera_id, picture=picture))
    for camera_id in "abc":
        it.until_closed(camera_id, 1)
    alone = OnnxDetector(spec, min_score=0.4, nms_iou=0.6)
    for camera_id, picture in pictures.items():
        expected = alone.detect(picture)
        assert len(expected) > 1
        assert seen[camera_id].classes.tolist() == expected.classes.tolist()
        np.testing.assert_allclose(seen[camera_id].boxes, expected.boxes, atol=0.5)


def test_a_picture_that_breaks_a_run_costs_itself_alone(bench: Callable[[str], Bench]) -> None:
    it = bench("abcd")

    def action(camera_id: str) -> None:
        if camera_id in {"together", "c"}:
            raise RuntimeError("bad picture")

    stage = it.stage(opener=lambda: Together(action), failure_limit=3)
    with capture_logs() as logs:
        stage.start()
        for sequence in range(2):
            with stage.at_rest():
                for camera_id in "abcd":
                    it.offer(camera_id, sequence)
            for camera_id in "abcd":
                it.until_closed(camera_id, sequence + 1)
    assert sorted(it.results) == [(camera_id, sequence) for camera_id in "abd" for sequence in range(2)]
    assert it.ledger.account("c").dropped == {DropCause.DETECTOR_ERROR: 2}
    assert stage.metrics().splits == 2
    assert [log["frames"] for log in logs if log["event"] == "batch_failed"] == [4], "the second alike is silent"
    assert stage.health.phase in {"running", "failing"}


def test_a_callback_that_fails_costs_no_other_frame_of_its_run(bench: Callable[[str], Bench]) -> None:
    it = bench("abc")

    def on_result(frame: Frame, detections: Detections) -> None:
        if frame.camera_id == "b":
            raise ConnectionError("rtsp://user:hunter2@host")

    stage = it.stage(opener=Together, on_result=on_result)
    with capture_logs() as logs:
        stage.start()
        with stage.at_rest():
            for camera_id in "abc":
                it.offer(camera_id, 0)
        for camera_id in "abc":
            it.until_closed(camera_id, 1)
    assert [it.ledger.account(camera_id).analysed for camera_id in "abc"] == [1, 0, 1]
    assert stage.metrics().errors == {"detect": 0, "result": 1}
    assert "hunter2" not in str(logs)
