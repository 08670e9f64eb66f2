from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detect.detector import OnnxDetector
from detect.factory import probe
from detect.filler import InputFiller
from detect.nms import pairwise_iou
from ingest.pictures import ArrayPicture
from models.errors import ModelFileError, NotADetectorError
from models.manifest import Fit, ModelInput, shipped_manifest
from models.spec import ModelSpec, spec_of

MakeModel = Callable[..., ModelSpec]


def open_picture(path: Path) -> ArrayPicture:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return ArrayPicture(pixels.astype(np.uint8))


@pytest.fixture
def real_detector(shared_folder: Path) -> OnnxDetector:
    spec = spec_of(shipped_manifest().entry("yolox_nano_416"), shared_folder / "models" / "yolox_nano_416.onnx")
    return OnnxDetector(spec, min_score=0.4, nms_iou=0.6, fit=False)


def test_the_golden_boxes_within_a_pixel(real_detector: OnnxDetector, shared_folder: Path) -> None:
    golden = json.loads((shared_folder / "models" / "golden_bus.json").read_text())["yolox_nano_416"]["bus_jpg_at_0_4"]
    found = real_detector.detect(open_picture(shared_folder / "images" / "bus.jpg"))
    assert found.classes.tolist() == [box["cls"] for box in golden]
    np.testing.assert_allclose(found.scores, [box["score"] for box in golden], atol=0.01)
    np.testing.assert_allclose(found.boxes, [box["xyxy"] for box in golden], atol=1)


def test_one_session_serves_pictures_of_any_shape_in_turn(real_detector: OnnxDetector, shared_folder: Path) -> None:
    bus = open_picture(shared_folder / "images" / "bus.jpg")
    zidane = open_picture(shared_folder / "images" / "zidane.jpg")
    alone = real_detector.detect(bus)
    assert real_detector.detect(zidane).classes.tolist().count(0) == 2
    # Nothing of the wide picture is left in the input's border.
    np.testing.assert_array_equal(real_detector.detect(bus).boxes, alone.boxes)


def test_labelled_people_and_vehicles_are_found(real_detector: OnnxDetector, shared_folder: Path) -> None:
    folder = shared_folder / "images" / "coco_val"
    truth = json.loads((folder / "instances.json").read_text())
    large, found = 0, 0
    for image in truth["images"][:16]:
        seen = real_detector.detect(open_picture(folder / "images" / image["file_name"]))
        for thing in truth["annotations"]:
            x, y, w, h = thing["bbox"]
            watched = thing["category_id"] in {0, 2, 5, 7}
            if thing["image_id"] != image["id"] or thing.get("iscrowd") or not watched or w * h < 96**2:
                continue
            large += 1
            iou = pairwise_iou(np.array([[x, y, x + w, y + h]], np.float32), seen.boxes)
            found += bool((iou[0, seen.classes == thing["category_id"]] > 0.5).any())
    assert large >= 5
    assert found / large > 0.6


def test_boxes_come_in_the_pictures_own_pixels(onnx_model: MakeModel, yolox_output: NDArray[np.float32]) -> None:
    detector = OnnxDetector(onnx_model(yolox_output), min_score=0.5, nms_iou=0.6)
    # 128 × 96 px is halved to 64 × 48: the box ends at the picture's lower edge.
    found = detector.detect(ArrayPicture(np.zeros((96, 128, 3), np.uint8)))
    np.testing.assert_allclose(found.boxes, [[48, 48, 80, 96]], atol=1e-3)
    np.testing.assert_allclose(found.scores, [0.72], atol=1e-6)
    assert [detector.labels[i] for i in found.classes] == ["person"]
    assert (found.width, found.height) == (128, 96)


def test_a_picture_on_which_nothing_is_found_is_an_answer(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    detector = OnnxDetector(onnx_model(yolox_output), min_score=0.9, nms_iou=0.6)
    assert len(detector.detect(ArrayPicture(np.zeros((64, 64, 3), np.uint8)))) == 0


@pytest.mark.parametrize("value", [0.0, np.nan, 7.0], ids=["all scores zero", "not finite", "not probabilities"])
def test_a_model_that_cannot_see_is_refused_by_name(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32], value: float
) -> None:
    yolox_output[..., 4:] = value
    with pytest.raises(NotADetectorError, match=r"model constant: its .*scores? "):
        probe(onnx_model(yolox_output))


def test_a_class_without_a_label_is_found_by_the_probe(onnx_model: MakeModel) -> None:
    rows = np.array([[[0, 0, 9, 9, 0.001, 85]]], np.float32)
    with pytest.raises(NotADetectorError, match="gives class 85, and there are 80 labels"):
        probe(onnx_model(rows, head="yolov10"))


def test_an_export_that_ends_with_nms_may_find_nothing_on_a_made_up_picture(onnx_model: MakeModel) -> None:
    nothing = np.zeros((1, 300, 6), np.float32)
    probe(onnx_model(nothing, head="yolov10", metadata={"args": "{'nms': True}"}))
    with pytest.raises(NotADetectorError, match="best score"):
        probe(onnx_model(nothing, head="yolov10", metadata={"args": "{'nms': False}"}))


def test_a_good_model_passes_the_probe(onnx_model: MakeModel, yolox_output: NDArray[np.float32]) -> None:
    probe(onnx_model(yolox_output))


