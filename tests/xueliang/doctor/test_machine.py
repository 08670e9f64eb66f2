"""The machine is judged by what the settings ask of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.schema import Camera, CameraDetection, StreamSettings
from xueliang.doctor import machine
from xueliang.doctor.finding import Level


def camera(number: int, fps: float = 5.0, *, enabled: bool = True) -> Camera:
    stream = StreamSettings(url="rtsp://192.0.2.1/main")
    detection = CameraDetection(enabled=enabled, fps=fps)
    return Camera(id=f"c{number}", site="s", name="c", main=stream, detection=detection)


@pytest.mark.parametrize(
    ("count", "cameras", "fps", "enabled", "level"),
    [
        pytest.param(2, 9, 5.0, True, Level.OK, id="the demo on two cores"),
        pytest.param(2, 24, 5.0, True, Level.WARNING, id="a county on two cores"),
        pytest.param(8, 24, 5.0, True, Level.OK, id="a county on eight"),
        pytest.param(1, 24, 30.0, False, Level.OK, id="nothing is analysed"),
    ],
)
def test_cores_are_judged_by_the_pictures_to_analyse(
    count: int, cameras: int, fps: float, enabled: bool, level: Level
) -> None:
    found = machine.cores(count, tuple(camera(number, fps, enabled=enabled) for number in range(cameras)))
    assert found.level is level
    assert (found.action is not None) == (level is Level.WARNING)


@pytest.mark.parametrize(
    ("limit", "cameras", "level"), [(1024, 24, Level.OK), (1024, 200, Level.WARNING), (4096, 200, Level.OK)]
)
def test_too_few_open_files_are_told_with_the_command_that_helps(limit: int, cameras: int, level: Level) -> None:
    found = machine.open_files(limit, cameras)
    assert found.level is level
    if found.action is not None:
        needed = machine.FILES_OF_A_NODE + machine.FILES_OF_A_CAMERA * cameras
        assert f"ulimit -n {needed}" in found.action


@pytest.mark.parametrize(
    ("now", "synchronised", "level"),
    [(2e9, True, Level.OK), (2e9, None, Level.OK), (2e9, False, Level.WARNING), (0.0, True, Level.WARNING)],
)
def test_a_clock_that_is_wrong_or_alone_is_told(now: float, synchronised: bool | None, level: Level) -> None:
    assert machine.clock(now, 1.9e9, synchronised).level is level


def test_a_processor_without_avx2_is_told() -> None:
    with_it = machine.cpu_flags("processor : 0\nflags\t\t: fpu sse avx avx2\nprocessor : 1\nflags\t\t: fpu\n")
    without = machine.cpu_flags("flags : fpu sse avx\n")
    assert machine.instructions("x86_64", with_it).level is Level.OK
    assert machine.instructions("x86_64", without).level is Level.WARNING
    assert machine.instructions("aarch64", without).level is Level.OK


def test_the_quota_of_a_container_limits_the_cores(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    free = machine.usable_cores(quota)
    quota.write_text("max 100000\n")
    assert machine.usable_cores(quota) == free
    quota.write_text("100000 100000\n")
    assert machine.usable_cores(quota) == 1
    quota.write_text("50000 100000\n")
    assert machine.usable_cores(quota) == 1


def test_what_only_tests_need_is_never_a_fault() -> None:
    for found in (*machine.for_tests(None, chinese_fonts=False), *machine.for_tests("/usr/bin/chromium", True)):
        assert found.level is Level.OK


def test_a_machine_without_nvidia_has_no_gpu_and_a_program_that_fails_names_none(tmp_path: Path) -> None:
    assert machine.nvidia_gpus({"PATH": str(tmp_path)}) == ()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA T4'\n")
    program.chmod(0o755)
    assert machine.nvidia_gpus({"PATH": str(tmp_path)}) == ("NVIDIA T4",)
    program.write_text("#!/bin/sh\nexit 9\n")
    assert machine.nvidia_gpus({"PATH": str(tmp_path)}) == ()
