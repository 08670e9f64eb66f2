"""At the start of a node: the spools go by the assignment of cameras."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import structlog

from alerts.delivery.handover import hand_over
from xueliang import assignment
from xueliang.assignment import Assignment

_log = structlog.get_logger(__name__)


def follow(state_dir: Path, assignments: Sequence[Assignment]) -> None:
    """Before the new assignments are written: whose cameras are the same as before keeps its spool unread.

    A disk that refuses is told; what waits there then waits for the next start.
    """
    home = {camera: each.worker_id for each in assignments for camera in each.cameras}
    workers = [each.worker_id for each in assignments]

    def unchanged(worker: str) -> bool:
        try:
            former = assignment.read(state_dir / "assignments" / f"{worker}.json")
        except (OSError, ValueError):
            return False
        return worker in workers and all(home.get(camera) == worker for camera in former.cameras)

    try:
        hand_over(state_dir / "spool", home, workers, unchanged)
    except OSError as error:
        _log.error("spools_not_handed_over", error=error.strerror)
