"""Loads one native package in a process of its own and tells what it can do, as one line of JSON.

In a process of its own because a package built for another CPU does not raise: it kills the process.
``python -m xueliang.doctor.native av`` prints ``{"version": …, "abilities": […], "unusable": {}}`` or ``{"error": …}``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from detect.accelerator import library_fault

DECODERS = ("h264", "hevc")
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """How loading went. ``error`` is ``None`` where it went well; ``abilities``: decoders of av, ORT's providers.

    ``unusable``: providers that ONNX Runtime names although their libraries do not load, each with the reason.
    """

    version: str | None
    abilities: tuple[str, ...]
    error: str | None
    unusable: Mapping[str, str] = field(default_factory=dict)


def load(module: str) -> Loaded:
    """Load ``module`` in a process of its own."""
    argv = (sys.executable, "-m", "xueliang.doctor.native", module)
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return Loaded(None, (), f"loading it takes longer than {_PATIENCE_S:g} s")
    return read(ended.returncode, ended.stdout)


def read(returncode: int, stdout: str) -> Loaded:
    """What the process told, or how it ended."""
    if returncode < 0:
        return Loaded(None, (), f"loading it ends the process with {signal.Signals(-returncode).name}")
    try:
        told: dict[str, Any] = json.loads(stdout.strip().rpartition("\n")[2])
    except ValueError:
        return Loaded(None, (), f"loading it ends the process with exit code {returncode}")
    unusable = dict(told.get("unusable", {}))
    return Loaded(told.get("version"), tuple(told.get("abilities", ())), told.get("error"), unusable)


def _decoders(av: Any) -> list[str]:
    found = []
    for name in DECODERS:
        try:
            av.CodecContext.create(name, "r")
        except ValueError:  # PyAV's UnknownCodecError
            continue
        found.append(name)
    return found


def _unusable(onnxruntime: Any) -> dict[str, str]:
    folder = Path(onnxruntime.__file__).parent / "capi"
    onnxruntime.preload_dlls()
    faults = {name: library_fault(name, folder) for name in onnxruntime.get_available_providers()}
    return {name: fault for name, fault in faults.items() if fault is not None}


_ABILITIES: dict[str, Callable[[Any], list[str]]] = {
    "av": _decoders,
    "onnxruntime": lambda onnxruntime: list(onnxruntime.get_available_providers()),
}


def _main(module: str) -> int:
    try:
        loaded = import_module(module)
    except (ImportError, OSError) as error:
        sys.stdout.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return 1
    abilities = _ABILITIES.get(module, lambda _: [])(loaded)
    unusable = _unusable(loaded) if module == "onnxruntime" else {}
    sys.stdout.write(json.dumps({"version": loaded.__version__, "abilities": abilities, "unusable": unusable}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
