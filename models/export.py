"""ONNX from an Ultralytics checkpoint, made by the ``ultralytics`` of another environment.

That package is AGPL-3.0 and brings torch: it is no dependency of this one. It runs in a process of its own, in an
interpreter that its owner names, and only a file comes back.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from models.errors import ModelFileError, ModelUnavailableError
from models.ultralytics_export import NOT_INSTALLED

_LONGEST = 300


def export_checkpoint(
    checkpoint: Path, target: Path, *, python: Path, size: int = 640, half: bool = False, dynamic: bool = False
) -> Path:
    """Writes ``target`` and gives its path. ``python`` is an interpreter that has ``ultralytics``.

    The checkpoint is a pickle: whoever exports it runs what it holds. It is copied first, since the export writes
    beside it. Raises :class:`ModelUnavailableError` where the package or the interpreter is missing, and
    :class:`ModelFileError` where the checkpoint cannot be exported or the target not be written.
    """
    script = files("models").joinpath("ultralytics_export.py").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="xl-export-") as folder:
        copy = Path(folder) / checkpoint.name
        try:
            shutil.copyfile(checkpoint, copy)
        except OSError as error:
            raise ModelFileError(checkpoint, f"cannot be read: {error.strerror}", "name a readable file") from None
        asked = json.dumps({"checkpoint": str(copy), "size": size, "half": half, "dynamic": dynamic})
        try:
            done = subprocess.run(
                [str(python), "-c", script, asked], cwd=folder, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise ModelUnavailableError(python, f"cannot be run: {error.strerror}", "name an interpreter") from None
        answer = _answer(done.stdout)
        if done.returncode == NOT_INSTALLED:
            raise ModelUnavailableError(
                checkpoint.name,
                f"{python} has no ultralytics ({answer.get('error', 'not installed')})",
                f"run `{python} -m pip install ultralytics onnx` in an environment of its own and name it with "
                "--python; its licence is AGPL-3.0, and so is that of weights trained with it",
            )
        made = Path(str(answer.get("file", "")))
        if done.returncode != 0 or not made.is_file():
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            told = answer.get("error") or said[-1][:_LONGEST]
            raise ModelFileError(checkpoint, f"not exported: {told}", "use a detection checkpoint of ultralytics")
        return _moved(made, target)


def _answer(text: str) -> dict[str, Any]:
    """The object on the last line; empty where there is none."""
    lines = text.strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _moved(made: Path, target: Path) -> Path:
    """Copied beside the target first: it appears whole or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, part)
        part.replace(target)
    except OSError as error:
        raise ModelFileError(target, f"cannot be written: {error.strerror}", "name another file with --out") from None
    finally:
        with suppress(FileNotFoundError, NotADirectoryError):
            part.unlink()
    return target
