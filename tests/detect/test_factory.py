from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.schema import ModelSettings
from detect.factory import open_store, plan_detector
from ingest.pictures import ArrayPicture
from models.errors import ManifestError, ModelFileError, ModelUnavailableError, NotADetectorError
from models.manifest import Manifest, ModelEntry
from models.spec import ModelSpec
from models.store import ModelStore


@pytest.fixture
def model_store(tmp_path: Path, onnx_model: Callable[..., ModelSpec]) -> Callable[..., ModelStore]:
    """A store of the one model ``constant``, which always answers ``output``."""

    def make(output: NDArray[np.float32]) -> ModelStore:
        spec = onnx_model(output)
        entry = ModelEntry(
            id=spec.id,
            sha256=spec.sha256,
            size=spec.path.stat().st_size,
            licence=spec.licence,
            input=spec.input,
            head=spec.head,
            labels="coco80",
        )
        return ModelStore(tmp_path, Manifest(models=(entry,)), opener=None)

    return make


def test_a_model_that_is_there_is_used(
    model_store: Callable[..., ModelStore], yolox_output: NDArray[np.float32]
) -> None:
    settings = ModelSettings(id="constant", min_score=0.5)
    plan = plan_detector(settings, model_store(yolox_output), cores=4)
    assert (plan.mode, plan.model_id, plan.labels[0], plan.sessions, plan.reason) == (
        "model", "constant", "person", 3, None,
    )  # fmt: skip
    assert plan.input is not None, "by its size a camera's stream is chosen"
    first, second = plan.open(), plan.open()
    assert first is not second, "each thread has a session of its own"
    found = first.for_camera("gate").detect(ArrayPicture(np.zeros((64, 64, 3), np.uint8)))
    assert [plan.labels[i] for i in found.classes] == ["person"]


@pytest.mark.parametrize(("asked", "cores", "sessions"), [(None, 1, 1), (None, 8, 7), (2, 8, 2)])
def test_sessions_leave_a_core_to_the_decoders(
    model_store: Callable[..., ModelStore],
    yolox_output: NDArray[np.float32],
    asked: int | None,
    cores: int,
    sessions: int,
) -> None:
    settings = ModelSettings(id="constant", sessions=asked)
    assert plan_detector(settings, model_store(yolox_output), cores=cores).sessions == sessions


def test_no_model_is_motion_only_with_the_reason(tmp_path: Path) -> None:
    store = open_store(ModelSettings(store=tmp_path, allow_pull=False), environ={}, home=tmp_path)
    plan = plan_detector(ModelSettings(), store, cores=2)
    assert (plan.mode, plan.model_id, plan.labels) == ("motion", "motion", ("moving",))
    assert "yolox_nano_416" in (plan.reason or "")
    assert plan.open().for_camera("gate") is plan.open().for_camera("gate"), "a background outlives its thread's turn"


def test_motion_can_be_refused(tmp_path: Path) -> None:
    store = open_store(ModelSettings(store=tmp_path, allow_pull=False), environ={}, home=tmp_path)
    with pytest.raises(ModelUnavailableError, match="yolox_nano_416"):
        plan_detector(ModelSettings(fallback="refuse"), store, cores=2)


def test_a_wrong_file_is_no_reason_for_motion(
    model_store: Callable[..., ModelStore], yolox_output: NDArray[np.float32], tmp_path: Path
) -> None:
    settings = ModelSettings(id="constant")
    store = model_store(yolox_output)
    file = tmp_path / "constant.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(ModelFileError, match=r"constant\.onnx: truncated"):
        plan_detector(settings, store, cores=2)
    file.write_bytes(bytes(len(whole)))
    with pytest.raises(ModelFileError, match="sha256"):
        plan_detector(settings, store, cores=2)
    with pytest.raises(NotADetectorError, match="best score"):
        plan_detector(settings, model_store(np.zeros_like(yolox_output)), cores=2)
    with pytest.raises(ManifestError, match="no model of that id"):
        plan_detector(ModelSettings(id="another"), store, cores=2)


def test_motion_can_be_asked_for(tmp_path: Path) -> None:
    store = open_store(ModelSettings(store=tmp_path, allow_pull=False), environ={}, home=tmp_path)
    assert plan_detector(ModelSettings(id="motion", fallback="refuse"), store, cores=2).mode == "motion"
