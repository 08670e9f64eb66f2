from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.inspection import Inspection, Wishes, inspect
from models.errors import ModelFileError, NotADetectorError
from models.manifest import Fit

MakeFile = Callable[..., Path]
SCORES: NDArray[np.float32] = np.zeros((1, 6, 84), np.float32)
"""YOLOv8's output for an input of 64 px and two labels."""


def told(found: Inspection) -> dict[str, tuple[str, str]]:
    return {finding.name: (finding.value, finding.source) for finding in found.findings}


def test_what_the_file_says_is_taken_and_the_rest_is_told_as_assumed(onnx_file: MakeFile) -> None:
    words = {
        "names": "{0: 'digger', 1: 'crane'}",
        "task": "detect",
        "license": "AGPL-3.0 License (https://example.org/license)",
    }
    found = inspect(onnx_file({"output0": SCORES}, metadata=words))
    assert (found.head, found.labels, found.licence) == ("yolov8", ("digger", "crane"), "AGPL-3.0")
    assert (found.input.width, found.input.height, found.input.colour, found.input.fit) == (64, 64, "rgb", Fit.CENTRED)
    assert told(found)["labels"] == ("2: digger, crane", "metadata")
    assert told(found)["head"] == ("yolov8: output0 [1, 6, 84]", "graph")
    assert told(found)["fit"] == ("letterbox_centred", "assumed")


def test_what_its_owner_says_goes_before(onnx_file: MakeFile) -> None:
    wishes = Wishes(labels=("boat", "buoy"), fit=Fit.STRETCH, colour="bgr", scale=1.0, mean=(1, 2, 3), std=(4, 5, 6))
    found = inspect(onnx_file({"output0": SCORES}, metadata={"names": "['a', 'b']"}), wishes)
    assert found.labels == ("boat", "buoy")
    assert (found.input.fit, found.input.colour, found.input.scale) == (Fit.STRETCH, "bgr", 1.0)
    assert (found.input.mean, found.input.std) == ((1, 2, 3), (4, 5, 6))
    assert {source for name, (_, source) in told(found).items() if name not in ("head", "input")} == {"given"}


def test_a_given_head_goes_before_the_shapes(onnx_file: MakeFile) -> None:
    rows = np.zeros((1, 84, 85), np.float32)
    assert inspect(onnx_file({"output": rows})).head == "yolox"
    assert inspect(onnx_file({"output": rows}), Wishes(head="yolov5")).head == "yolov5"
    with pytest.raises(NotADetectorError, match=r"no head 'ssd'; use one of: yolox"):
        inspect(onnx_file({"output": rows}), Wishes(head="ssd"))


def test_a_free_size_comes_from_the_file_or_its_owner(onnx_file: MakeFile) -> None:
    free = ("batch", 3, "height", "width")
    rows = np.zeros((1, 126, 85), np.float32)
    by_file = inspect(onnx_file({"output": rows}, input_shape=free, metadata={"imgsz": "[64, 96]"}))
    assert (by_file.input.width, by_file.input.height) == (96, 64)
    assert told(by_file)["input"] == ("images, 96 x 64 px, float, batch free", "metadata")
    assert inspect(onnx_file({"output": rows}, input_shape=free), Wishes(size=(96, 64))).input.width == 96
    with pytest.raises(NotADetectorError, match=r"size of its input is free.*--size"):
        inspect(onnx_file({"output": rows}, input_shape=free))
    with pytest.raises(NotADetectorError, match="fixed at 96 x 64 px"):
        inspect(onnx_file({"output": rows}, input_shape=(1, 3, 64, 96)), Wishes(size=(64, 64)))


@pytest.mark.parametrize(
    ("outputs", "words", "fault"),
    [
        ({"a": SCORES}, {"task": "segment"}, "a segmentation model: its metadata says task 'segment'"),
        ({"a": SCORES}, {"task": "pose"}, "a pose model"),
        ({"a": SCORES}, {"task": "obb"}, "a model of rotated boxes"),
        ({"a": SCORES}, {"task": "classify"}, "a classification model"),
        ({"a": SCORES}, {"task": "depth"}, "no detector: its metadata says task 'depth'"),
        ({"a": np.zeros((1, 1000), np.float32)}, {}, "looks like a classification model"),
        (
            {"a": np.zeros((1, 38, 84), np.float32), "b": np.zeros((1, 32, 16, 16), np.float32)},
            {},
            "looks like a segmentation model",
        ),
        ({"a": SCORES}, {"names": "{0: 'person', 1: 'face'}"}, "label 'face' is of identities"),
        ({"a": SCORES}, {"names": "['car', 'license_plate']"}, "label 'license_plate' is of identities"),
        ({"a": SCORES}, {}, "it has 2 labels and does not name them; give a file of 2 lines with --labels"),
        ({"a": SCORES}, {"names": "['a', 'b', 'c']"}, "it has 2 labels, and 3 are named"),
        ({"a": np.zeros((1, 5, 7), np.float32)}, {}, r"outputs \[\[1, 5, 7\]\] .* are of no known family"),
    ],
)
def test_what_is_no_detector_of_things_is_refused_by_name(
    onnx_file: MakeFile, outputs: Mapping[str, NDArray[Any]], words: dict[str, str], fault: str
) -> None:
    with pytest.raises(NotADetectorError, match=f"model constant.onnx: .*{fault}"):
        inspect(onnx_file(outputs, metadata=words))


def test_labels_of_identities_are_refused_whoever_names_them(onnx_file: MakeFile) -> None:
    with pytest.raises(NotADetectorError, match="never identities"):
        inspect(onnx_file({"a": SCORES}), Wishes(labels=("person", "人脸")))
    # Other labels given do not hide what the file says of itself.
    with pytest.raises(NotADetectorError, match="'face' is of identities"):
        inspect(onnx_file({"a": SCORES}, metadata={"names": "['face', 'b']"}), Wishes(labels=("a", "b")))


def test_metadata_is_read_and_never_run(onnx_file: MakeFile, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    words = {"names": f"__import__('pathlib').Path({str(trap)!r}).touch()", "imgsz": "(" * 5000}
    found = inspect(onnx_file({"a": np.zeros((1, 84, 85), np.float32)}, metadata=words))
    assert (found.labels, told(found)["labels"][1]) == ("coco80", "assumed")
    assert not trap.exists()


@pytest.mark.parametrize(
    "more",
    [{"input_shape": (1, 64, 64, 3)}, {"input_shape": (1, 1, 64, 64)}, {"input_type": "int64"}],
    ids=["channels last", "grey", "integers"],
)
def test_an_input_that_is_no_picture_of_planes_is_told(onnx_file: MakeFile, more: dict[str, Any]) -> None:
    with pytest.raises(NotADetectorError, match=r"want float or float16 \[batch, 3, height, width\]"):
        inspect(onnx_file({"a": SCORES}, **more))


def test_a_file_that_is_not_there_or_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        inspect(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(ModelFileError, match="not an ONNX model"):
        inspect(tmp_path / "text.onnx")
