from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from xueliang.commands.models import app

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "models"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_list_names_every_model_for_people_and_programs(tmp_path: Path) -> None:
    assert "yolox_nano_416  Apache-2.0  3660092 bytes" in run("list", "--store", tmp_path).stdout
    rows = json.loads(run("list", "--store", tmp_path, "--json").stdout)
    assert rows[0]["id"] == "yolox_nano_416"
    assert {"sha256", "source", "licence", "path", "fault"} <= rows[0].keys()


def test_an_unknown_id_is_a_wrong_command(tmp_path: Path) -> None:
    result = run("pull", "nope", "--store", tmp_path)
    assert result.exit_code == 2
    assert "known: yolox_nano_416" in result.stderr
    answer = json.loads(run("verify", "nope", "--store", tmp_path, "--json").stdout)
    assert answer["error"]["code"] == "manifest"
    assert answer["error"]["action"]


def test_a_truncated_file_is_named_by_verify_and_list(tmp_path: Path) -> None:
    (tmp_path / "yolox_nano_416.onnx").write_bytes(bytes(100))
    result = run("verify", "yolox_nano_416", "--store", tmp_path)
    assert result.exit_code == 1
    assert "truncated: 100 of 3660092 bytes" in result.stdout
    assert "truncated" in run("list", "--store", tmp_path).stdout


def test_a_file_that_is_no_model_is_not_imported(tmp_path: Path) -> None:
    file, store = tmp_path / "notes.txt", tmp_path / "store"
    file.write_text("not a model")
    result = run("import", file, "--id", "mine", "--store", store)
    assert result.exit_code == 1
    assert "not an ONNX model" in result.stderr
    assert not store.exists()
    assert run("import", file, "--id", "../mine", "--store", store).exit_code == 2
    assert run("import", tmp_path / "missing.onnx", "--id", "mine", "--store", store).exit_code == 2


def test_import_then_verify_on_a_machine_without_a_network(tmp_path: Path) -> None:
    if not (SHARED / "yolox_nano_416.onnx").is_file():
        pytest.skip("no ../shared/models beside the checkout")
    for model_id in ("yolox_nano_416", "mine"):
        result = run("import", SHARED / "yolox_nano_416.onnx", "--id", model_id, "--store", tmp_path, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["path"] == str(tmp_path / f"{model_id}.onnx")
    rows = json.loads(run("verify", "--store", tmp_path, "--json").stdout)
    assert [(row["id"], row["fault"]) for row in rows] == [("yolox_nano_416", None), ("mine", None)]


