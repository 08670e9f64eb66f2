from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import judge, mean_ap50
from benchmarks.scene_accuracy import look
from configs.schema import ModelSettings
from detect.detector import OnnxDetector
from detect.factory import plan_detector
from ingest.pictures import ArrayPicture
from ingest.simulator.scene.scene import SceneKind
from ingest.simulator.source import SceneSource
from models.manifest import shipped_manifest
from models.store import BUILT_IN, ModelStore

ID = "xueliang_scenes"
SEED = 7000  # seeds of the training script begin at 9,000


@pytest.fixture
def empty_store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store", shipped_manifest(), opener=None)


def test_a_machine_without_models_and_without_network_has_this_one(empty_store: ModelStore) -> None:
    spec = empty_store.resolve(ID)  # compares size and sha256
    assert spec.path == BUILT_IN / f"{ID}.onnx"
    assert spec.path.stat().st_size <= 1_500_000
    assert spec.licence == "Apache-2.0"
    assert {entry.entry.id: entry.fault for entry in empty_store.listings()}[ID] is None
    card = (BUILT_IN / "CARD.md").read_text("utf-8")
    assert spec.sha256 in card


def test_settings_that_name_it_run_it(empty_store: ModelStore) -> None:
    plan = plan_detector(ModelSettings(id=ID, fallback="refuse"), empty_store, cores=2)
    assert (plan.mode, plan.model_id, plan.reason) == ("model", ID, None)
    assert plan.labels == ("person", "bicycle", "car", "bus", "truck")
    grey = ArrayPicture(np.full((360, 640, 3), 128, np.uint8))
    assert len(plan.open().for_camera("cam").detect(grey)) == 0


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_it_finds_what_an_unseen_scene_shows(empty_store: ModelStore, tmp_path: Path, night: bool) -> None:
    """Through encoder, decoder and detector, against exact ground truth."""
    detector = OnnxDetector(empty_store.resolve(ID), min_score=0.01, nms_iou=0.6)
    source = SceneSource(seed=SEED + night, kind=SceneKind.STREET, night=night)
    (verdicts,) = look(detector, [source], tmp_path, every=6, seconds=2)
    kinds = range(len(detector.labels))
    assert len(verdicts.pictures) == 4
    assert mean_ap50(verdicts.pictures, kinds) > 0.85
    people = judge(verdicts.pictures, 0, score=0.25)
    assert people is not None
    assert people.objects > 20
    assert people.recall > 0.8
    assert people.precision > 0.8
