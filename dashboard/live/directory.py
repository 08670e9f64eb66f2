"""Which worker holds which camera: ``xl:workers``, read when a tile asks."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import structlog
from pydantic import ValidationError

from alerts.health import WorkerInfo

log = structlog.get_logger(__name__)


def holder_of(camera_id: str, workers: Mapping[str, str]) -> WorkerInfo | None:
    """The worker that holds the camera; of several, the one that started last: the others are gone or going."""
    holders = []
    for worker_id, raw in workers.items():
        try:
            worker = WorkerInfo.model_validate_json(raw)
        except ValidationError as error:
            log.warning("undecodable_worker", worker_id=worker_id, faults=error.error_count())
            continue
        if camera_id in worker.cameras:
            holders.append(worker)
    return max(holders, key=lambda worker: worker.started_at, default=None)


def live_url(worker: WorkerInfo, camera_id: str, stream: str, form: str) -> str:
    """The worker's websocket for one tile. ``form``: ``live`` or ``pictures``."""
    host = urlsplit(worker.url).netloc
    return f"ws://{host}/{form}/{quote(camera_id, safe='')}?stream={stream}"
