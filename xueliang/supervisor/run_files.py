"""What a running process tells the others on its machine: one small JSON file each, ``STATE_DIR/run/NAME.json``."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFile:
    """Written when the process is ready. ``url``: its private port, with ``/metrics``. ``public``: where people go."""

    name: str
    pid: int
    url: str | None
    public: str | None = None


def announce(state_dir: Path, name: str, url: str | None, public: str | None = None) -> None:
    """Tell that this process is ready. Atomic: a reader sees the old file or the new one."""
    folder = state_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.{os.getpid()}"
    temporary.write_text(json.dumps(asdict(RunFile(name, os.getpid(), url, public))), "utf-8")
    temporary.replace(folder / f"{name}.json")


def read(state_dir: Path, name: str) -> RunFile | None:
    """What the named process told last, or None. The process may have died since: compare ``pid``."""
    try:
        data = json.loads((state_dir / "run" / f"{name}.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return RunFile(**data)


def forget(state_dir: Path, name: str) -> None:
    """Remove the file, before a start and after a stop."""
    (state_dir / "run" / f"{name}.json").unlink(missing_ok=True)
