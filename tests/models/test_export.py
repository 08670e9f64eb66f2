"""The way to an ``ultralytics`` in another interpreter and back, with a stand-in for that package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from models.errors import ModelFileError, ModelUnavailableError
from models.export import export_checkpoint

STAND_IN = """
import json, pathlib

class YOLO:
    def __init__(self, checkpoint):
        self.checkpoint = pathlib.Path(checkpoint)
        self.task = self.checkpoint.read_text()

    def export(self, **options):
        print("a line of progress")
        made = self.checkpoint.with_suffix(".onnx")
        made.write_text(json.dumps(options, sort_keys=True))
        return str(made)
"""


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """An interpreter that has a stand-in for ``ultralytics``."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "ultralytics.py").write_text(STAND_IN)
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "weights" / "best.pt"
    file.parent.mkdir()
    file.write_text("detect")
    return file


def test_the_file_that_the_package_made_comes_back(interpreter: Path, checkpoint: Path, tmp_path: Path) -> None:
    target = export_checkpoint(checkpoint, tmp_path / "out" / "mine.onnx", python=interpreter, size=320, dynamic=True)
    assert target == tmp_path / "out" / "mine.onnx"
    assert target.read_text() == (
        '{"device": "cpu", "dynamic": true, "format": "onnx", "half": false, "imgsz": 320, "nms": false}'
    )
    assert list(checkpoint.parent.iterdir()) == [checkpoint], "nothing is left beside the checkpoint"


def test_without_the_package_one_line_says_what_to_install_and_its_licence(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        export_checkpoint(checkpoint, tmp_path / "mine.onnx", python=Path(sys.executable))
    assert "has no ultralytics" in str(caught.value)
    assert "pip install ultralytics" in caught.value.action
    assert "AGPL-3.0" in caught.value.action
    assert not (tmp_path / "mine.onnx").exists()


def test_what_cannot_be_exported_is_told(interpreter: Path, checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.onnx"
    checkpoint.write_text("segment")
    with pytest.raises(ModelFileError, match="its task is 'segment'"):
        export_checkpoint(checkpoint, target, python=interpreter)
    (tmp_path / "site" / "ultralytics.py").write_text("def YOLO(path): raise RuntimeError('no such layer')")
    with pytest.raises(ModelFileError, match="not exported: RuntimeError: no such layer"):
        export_checkpoint(checkpoint, target, python=interpreter)
    with pytest.raises(ModelFileError, match="cannot be read"):
        export_checkpoint(tmp_path / "none.pt", target, python=interpreter)
    with pytest.raises(ModelUnavailableError, match="cannot be run"):
        export_checkpoint(checkpoint, target, python=tmp_path / "no-python")
    assert not target.exists()


def test_a_target_that_cannot_be_written_is_told(interpreter: Path, checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ModelFileError, match="cannot be written"):
        export_checkpoint(checkpoint, tmp_path / "taken" / "mine.onnx", python=interpreter)
