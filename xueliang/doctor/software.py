"""Is the software whole: Python, the pinned packages, decoders and providers, the built wall?"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from configs.schema import ModelSettings
from detect.accelerator import PACKAGES, PROVIDERS, install, remedy, to_try
from xueliang.doctor import native
from xueliang.doctor.finding import Finding, Node, fault, ok, warning
from xueliang.doctor.machine import nvidia_gpus
from xueliang.doctor.native import DECODERS, Loaded
from xueliang.surroundings import web_dist

OLDEST_PYTHON = (3, 11)
NATIVE = {"av": "av", "cv2": "opencv-python-headless", "numpy": "numpy", "onnxruntime": "onnxruntime"}
"""Module → distribution of the packages that are loaded to see that they work on this CPU."""

_STAND_INS = {"onnxruntime": tuple(sorted({name for name in PACKAGES.values() if name != "onnxruntime"}))}
"""Packages that bring the same module and take the other's place."""

_REINSTALL = "in a checkout: make setup; else: pip install --force-reinstall xueliang"
_CHECKOUT = Path(__file__).resolve().parents[2]


def python(version: tuple[int, int, int], system: str, machine: str) -> Finding:
    """Judge the interpreter and the system it runs on."""
    text = f"{'.'.join(map(str, version))} on {system} {machine}"
    if version[:2] < OLDEST_PYTHON:
        return fault("Python", f"{text} is too old", "use Python 3.11 or newer: make setup PYTHON=python3.12")
    if system != "Linux":
        return warning("Python", f"{text}: a node has only been tried on Linux", "use Linux for a real site")
    return ok("Python", text)


def packages(needs: Iterable[Requirement], installed: Mapping[str, str], pins: Mapping[str, str]) -> list[Finding]:
    """Judge what is installed (name → version) by what is needed, and by the lock's pins where there is a lock."""
    findings = []
    count = 0
    for need in needs:
        count += 1
        names = (_canonical(need.name), *_STAND_INS.get(need.name, ()))
        have = next((installed[name] for name in names if name in installed), None)
        pin = pins.get(names[0])
        if have is None:
            findings.append(fault(need.name, f"not installed; {need.specifier or 'any version'} is needed", _REINSTALL))
        elif not need.specifier.contains(have, prereleases=True):
            findings.append(fault(need.name, f"{have} is installed; {need.specifier} is needed", _REINSTALL))
        elif pin is not None and pin != have:
            findings.append(warning(need.name, f"{have} is installed; tested with {pin}", "make setup"))
    if "opencv-python" in installed:
        text = "installed beside opencv-python-headless: both write the same module, and it needs libGL"
        remedy = "pip uninstall opencv-python, then reinstall opencv-python-headless"
        findings.append(warning("opencv-python", text, remedy))
    runtimes = sorted(name for name in ("onnxruntime", *_STAND_INS["onnxruntime"]) if name in installed)
    if len(runtimes) > 1:
        text = f"{' and '.join(runtimes)} are installed: they write the same module, and the last one wins"
        action = f"pip uninstall {' '.join(runtimes)}, then install the one that is wanted"
        findings.append(warning("onnxruntime", text, action))
    return findings or [ok("packages", f"{count}, each as required" + (" and as locked" if pins else ""))]


def loading(module: str, loaded: Loaded) -> Finding:
    """Judge how a native package was loaded."""
    if loaded.error is not None:
        return fault(module, loaded.error, _REINSTALL + "; a signal means that this CPU is not the one it is built for")
    return ok(module, f"{loaded.version} loads" + (f": {', '.join(loaded.abilities)}" if loaded.abilities else ""))


def decoders(av: Loaded) -> Finding:
    """Judge FFmpeg's decoders in PyAV; without PyAV there are none."""
    missing = [name for name in DECODERS if name not in av.abilities]
    if missing:
        return fault("FFmpeg", f"PyAV has no decoder for {', '.join(missing)}", "pip install --force-reinstall av")
    return ok("FFmpeg", f"decoders: {', '.join(DECODERS)}")


