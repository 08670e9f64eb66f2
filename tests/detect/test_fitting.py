"""A picture that does not fill the model's input gets a smaller one, and the same things are found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cases.accuracy import spec_of
from detect.detector import SIZES, OnnxDetector
from detect.fitting import STRIDE, fitted, resized
from detect.letterbox import Letterbox
from detect.nms import pairwise_iou
from ingest.pictures import ArrayPicture
from models.manifest import Fit, ModelInput

SIDES = st.integers(1, 5000)


def whole_of(width: int, height: int, fit: Fit) -> ModelInput:
    return ModelInput(name="images", width=width, height=height, colour="bgr", fit=fit)


@given(SIDES, SIDES, st.sampled_from([(416, 416), (640, 640), (448, 256), (300, 300)]), st.sampled_from(Fit))
def test_the_picture_lies_in_the_smaller_input_as_in_the_whole(
    width: int, height: int, size: tuple[int, int], fit: Fit
) -> None:
    whole = whole_of(*size, fit)
    smaller = fitted(whole, width, height)
    assert all(side == most or (side < most and side % STRIDE == 0) for side, most in zip(smaller, size, strict=True))
    before, after = Letterbox.fit(width, height, *size, fit), Letterbox.fit(width, height, *smaller, fit)
    assert (after.width, after.height, after.scale) == (before.width, before.height, before.scale)
    if fit is not Fit.STRETCH:
        assert smaller[0] - after.width <= STRIDE
        assert smaller[1] - after.height <= STRIDE


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        ((1920, 1080), (416, 256)),
        ((704, 576), (416, 352)),
        ((640, 480), (416, 320)),
        ((1080, 1920), (256, 416)),
        ((500, 500), (416, 416)),
        ((4000, 10), (416, 32)),
    ],
)
def test_sizes_of_usual_cameras(picture: tuple[int, int], size: tuple[int, int]) -> None:
    assert fitted(whole_of(416, 416, Fit.TOP_LEFT), *picture) == size


def test_what_is_no_model_cannot_be_had_smaller(shared_folder: Path) -> None:
    with pytest.raises(ValueError, match="not an ONNX file"):
        resized(b"\xff no model", whole_of(416, 256, Fit.TOP_LEFT))
    data = (shared_folder / "models" / "fastestdet_352.onnx").read_bytes()
    with pytest.raises(ValueError, match="no input 'images'"):
        resized(data, whole_of(416, 256, Fit.TOP_LEFT))


@pytest.mark.parametrize("turned", [False, True], ids=["wide", "high"])
def test_the_same_things_are_found_at_the_same_places(shared_folder: Path, turned: bool) -> None:
    spec = spec_of(shared_folder / "models" / "yolox_nano_416.onnx")
    whole = OnnxDetector(spec, min_score=0.1, nms_iou=0.6, fit=False)
    smaller = OnnxDetector(spec, min_score=0.1, nms_iou=0.6)
    pixels = np.asarray(cv2.imread(str(shared_folder / "images" / "bus.jpg")), np.uint8)
    picture = ArrayPicture(pixels if turned else np.ascontiguousarray(pixels[300:810]))
    before, after = whole.detect(picture), smaller.detect(picture)
    sure = before.scores > 0.4
    assert sure.sum() >= 3
    for box, score, kind in zip(before.boxes[sure], before.scores[sure], before.classes[sure], strict=True):
        overlap = pairwise_iou(box[None], after.boxes)[0] * (after.classes == kind)
        assert overlap.max() > 0.9
        assert after.scores[overlap.argmax()] == pytest.approx(score, abs=0.1)
    np.testing.assert_array_equal(whole.detect(picture).boxes, before.boxes)


@pytest.mark.parametrize("model", ["yolov5n_640", "yolov8n_int8_qdq_640"])
def test_a_model_of_one_size_stays_whole(shared_folder: Path, model: str) -> None:
    spec = spec_of(shared_folder / "models" / f"{model}.onnx")
    pixels = np.asarray(cv2.imread(str(shared_folder / "images" / "bus.jpg")), np.uint8)
    picture = ArrayPicture(np.ascontiguousarray(pixels[300:810]))
    whole = OnnxDetector(spec, min_score=0.25, nms_iou=0.6, fit=False).detect(picture)
    assert len(whole) > 0
    asked = OnnxDetector(spec, min_score=0.25, nms_iou=0.6)
    for _ in range(2):  # the second picture comes after the refusal
        np.testing.assert_array_equal(asked.detect(picture).boxes, whole.boxes)


def test_pictures_of_many_shapes_do_not_take_memory_without_end(shared_folder: Path) -> None:
    spec = spec_of(shared_folder / "models" / "yolox_nano_416.onnx")
    detector = OnnxDetector(spec, min_score=0.25, nms_iou=0.6)
    for height in range(32, 417, 32):
        detector.detect(ArrayPicture(np.zeros((height, 416, 3), np.uint8)))
    assert detector.sizes == SIZES
