"""Which worker process holds which cameras. Pure; the supervisor of a node hands it out, as a cluster's scheduler may.

One process is not enough for many cameras: their reader threads take turns at one interpreter's lock, and beyond some
fifty cameras detection waits for its turn beside idle cores (measured). Processes take no turns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from configs.schema import Camera, Settings

CAMERAS_EACH = 32
"""So many cameras of one process leave its lock free most of the time (measured at 2 Mb/s and 25 a second)."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The cameras of ``worker_id``, by id. ``workers``: all that share the machine, this one among them. ``revision``:
    of the settings that name the cameras, 0 where nobody counts them."""

    worker_id: str
    cameras: tuple[str, ...]
    workers: tuple[str, ...]
    revision: int = 0

    def of(self, cameras: Sequence[Camera]) -> tuple[Camera, ...]:
        """Those of ``cameras`` that are assigned, in their order."""
        mine = frozenset(self.cameras)
        return tuple(camera for camera in cameras if camera.id in mine)


def workers_wanted(settings: Settings, cores: int) -> int:
    """How many worker processes: as the settings say, else one for each ``CAMERAS_EACH`` cameras, at most ``cores``."""
    if settings.workers is not None:
        return settings.workers
    return max(1, min(cores, -(-len(settings.cameras) // CAMERAS_EACH)))


def assign(cameras: Sequence[Camera], workers: int, revision: int = 0) -> tuple[Assignment, ...]:
    """Deal the cameras out in turn, those of the highest priority first.

    Every worker gets as many as the others, and as many of each priority, since who yields in overload is decided
    within a worker. Raises ``ValueError`` for less than one worker.
    """
    if workers < 1:
        raise ValueError(f"want at least one worker, got {workers}")
    names = tuple(f"worker-{number}" for number in range(1, workers + 1))
    ordered = sorted(cameras, key=lambda camera: -camera.detection.priority.rank)
    return tuple(
        Assignment(name, tuple(camera.id for camera in ordered[index::workers]), names, revision)
        for index, name in enumerate(names)
    )


def follow(former: Sequence[Assignment], cameras: Sequence[Camera], revision: int) -> tuple[Assignment, ...]:
    """The same workers for ``cameras`` of another revision: who held one keeps it, a new one goes to who has fewest."""
    there = {camera.id for camera in cameras}
    held = [[name for name in each.cameras if name in there] for each in former]
    taken = {name for names in held for name in names}
    for camera in cameras:
        if camera.id not in taken:
            min(held, key=len).append(camera.id)
    return tuple(
        Assignment(each.worker_id, tuple(names), each.workers, revision)
        for each, names in zip(former, held, strict=True)
    )


def write(folder: Path, assignment: Assignment) -> Path:
    """Keep it for its worker, which reads it at each start; whole or not at all. Gives the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{assignment.worker_id}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(assignment)), "utf-8")
    new.replace(path)
    return path


def read(path: Path) -> Assignment:
    """What :func:`write` has written. Raises ``OSError``, and ``ValueError`` where it is something else."""
    told = json.loads(path.read_text("utf-8"))
    try:
        revision = int(told.get("revision", 0))
        return Assignment(str(told["worker_id"]), tuple(told["cameras"]), tuple(told["workers"]), revision)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is no assignment: {type(error).__name__} {error}") from None
