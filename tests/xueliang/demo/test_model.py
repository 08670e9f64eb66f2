"""Which model serves the demo where nothing can be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.schema import SCENES_ONLY, ModelSettings
from models.errors import ModelFileError
from models.manifest import shipped_manifest
from models.store import ModelStore
from xueliang.demo.model import demo_model

WANTED = ModelSettings(min_score=0.3)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """Empty, and nothing can be pulled into it."""
    return ModelStore(tmp_path, shipped_manifest(), opener=None)


def test_the_model_in_the_box_serves_drawn_scenes_alone(store: ModelStore) -> None:
    assert demo_model(WANTED, store, drawn=True) == WANTED.model_copy(update={"id": SCENES_ONLY})
    assert demo_model(WANTED, store, drawn=False) == WANTED
    store.resolve(SCENES_ONLY)  # it is there


def test_a_wrong_file_is_told_and_not_passed_over(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / f"{WANTED.id}.onnx").write_bytes(b"not it")
    with pytest.raises(ModelFileError):
        demo_model(WANTED, store, drawn=True)


def test_a_model_that_is_there_serves(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, shipped_manifest(), opener=None)
    own = ModelSettings(id=SCENES_ONLY)
    assert demo_model(own, store, drawn=True) == own
