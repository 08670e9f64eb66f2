"""What is installed is compared with what is needed and locked, and native packages are really loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

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
    assert software.providers(Loaded("1", ("AzureExecutionProvider",), None), ()).level is Level.FAULT
    on_cpu = software.providers(Loaded("1", ("CPUExecutionProvider",), None), ("NVIDIA T4",))
    assert (on_cpu.level, "NVIDIA T4" in on_cpu.text) == (Level.OK, True)


def test_an_old_python_and_a_missing_wall_are_faults(tmp_path: Path) -> None:
    assert software.python((3, 10, 9), "Linux", "x86_64").level is Level.FAULT
    assert software.python((3, 11, 0), "Linux", "x86_64").level is Level.OK
    assert software.python((3, 12, 0), "Darwin", "arm64").level is Level.WARNING
    missing = software.wall(tmp_path, checkout=True)
    assert (missing.level, missing.action) == (Level.FAULT, "make web")
    (tmp_path / "index.html").write_text("")
    assert software.wall(tmp_path, checkout=True).level is Level.OK