def test_other_outputs_inputs_and_heads_are_refused(onnx_model: MakeModel, yolox_output: NDArray[np.float32]) -> None:
    with pytest.raises(NotADetectorError, match=r"output \[1, 84, 84\], want \[1, 84, 85\]"):
        probe(onnx_model(yolox_output[..., :84].copy()))
    with pytest.raises(NotADetectorError, match="want the one input 'images'"):
        probe(onnx_model(yolox_output, input_name="pixels"))
    with pytest.raises(NotADetectorError, match="head 'ssd' is not supported"):
        probe(onnx_model(yolox_output, head="ssd"))
    spec = onnx_model(yolox_output)
    with pytest.raises(NotADetectorError, match=r"input .*\[1, 3, 64, 64\], want"):
        probe(replace(spec, input=spec.input.model_copy(update={"width": 96, "height": 96})))
    with pytest.raises(NotADetectorError, match="multiple of 32"):
        probe(replace(spec, input=spec.input.model_copy(update={"width": 100, "height": 100})))


def test_the_file_that_is_loaded_is_the_file_that_was_verified(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    spec = onnx_model(yolox_output)
    spec.path.write_bytes(spec.path.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match="sha256"):
        probe(spec)
    spec.path.unlink()
    with pytest.raises(ModelFileError, match="cannot be read"):
        probe(spec)


def test_the_broken_export_is_refused(shared_folder: Path) -> None:
    file = shared_folder / "models" / "BROKEN_yolov8n_quant_640.onnx"
    entry = shipped_manifest().entry("yolox_nano_416")
    spec = replace(
        spec_of(entry, file),
        id="broken",
        sha256="bdcfc1ed2a22867e8452ffa8a0b1e82eab3cf36951764583525e8dffd40b8c82",
        head="yolov8",
        input=entry.input.model_copy(update={"width": 640, "height": 640}),
    )
    with pytest.raises(NotADetectorError, match="model broken: its best score on the probe picture is 0: every class"):
        probe(spec)


@pytest.mark.parametrize("words", [{"task": "pose"}, {"names": "['face']"}, {"names": "['a', 'b']"}])
def test_what_the_file_says_of_itself_is_asked_at_load_too(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32], words: dict[str, str]
) -> None:
    with pytest.raises(NotADetectorError, match=r"pose|identities|metadata names 2 labels, and 80 are given"):
        probe(onnx_model(yolox_output, metadata=words))


def test_half_precision_gives_the_same_boxes(onnx_model: MakeModel, yolox_output: NDArray[np.float32]) -> None:
    picture = ArrayPicture(np.zeros((96, 128, 3), np.uint8))
    whole = OnnxDetector(onnx_model(yolox_output), min_score=0.5, nms_iou=0.6).detect(picture)
    model = onnx_model(yolox_output.astype(np.float16), input_type="float16")
    probe(model)
    half = OnnxDetector(model, min_score=0.5, nms_iou=0.6).detect(picture)
    np.testing.assert_allclose(half.boxes, whole.boxes, atol=0.1)
    np.testing.assert_allclose(half.scores, whole.scores, atol=1e-3)
    assert half.boxes.dtype == np.float32


def test_a_fixed_batch_is_filled_as_far_as_there_are_pictures(
    onnx_model: MakeModel, yolox_output: NDArray[np.float32]
) -> None:
    nothing = np.zeros_like(yolox_output)
    model = onnx_model(np.concatenate([yolox_output, nothing]), input_shape=(2, 3, 64, 64))
    detector = OnnxDetector(model, min_score=0.5, nms_iou=0.6)
    detector.probe()
    small, large = (ArrayPicture(np.zeros((side, side, 3), np.uint8)) for side in (64, 128))
    found = detector.detect_many([small, large, large])
    assert [len(one) for one in found] == [1, 0, 1]
    assert [one.width for one in found] == [64, 128, 128]
    np.testing.assert_allclose(found[2].boxes, [[48, 48, 80, 112]], atol=1e-3)
    assert detector.detect_many([]) == []


@pytest.fixture
def model_input() -> ModelInput:
    return ModelInput(name="images", width=64, height=64, colour="bgr", fit=Fit.TOP_LEFT)


@pytest.mark.parametrize(
    ("colour", "expected"), [("bgr", (10.0, 20.0, 30.0)), ("rgb", (30.0, 20.0, 10.0))], ids=["bgr", "rgb"]
)
def test_channels_mean_and_scale_follow_the_manifest(
    model_input: ModelInput, colour: str, expected: tuple[float, float, float]
) -> None:
    mean, std, scale = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0), 1 / 255
    target = np.zeros((3, 64, 64), np.float32)
    fill = InputFiller(
        model_input.model_copy(update={"colour": colour, "mean": mean, "std": std, "scale": scale}), target
    )
    fill(ArrayPicture(np.full((64, 64, 3), 255, np.uint8)))
    fill(ArrayPicture(np.full((32, 64, 3), (10, 20, 30), np.uint8)))
    for channel, value in enumerate(expected):
        inside = (value * scale - mean[channel]) / std[channel]
        border = (114 * scale - mean[channel]) / std[channel]
        np.testing.assert_allclose(target[channel, :32], inside, atol=1e-5)
        np.testing.assert_allclose(target[channel, 32:], border, atol=1e-5)


@pytest.mark.parametrize(("fit", "lines"), [(Fit.TOP_LEFT, (0, 32)), (Fit.CENTRED, (16, 48)), (Fit.STRETCH, (0, 64))])
def test_the_picture_lies_where_the_fit_says_and_padding_around_it(
    model_input: ModelInput, fit: Fit, lines: tuple[int, int]
) -> None:
    target = np.zeros((3, 64, 64), np.float32)
    fill = InputFiller(model_input.model_copy(update={"fit": fit}), target)
    fill(ArrayPicture(np.full((64, 64, 3), 255, np.uint8)))
    fill(ArrayPicture(np.full((64, 128, 3), 7, np.uint8)))
    inside = np.zeros((64, 64), bool)
    inside[slice(*lines)] = True
    assert (target[:, inside] == 7).all()
    assert (target[:, ~inside] == 114).all()