def providers(onnxruntime: Loaded, gpus: tuple[str, ...], settings: ModelSettings) -> Finding:
    """Judge what ONNX Runtime can compute on by what ``model.accelerator`` asks for. ``gpus``: names of NVIDIA's."""
    if "CPUExecutionProvider" not in onnxruntime.abilities:
        return fault("detection", "ONNX Runtime has no provider for the CPU", _REINSTALL)
    asked = settings.accelerator
    here = f"NVIDIA GPU here: {', '.join(gpus)}" if gpus else "no NVIDIA GPU here"
    if asked == "cpu":
        use = "; model.accelerator: cuda would use it" if gpus else ", none is needed"
        return ok("detection", f"on the CPU, as the settings ask; {here}{use}")
    judge = fault if settings.fallback == "refuse" else warning
    if asked == "auto":
        names = to_try(asked, onnxruntime.abilities)
        usable = [name for name in names if PROVIDERS[name] not in onnxruntime.unusable]
        if usable or not names:
            return ok("detection", f"on {(*usable, 'cpu')[0]}, since model.accelerator is auto; {here}")
        causes = "; ".join(onnxruntime.unusable[PROVIDERS[name]] for name in names)
        return warning("detection", f"on the CPU, although model.accelerator is auto: {causes}", remedy(names[0]))
    provider = PROVIDERS[asked]
    if provider not in onnxruntime.abilities:
        return judge(
            "detection", f"ONNX Runtime has no provider for {asked}, which the settings ask for", install(asked)
        )
    if provider in onnxruntime.unusable:
        told = f"ONNX Runtime's provider for {asked} does not load: {onnxruntime.unusable[provider]}"
        return judge("detection", told, remedy(asked))
    if asked != "openvino" and not gpus:
        return judge(
            "detection", f"model.accelerator is {asked}, and there is {here}", "install NVIDIA's driver: nvidia-smi"
        )
    return ok("detection", f"on {asked}, whose libraries load; {here}")


def wall(dist: Path, *, checkout: bool) -> Finding:
    """Judge the built wall."""
    if (dist / "index.html").is_file():
        return ok("wall", "built")
    remedy = "make web" if checkout else "reinstall xueliang: its package brings the built wall"
    return fault("wall", "not built: the dashboard would have no pages", remedy)


def locked(text: str) -> dict[str, str]:
    """Name → version of each pin in the text of a lock file that is for this Python on this system."""
    pins = [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[\w.-]+==", line)]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {_canonical(pin.name): next(iter(pin.specifier)).version for pin in here}


def look_at_python(_node: Node) -> list[Finding]:
    """See :func:`python`."""
    return [python(sys.version_info[:3], platform.system(), platform.machine())]


def look_at_packages(_node: Node) -> list[Finding]:
    """See :func:`packages`."""
    needs = [Requirement(line) for line in metadata.requires("xueliang") or ()]
    applying = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    installed = {_canonical(each.metadata["Name"]): each.version for each in metadata.distributions()}
    lock = _CHECKOUT / "requirements.lock"
    return packages(applying, installed, locked(lock.read_text("utf-8")) if lock.is_file() else {})


def look_at_native(node: Node) -> list[Finding]:
    """See :func:`loading`, :func:`decoders`, :func:`providers`. Each package is loaded once, all at a time."""
    with ThreadPoolExecutor(len(NATIVE)) as pool:
        loads = dict(zip(NATIVE, pool.map(native.load, NATIVE), strict=True))
    findings = [loading(module, loaded) for module, loaded in loads.items()]
    if loads["av"].error is None:
        findings.append(decoders(loads["av"]))
    if loads["onnxruntime"].error is None:
        findings.append(providers(loads["onnxruntime"], nvidia_gpus(node.environ), node.settings.model))
    return findings


def look_at_wall(_node: Node) -> list[Finding]:
    """See :func:`wall`."""
    return [wall(web_dist(), checkout=(_CHECKOUT / "pyproject.toml").is_file())]


def _canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
