"""Is the machine fit: cores, instructions, open files, clock; and what only tests and the curious ask for."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from configs.schema import Camera
from xueliang.doctor.finding import Finding, Node, ok, warning

ANALYSED_PER_CORE = 35.0
"""Pictures a second that one core detects with YOLOX-Nano 416 (72 on two cores, measured; decoding not counted)."""

FILES_OF_A_CAMERA = 4
"""Two streams, and for each a socket towards whom watches it through the dashboard."""

FILES_OF_A_NODE = 448
"""The rest: ten walls of sixteen tiles with a socket on each side of the dashboard, and 128 for all else."""

_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # larger than struct timex on any machine


def cores(count: int, cameras: tuple[Camera, ...]) -> Finding:
    """Judge the cores by the pictures that the cameras' settings want analysed each second."""
    wanted = sum(camera.detection.fps for camera in cameras if camera.detection.enabled)
    given = count * ANALYSED_PER_CORE
    text = f"{count} cores analyse about {given:.0f} pictures/s"
    if not wanted:
        return ok("cores", text)
    if wanted > given:
        remedy = "lower detection.fps, or use more cores: what is too much is dropped evenly, and counted"
        return warning("cores", f"{text}; the cameras ask for up to {wanted:g}", remedy)
    return ok("cores", f"{text}; the cameras ask for up to {wanted:g}")


def instructions(machine: str, flags: frozenset[str]) -> Finding:
    """Judge the vector instructions. ``flags`` as ``/proc/cpuinfo`` tells them; empty: not told."""
    if machine not in ("x86_64", "AMD64"):
        return ok("CPU", machine)
    if flags and "avx2" not in flags:
        return warning("CPU", "no AVX2: detection takes several times longer", "use a CPU made since about 2015")
    return ok("CPU", "AVX2" if flags else "its instructions are not told here")


def open_files(limit: int, cameras: int) -> Finding:
    """Judge the limit of open files of a process (RLIMIT_NOFILE, soft)."""
    needed = FILES_OF_A_NODE + FILES_OF_A_CAMERA * cameras
    if limit < needed:
        remedy = f"ulimit -n {needed} before the start; in a systemd unit: LimitNOFILE={needed}"
        return warning("open files", f"at most {limit}; {cameras} cameras may need {needed}", remedy)
    return ok("open files", f"at most {limit}; {cameras} cameras may need {needed}")


def clock(now: float, newest_file: float, synchronised: bool | None) -> Finding:
    """Judge the clock: not before this software was written (a day's grace), and kept right by NTP. Epoch seconds."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    remedy = "set it by NTP: apt-get install systemd-timesyncd (or chrony)"
    if now < newest_file - 86400:
        return warning("clock", f"{shown} is before this software was installed", remedy)
    if synchronised is False:
        return warning("clock", f"{shown}; the kernel says that nothing keeps it right", remedy)
    return ok("clock", shown + ("; synchronised" if synchronised else ""))


def for_tests(chromium: str | None, chinese_fonts: bool) -> list[Finding]:
    """Tell what only the tests (and a browser on this very machine) need; never a fault."""
    return [
        ok("Chromium", f"{chromium}; for browser tests only")
        if chromium
        else ok("Chromium", "none; only browser tests want one", "apt-get install chromium"),
        ok("Chinese fonts", "installed; only a browser on this machine uses them")
        if chinese_fonts
        else ok("Chinese fonts", "none; only a browser on this machine wants them", "apt-get install fonts-noto-cjk"),
    ]


def nvidia_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Names of NVIDIA's GPUs, by ``nvidia-smi``; empty where it is missing or does not answer."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return ()
    argv = (program, "--query-gpu=name", "--format=csv,noheader")
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in told.stdout.splitlines() if line.strip())


def usable_cores(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: its affinity, and the quota of its container (cgroup v2, cpu.max)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text("ascii").split()
    except (OSError, ValueError):
        return count
    return count if quota == "max" else max(1, min(count, int(quota) // int(period)))


def cpu_flags(cpuinfo: str) -> frozenset[str]:
    """The flags of the first core in the text of ``/proc/cpuinfo``."""
    line = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())


def look_at_cpu(node: Node) -> list[Finding]:
    """See :func:`cores` and :func:`instructions`."""
    info = Path("/proc/cpuinfo")
    flags = cpu_flags(info.read_text("utf-8", "replace")) if info.is_file() else frozenset()
    return [cores(usable_cores(), node.settings.cameras), instructions(platform.machine(), flags)]


def look_at_open_files(node: Node) -> list[Finding]:
    """See :func:`open_files`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [open_files(1 << 30 if soft == resource.RLIM_INFINITY else soft, len(node.settings.cameras))]


def look_at_clock(_node: Node) -> list[Finding]:
    """See :func:`clock`."""
    return [clock(time.time(), Path(__file__).stat().st_mtime, _synchronised())]


def look_at_test_tools(node: Node) -> list[Finding]:
    """See :func:`for_tests`."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = (shutil.which(name, path=node.environ.get("PATH")) for name in names)
    return for_tests(next((each for each in found if each), None), _chinese_fonts())


def _chinese_fonts() -> bool:
    lister = shutil.which("fc-list")
    if lister is None:
        return any(Path("/usr/share/fonts").glob("**/*CJK*"))
    try:
        told = subprocess.run((lister, ":lang=zh", "family"), capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(told.stdout.strip())


def _synchronised() -> bool | None:
    """What the kernel says by adjtimex(2), asked without changing anything; ``None`` where it is not told."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)
