from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ManifestError
from models.labels import LABELS
from models.manifest import (
    Fit,
    Manifest,
    ModelEntry,
    ModelInput,
    dump_manifest,
    load_manifest,
    read_manifest,
    shipped_manifest,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def test_the_shipped_default_is_the_file_that_the_golden_boxes_were_made_with() -> None:
    golden = SHARED / "models" / "golden_bus.json"
    if not golden.is_file():
        pytest.skip("no ../shared/models beside the checkout")
    expected = json.loads(golden.read_text())["yolox_nano_416"]
    entry = shipped_manifest().entry("yolox_nano_416")
    assert (entry.sha256, entry.size) == (expected["sha256"], expected["size"])
    assert entry.source is not None
    assert entry.licence == "Apache-2.0"


def test_coco_has_eighty_distinct_classes_in_the_order_of_detectors() -> None:
    labels = LABELS["coco80"]
    assert len(set(labels)) == 80
    assert [labels[i] for i in (0, 2, 5, 7, 79)] == ["person", "car", "bus", "truck", "toothbrush"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("models: [", "not YAML"),
        ("models: 3", "models"),
        ("model: []", "model"),
        ("v: 2", "v"),
        ("[1, 2]", "dictionary"),
    ],
)
def test_a_broken_manifest_is_named_with_its_fault(text: str, named: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(text, "here.yaml")
    assert "here.yaml" in str(caught.value)
    assert named in caught.value.fault


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "http://example.org/plain.onnx"},
        {"source": "https://user:secret@example.org/small.onnx"},
        {"sha256": "ab"},
        {"labels": "faces"},
        {"labels": ("person", "license_plate")},
        {"labels": ()},
        {"labels": ("person", "person")},
        {"id": "../escape"},
        {"size": 0},
    ],
    ids=[
        "not https",
        "password in address",
        "no hash",
        "unknown labels",
        "identities",
        "no label",
        "a label twice",
        "path as id",
        "no size",
    ],
)
def test_an_entry_that_could_not_be_trusted_is_refused(
    model_entry: Callable[..., ModelEntry], changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        model_entry(**changes)


def test_an_id_stands_once(model_entry: Callable[..., ModelEntry]) -> None:
    with pytest.raises(ValueError, match="twice"):
        Manifest(models=(model_entry("a"), model_entry("a")))
    with pytest.raises(ManifestError, match="two different files"):
        Manifest(models=(model_entry("a"),)).with_entries(Manifest(models=(model_entry("a", sha256="0" * 64),)))


def test_an_unknown_id_is_told_with_the_known_ones(model_entry: Callable[..., ModelEntry]) -> None:
    with pytest.raises(ManifestError, match="known: a, b"):
        Manifest(models=(model_entry("a"), model_entry("b"))).entry("c")


def test_no_file_is_an_empty_manifest_and_an_unreadable_one_is_not(tmp_path: Path) -> None:
    assert load_manifest(tmp_path / "none.yaml") == Manifest()
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="cannot be read"):
        load_manifest(tmp_path / "bytes.yaml")


_inputs = st.builds(
    ModelInput,
    name=st.text(min_size=1, max_size=8),
    width=st.integers(32, 4096),
    height=st.integers(32, 4096),
    colour=st.sampled_from(["bgr", "rgb"]),
    fit=st.sampled_from(list(Fit)),
    pad=st.integers(0, 255),
    scale=st.floats(1e-6, 1e6),
)
_entries = st.builds(
    ModelEntry,
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True),
    source=st.none() | st.just("https://example.org/m.onnx"),
    sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    size=st.integers(1, 2**31),
    licence=st.text(min_size=1, max_size=12),
    input=_inputs,
    head=st.from_regex(r"[a-z0-9_]+", fullmatch=True),
    labels=st.just("coco80") | st.just(("person", "digger: yes", "挖掘机")),
    notes=st.text(max_size=40),
)


def test_a_long_note_is_read_back_with_every_space(model_entry: Callable[..., ModelEntry]) -> None:
    note = "0000" + "\x1f" * 6 + "\x7f" + "\U00010000" * 4 + " 0 0 " * 40
    manifest = Manifest(models=(model_entry("a").model_copy(update={"notes": note}),))
    assert read_manifest(dump_manifest(manifest), "round trip") == manifest


@given(st.lists(_entries, max_size=3, unique_by=lambda entry: entry.id))
def test_what_is_written_is_read_back(entries: list[ModelEntry]) -> None:
    manifest = Manifest(models=tuple(entries))
    assert read_manifest(dump_manifest(manifest), "round trip") == manifest
