"""From settings to a detector, or to motion with its reason. The one place that decides which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from configs.schema import ModelSettings
from detect.detector import CameraDetectors, OnnxDetector
from detect.motion import MOTION_ID, MOVING, MotionDetectors
from models.errors import ModelUnavailableError
from models.fetch import Opener, open_https
from models.manifest import shipped_manifest
from models.spec import ModelSpec
from models.store import ModelStore, user_store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DetectorPlan:
    """What will look at the pictures. ``reason`` is one sentence for the wall: why there is no detector.

    ``open`` gives the detectors of one more thread; call it ``sessions`` times. ``sha256``: of the model's file;
    ``None`` without a model. ``sessions_asked``: the settings say how many; else measurement may find another number.
    """

    mode: Literal["model", "motion"]
    model_id: str
    labels: tuple[str, ...]
    sessions: int
    reason: str | None
    open: Callable[[], CameraDetectors]
    sha256: str | None = None
    sessions_asked: bool = False


def open_store(
    settings: ModelSettings,
    *,
    environ: Mapping[str, str],
    home: Path,
    also: Sequence[Path] = (),
    opener: Opener = open_https,
) -> ModelStore:
    """The store that the settings name: theirs or the user's (below ``home``), then the folders ``also``."""
    folder = settings.store or user_store(environ, home)
    return ModelStore(folder, shipped_manifest(), also=also, opener=opener if settings.allow_pull else None)


def probe(spec: ModelSpec) -> None:
    """Loads the model and runs it once. Raises :class:`models.errors.ModelError` naming what does not fit."""
    OnnxDetector(spec, min_score=0.5, nms_iou=0.5).probe()


def plan_detector(settings: ModelSettings, store: ModelStore, *, cores: int) -> DetectorPlan:
    """The detector of these settings, proven to work, or motion where no model can be had.

    A file that is there and wrong is no reason for motion: it raises :class:`models.errors.ModelError` (truncated, of
    another hash, not a detector, unknown id), and so does a model that cannot be had when ``fallback`` is ``refuse``.
    """
    sessions = settings.sessions or max(1, cores - 1)
    if settings.id == MOTION_ID:
        return _motion(sessions, "the settings ask for motion only")
    try:
        spec = store.resolve(settings.id)
    except ModelUnavailableError as error:
        if settings.fallback == "refuse":
            raise
        _log.warning("no_detector", model=settings.id, fault=error.fault, action=error.action)
        return _motion(sessions, f"model {settings.id} cannot be had: {error.fault}")
    probe(spec)

    def open_detectors() -> CameraDetectors:
        return OnnxDetector(spec, min_score=settings.min_score, nms_iou=settings.nms_iou)

    asked = settings.sessions is not None
    return DetectorPlan("model", spec.id, spec.labels, sessions, None, open_detectors, spec.sha256, asked)


def _motion(sessions: int, reason: str) -> DetectorPlan:
    detectors = MotionDetectors()
    return DetectorPlan("motion", MOTION_ID, (MOVING,), sessions, reason, lambda: detectors)
