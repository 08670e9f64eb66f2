"""What is installed is compared with what is needed and locked, and native packages are really loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from configs.schema import ModelSettings
from xueliang.doctor import native, software
from xueliang.doctor.finding import Level
from xueliang.doctor.native import Loaded

LOCK = """
av==18.1.0 \\
    --hash=sha256:00
numpy==2.4.6 ; python_full_version < '3.11' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.11' \\
    --hash=sha256:00
"""


@pytest.mark.parametrize(
    ("installed", "level", "subject"),
    [
        pytest.param({"av": "18.1.0", "numpy": "2.5.5"}, Level.OK, "packages", id="as locked"),
        pytest.param({"av": "18.2.0", "numpy": "2.5.5"}, Level.WARNING, "av", id="allowed, but another"),
        pytest.param({"av": "17.0.0", "numpy": "2.5.5"}, Level.FAULT, "av", id="too old"),
        pytest.param({"numpy": "2.5.5"}, Level.FAULT, "av", id="missing"),
        pytest.param(
            {"av": "18.1.0", "numpy": "2.5.5", "opencv-python": "5"}, Level.WARNING, "opencv-python", id="both OpenCVs"
        ),
    ],
)
def test_packages_are_judged_by_what_is_needed_and_locked(
    installed: dict[str, str], level: Level, subject: str
) -> None:
    needs = [Requirement("av>=18.1,<19"), Requirement("numpy>=2.2")]
    (found,) = software.packages(needs, installed, software.locked(LOCK))
    assert (found.level, found.subject) == (level, subject)


def test_native_packages_are_loaded_and_say_what_they_can() -> None:
    loaded = native.load("av")
    assert loaded.error is None
    assert loaded.version is not None
    assert software.loading("av", loaded).level is Level.OK
    assert software.decoders(loaded).level is Level.OK


@pytest.mark.parametrize(
    ("loaded", "told"),
    [
        (native.load("no_such_module"), "ModuleNotFoundError"),
        (native.read(-4, ""), "SIGILL"),
        (native.read(134, "something else"), "exit code 134"),
    ],
)
def test_a_package_that_does_not_load_is_a_fault_by_name(loaded: Loaded, told: str) -> None:
    found = software.loading("onnxruntime", loaded)
    assert found.level is Level.FAULT
    assert told in found.text


def test_missing_decoders_and_providers_are_faults() -> None:
    assert "hevc" in software.decoders(Loaded("18", ("h264",), None)).text
    assert software.providers(Loaded("1", ("AzureExecutionProvider",), None), (), ModelSettings()).level is Level.FAULT
    on_cpu = software.providers(Loaded("1", ("CPUExecutionProvider",), None), ("NVIDIA T4",), ModelSettings())
    assert (on_cpu.level, "NVIDIA T4" in on_cpu.text) == (Level.OK, True)


_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("loaded", "gpus", "model", "level", "told"),
    [
        (Loaded("1", (_CPU,), None), (), {"accelerator": "cuda"}, Level.WARNING, "no provider for cuda"),
        (Loaded("1", (_CPU,), None), (), {"accelerator": "cuda", "fallback": "refuse"}, Level.FAULT, "cuda"),
        (Loaded("1", (_CUDA, _CPU), None, {_CUDA: "libcudnn.so.9: no such file"}), ("T4",), {"accelerator": "cuda"},
         Level.WARNING, "does not load: libcudnn.so.9"),
        (Loaded("1", (_CUDA, _CPU), None, {_CUDA: "libcudnn.so.9: no such file"}), ("T4",), {"accelerator": "auto"},
         Level.WARNING, "libcudnn.so.9"),
        (Loaded("1", (_CUDA, _CPU), None), (), {"accelerator": "cuda"}, Level.WARNING, "no NVIDIA GPU here"),
        (Loaded("1", (_CUDA, _CPU), None), ("T4",), {"accelerator": "cuda"}, Level.OK, "on cuda"),
        (Loaded("1", (_CPU,), None), (), {"accelerator": "auto"}, Level.OK, "on cpu"),
    ],
)  # fmt: skip
def test_an_accelerator_that_is_asked_for_and_cannot_be_had_is_told(
    loaded: Loaded, gpus: tuple[str, ...], model: dict[str, Any], level: Level, told: str
) -> None:
    found = software.providers(loaded, gpus, ModelSettings(**model))
    assert found.level is level
    assert told in found.text
    assert (found.action is None) == (level is Level.OK)


def test_a_package_with_an_accelerator_stands_for_the_plain_one() -> None:
    needs = [Requirement("onnxruntime>=1.22")]
    assert software.packages(needs, {"onnxruntime-gpu": "1.23"}, {})[0].level is Level.OK
    assert software.packages(needs, {"onnxruntime-gpu": "1.20"}, {})[0].level is Level.FAULT
    both = software.packages(needs, {"onnxruntime": "1.23", "onnxruntime-gpu": "1.23"}, {})
    assert [(each.level, each.subject) for each in both] == [(Level.WARNING, "onnxruntime")]


def test_an_old_python_and_a_missing_wall_are_faults(tmp_path: Path) -> None:
    assert software.python((3, 10, 9), "Linux", "x86_64").level is Level.FAULT
    assert software.python((3, 11, 0), "Linux", "x86_64").level is Level.OK
    assert software.python((3, 12, 0), "Darwin", "arm64").level is Level.WARNING
    missing = software.wall(tmp_path, checkout=True)
    assert (missing.level, missing.action) == (Level.FAULT, "make web")
    (tmp_path / "index.html").write_text("")
    assert software.wall(tmp_path, checkout=True).level is Level.OK
