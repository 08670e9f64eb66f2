"""Which classes a model finds, from the manifests alone: nothing is pulled, and no file of a model is opened."""

from __future__ import annotations

import os
from pathlib import Path

from configs.schema import SCENES_ONLY, ModelSettings
from models.errors import ModelError
from models.labels import LABELS
from models.manifest import ModelEntry, shipped_manifest
from models.store import ModelStore, user_store


def known_classes(model: ModelSettings) -> frozenset[str]:
    """Those of the settings' model; where no manifest has it, those of COCO and of the drawn scenes."""
    store = ModelStore(model.store or user_store(os.environ, Path.home()), shipped_manifest(), opener=None)
    try:
        return _labels(store.manifest().entry(model.id))
    except ModelError:
        return frozenset(LABELS["coco80"]) | _labels(shipped_manifest().entry(SCENES_ONLY))


def _labels(entry: ModelEntry) -> frozenset[str]:
    return frozenset(LABELS[entry.labels] if isinstance(entry.labels, str) else entry.labels)
