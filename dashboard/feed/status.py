"""Camera health as the page reads it: the workers' words, and their silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog
from pydantic import ValidationError

from alerts.health import Admission, CameraHealth, Fallback, WorkerInfo
from configs.schema import SCENES_ONLY, Settings
from dashboard.messages import CameraStatus, DetectorInfo
from ingest.state import Phase

log = structlog.get_logger(__name__)


def camera_status(camera_id: str, raw: str | None, now: float) -> CameraStatus:
    """One camera. An entry that cannot be read is told as such, never left out."""
    if raw is None:
        return _unheard(camera_id, "no worker has reported this camera yet")
    try:
        health = CameraHealth.model_validate_json(raw)
    except ValidationError as error:
        log.warning("undecodable_health", camera_id=camera_id, faults=error.error_count())
        return _unheard(camera_id, "its worker speaks another version: restart the node after the update")
    status = CameraStatus.model_validate({**health.model_dump(), "worker_silent": False})
    if not health.silent(now):
        return status
    silence = {
        "worker_silent": True,
        "phase": Phase.OFFLINE,
        "fault": None,
        "since": health.at,
        "detail": "worker silent",
    }
    return status.model_copy(update=silence)


def camera_statuses(camera_ids: Iterable[str], raw: Mapping[str, str], now: float) -> tuple[CameraStatus, ...]:
    """Every configured camera, in file order, whether a worker speaks of it or not."""
    return tuple(camera_status(camera_id, raw.get(camera_id), now) for camera_id in camera_ids)


def detector_of(statuses: Iterable[CameraStatus], settings: Settings) -> DetectorInfo:
    """What the workers say they run, the worst of them: no model at all, then one for drawn scenes only."""
    said = {status.detector for status in statuses if status.detector and not status.worker_silent}
    if "motion" in said:
        return DetectorInfo(id="motion", mode="motion")
    if SCENES_ONLY in said:
        return DetectorInfo(id=SCENES_ONLY, mode="scenes")
    if said:
        return DetectorInfo(id=min(said), mode="model")
    return DetectorInfo(id=settings.model.id, mode="unknown")


def readable(workers: Mapping[str, str]) -> tuple[WorkerInfo, ...]:
    """The workers out of ``xl:workers``; one that is unreadable is told."""
    found = []
    for worker_id, raw in workers.items():
        try:
            found.append(WorkerInfo.model_validate_json(raw))
        except ValidationError as error:
            log.warning("undecodable_worker", worker_id=worker_id, faults=error.error_count())
    return tuple(found)


def together(workers: Iterable[WorkerInfo]) -> Admission | None:
    """What all workers that know it promise, against the machine that they share; loads in the measure of its cores."""
    known = [worker.admission for worker in workers if worker.admission is not None]
    cores = sum(each.cores for each in known)
    if not cores:
        return None
    return Admission(
        promised_fps=round(sum(each.promised_fps for each in known), 2),
        capacity_fps=round(sum(each.capacity_fps for each in known), 1),
        decoding_cores=round(sum(each.decoding_cores for each in known), 3),
        cores=round(cores, 2),
        load_all=round(sum(each.load_all * each.cores for each in known) / cores, 3),
        load_tenth=round(sum(each.load_tenth * each.cores for each in known) / cores, 3),
    )


def fallbacks_of(workers: Iterable[WorkerInfo]) -> tuple[Fallback, ...]:
    """What runs elsewhere than asked for, each once."""
    told = {fallback.model_dump_json(): fallback for worker in workers for fallback in worker.fallbacks}
    return tuple(told.values())


def _unheard(camera_id: str, detail: str) -> CameraStatus:
    return CameraStatus(
        camera_id=camera_id,
        worker_id="",
        at=0.0,
        phase=Phase.OFFLINE,
        since=0.0,
        detail=detail,
        detector="",
        worker_silent=True,
    )
