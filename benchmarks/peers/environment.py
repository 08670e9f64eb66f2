"""An environment of its own for Ultralytics (AGPL-3.0): made once, kept with the benchmarks' cache.

All packages but torch are pinned with hashes; torch by version alone, since its wheel differs by index. Torchvision is
left out: no build of it fits every such wheel, and Ultralytics needs it by name and for NMS only. A module of that name
hands the call to Ultralytics' own ``TorchNMS``, which it uses itself where torchvision is not loaded.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from shutil import rmtree

FOLDER = Path(__file__).parent
REQUIREMENTS = FOLDER / "requirements-ultralytics.txt"
TORCH = "2.13.0"
_TORCHVISION = "0.28.0"  # the release that belongs to this torch; Ultralytics compares the numbers
_STAND_IN = '''"""Stands in for torchvision: NMS only, by Ultralytics' own."""

from types import SimpleNamespace


def nms(boxes, scores, iou_threshold):
    from ultralytics.utils.nms import TorchNMS

    return TorchNMS.nms(boxes, scores, iou_threshold)


ops = SimpleNamespace(nms=nms)
'''
_MAKING_S = 1800


class PeerUnavailableError(RuntimeError):
    """The peer cannot run here: why."""


def ready(cache: Path) -> Path | None:
    """Its interpreter, where the environment was made before from the same requirements."""
    stamp = cache / "ultralytics" / "made-from"
    python = cache / "ultralytics" / "bin" / "python"
    return python if stamp.is_file() and stamp.read_text("utf-8") == _recipe() else None


def make(cache: Path) -> Path:
    """Its interpreter; made now where it is missing, which needs a package index and takes minutes.

    Raises :class:`PeerUnavailableError`.
    """
    python = ready(cache)
    if python is not None:
        return python
    folder = cache / "ultralytics"
    rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _call([sys.executable, "-m", "venv", str(folder)])
    _call([*pip, "--no-deps", "--require-hashes", "-r", str(REQUIREMENTS)])
    _call([*pip, f"torch=={TORCH}"])
    (packages,) = (folder / "lib").glob("python*/site-packages")
    told = packages / f"torchvision-{_TORCHVISION}.dist-info"
    for place, name, text in (
        (packages / "torchvision", "__init__.py", _STAND_IN),
        (told, "METADATA", f"Metadata-Version: 2.1\nName: torchvision\nVersion: {_TORCHVISION}\n"),
    ):
        place.mkdir()
        (place / name).write_text(text, "utf-8")
    _call([str(python), "-c", "import ultralytics"], settings(cache))
    (folder / "made-from").write_text(_recipe(), "utf-8")
    return python


def settings(cache: Path) -> dict[str, str]:
    """Environment variables under which it neither calls home, installs anything, nor writes into a home folder."""
    return {
        "YOLO_CONFIG_DIR": str(cache / "ultralytics"),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_VERBOSE": "false",
    }


def _recipe() -> str:
    recipe = f"{REQUIREMENTS.read_text('utf-8')}{TORCH}{_TORCHVISION}{_STAND_IN}{sys.version_info[:2]}"
    return hashlib.sha256(recipe.encode()).hexdigest()


def _call(command: list[str], environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MAKING_S, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise PeerUnavailableError(f"{Path(command[0]).name} took more than {_MAKING_S} s") from None
    if done.returncode:
        # The last line only: what comes before it may name an index.
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise PeerUnavailableError(f"its environment could not be made: {last[:200]}")
