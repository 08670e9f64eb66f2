from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from models.manifest import Fit, ModelEntry, ModelInput


@pytest.fixture
def model_bytes() -> bytes:
    return bytes(range(256)) * 40


@pytest.fixture
def model_entry(model_bytes: bytes) -> Callable[..., ModelEntry]:
    def make(model_id: str = "small", **changes: object) -> ModelEntry:
        fields: dict[str, object] = {
            "id": model_id,
            "source": "https://example.org/small.onnx",
            "sha256": hashlib.sha256(model_bytes).hexdigest(),
            "size": len(model_bytes),
            "licence": "Apache-2.0",
            "input": ModelInput(name="images", width=64, height=64, colour="bgr", fit=Fit.TOP_LEFT),
            "head": "yolox",
            "labels": "coco80",
        }
        return ModelEntry.model_validate(fields | changes)

    return make
