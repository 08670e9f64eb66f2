from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models.manifest import load_manifest
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
    assert [(row["id"], row["fault"]) for row in rows] == [
        ("yolox_nano_416", None),
        ("xueliang_scenes", None),
        ("mine", None),
    ]


SHARED_MODELS = {
    "nanodet_m_416": "nanodet",
    "deimv2_atto_320": "detr",
    "fastestdet_352": "fastestdet",
    "yolov5n_640": "yolov5",
    "yolov8n_int8_qdq_640": "yolov8",
}


def test_a_family_is_found_told_and_written_down(tmp_path: Path) -> None:
    if not all((SHARED / f"{name}.onnx").is_file() for name in SHARED_MODELS):
        pytest.skip("no ../shared/models beside the checkout")
    for name, head in SHARED_MODELS.items():
        result = run("import", SHARED / f"{name}.onnx", "--store", tmp_path)
        assert result.exit_code == 0, result.stderr
        assert f"{head}: " in result.stdout
        assert "assumed" in result.stdout
    entries = {entry.id: entry for entry in load_manifest(tmp_path / "manifest.yaml").models}
    assert {name: entry.head for name, entry in entries.items()} == SHARED_MODELS
    # What was assumed stands in the entry: nothing is left to be guessed at run time.
    assert entries["nanodet_m_416"].input.mean == (103.53, 116.28, 123.675)
    assert entries["yolov8n_int8_qdq_640"].licence == "AGPL-3.0"
    assert "Assumed" in entries["fastestdet_352"].notes


def test_a_model_that_scores_nothing_is_not_imported(tmp_path: Path) -> None:
    if not (SHARED / "BROKEN_yolov8n_quant_640.onnx").is_file():
        pytest.skip("no ../shared/models beside the checkout")
    result = run("import", SHARED / "BROKEN_yolov8n_quant_640.onnx", "--store", tmp_path / "s")
    assert result.exit_code == 1
    assert "model BROKEN_yolov8n_quant_640: its best score on the probe picture is 0" in result.stderr
    assert not (tmp_path / "s").exists()


def test_options_say_otherwise_and_wrong_ones_are_told(tmp_path: Path) -> None:
    file = SHARED / "fastestdet_352.onnx"
    if not file.is_file():
        pytest.skip("no ../shared/models beside the checkout")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"thing {index}" for index in range(80)) + "\n")
    result = run(
        "import", file, "--id", "mine", "--labels", labels, "--colour", "rgb", "--mean", "1,2,3", "--licence", "MIT",
        "--store", tmp_path / "s", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["entry"]["labels"][79] == "thing 79"
    assert answer["entry"]["input"]["mean"] == [1, 2, 3]
    assert answer["entry"]["licence"] == "MIT"
    sources = {finding["name"]: finding["source"] for finding in answer["found"]}
    assert (sources["labels"], sources["colour"], sources["fit"]) == ("given", "given", "assumed")
    listed = {row["id"]: row for row in json.loads(run("list", "--store", tmp_path / "s", "--json").stdout)}
    assert listed["mine"]["fault"] is None
    for wrong in (["--mean", "1,2"], ["--size", "big"], ["--labels", tmp_path / "none.txt"], ["--std", "0,1,1"]):
        result = run("import", file, "--id", "other", *wrong, "--store", tmp_path / "s")
        assert (result.exit_code, bool(result.stderr)) == (2, True), wrong
    known = run("import", file, "--id", "yolox_nano_416", "--head", "yolox", "--store", tmp_path / "s")
    assert (known.exit_code, "leave the options out" in known.stderr) == (2, True)


def test_export_without_the_package_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"weights")
    result = run("export", tmp_path / "best.pt")
    assert result.exit_code == 1
    assert "AGPL-3.0" in result.stderr
    assert "Traceback" not in result.stderr
