"""From settings to a detector, or to motion with its reason. The one place that decides which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnxruntime as ort
import structlog

from configs.schema import ModelSettings
from detect.accelerator import (
    Accelerator,
    AcceleratorError,
    Asked,
    Fallback,
    Name,
    accelerator,
    remedy,
    require,
    to_try,
    usual_batch,
)
from detect.detector import CameraDetectors, OnnxDetector
from detect.motion import MOTION_ID, MOVING, MotionDetectors
from detect.session import RUN_ERRORS, first_line, free_inputs
from models.errors import ModelError, ModelUnavailableError
from models.fetch import Opener, open_https
from models.manifest import ModelInput, shipped_manifest
from models.spec import ModelSpec
from models.store import ModelStore, user_store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DetectorPlan:
    """What will look at the pictures. ``reason``, one sentence for a person: why it is less than the settings ask for.

    ``open`` gives the detectors of one more thread; call it ``sessions`` times. ``sha256``: of the model's file;
    ``None`` without a model, as is ``input``. ``sessions_asked``: the settings say how many; else measurement may find
    another number.
    ``accelerator``: what it runs on; ``fallback``: why not on what was asked for. ``batch``: most pictures of one run.
    """

    mode: Literal["model", "motion"]
    model_id: str
    labels: tuple[str, ...]
    sessions: int
    reason: str | None
    open: Callable[[], CameraDetectors]
    sha256: str | None = None
    sessions_asked: bool = False
    input: ModelInput | None = None
    accelerator: Name = "cpu"
    batch: int = 1
    fallback: Fallback | None = None


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


def plan_detector(
    settings: ModelSettings,
    store: ModelStore,
    *,
    cores: int,
    cache: Path | None = None,
    available: Callable[[], Sequence[str]] = ort.get_available_providers,
) -> DetectorPlan:
    """The detector of these settings, proven to work, or motion where no model can be had.

    A file that is there and wrong is no reason for motion: it raises :class:`models.errors.ModelError` (truncated, of
    another hash, not a detector, unknown id), and so does a model or an accelerator that cannot be had when
    ``fallback`` is ``refuse``. ``cache``: a folder for what accelerators compile. ``available``: ONNX Runtime's
    providers.
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
    chosen = _choose(settings, spec, cache, available)

    def open_detectors() -> CameraDetectors:
        return OnnxDetector(
            spec,
            min_score=settings.min_score,
            nms_iou=settings.nms_iou,
            accelerator=chosen.accelerator,
            batch=chosen.batch,
        )

    return DetectorPlan(
        "model",
        spec.id,
        spec.labels,
        sessions,
        None if chosen.fallback is None else chosen.fallback.sentence,
        open_detectors,
        spec.sha256,
        sessions_asked=settings.sessions is not None,
        input=spec.input,
        accelerator=chosen.accelerator.name,
        batch=chosen.batch,
        fallback=chosen.fallback,
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    accelerator: Accelerator
    batch: int
    fallback: Fallback | None


def _choose(
    settings: ModelSettings, spec: ModelSpec, cache: Path | None, available: Callable[[], Sequence[str]]
) -> _Choice:
    """The first of what may be used that the model is proven to run on; the processor last. Falling back is told.

    A fault of the model itself shows on the processor too, and is raised there.
    """
    asked = settings.accelerator
    providers = available() if asked != "cpu" else ()
    faults: list[ModelError] = []
    for name in to_try(asked, providers):
        try:
            require(name, providers, spec.id)
            chosen, batch = _proven(name, settings, spec, cache)
        except ModelError as error:
            _log.error("accelerator_unusable", accelerator=name, model=spec.id, fault=error.fault, action=error.action)
            faults.append(error)
        else:
            return _Choice(chosen, batch, _fallback(asked, name, faults))
        if settings.fallback == "refuse" and asked != "auto":
            break
    chosen, batch = _proven("cpu", settings, spec, cache)
    if faults and settings.fallback == "refuse" and asked != "auto":
        raise faults[0]
    return _Choice(chosen, batch, _fallback(asked, "cpu", faults))


def _proven(name: Name, settings: ModelSettings, spec: ModelSpec, cache: Path | None) -> tuple[Accelerator, int]:
    """Raises :class:`models.errors.ModelError` where the model does not run there."""
    batch = settings.batch or usual_batch(name)
    free = free_inputs(spec) if name == "tensorrt" else {}
    device = None if name == "cpu" else settings.device
    chosen = accelerator(name, device, cache=cache, free_inputs=free, batch=batch)
    if cache is not None and name in {"tensorrt", "openvino"}:
        (cache / name).mkdir(parents=True, exist_ok=True)
        _log.info("accelerator_compiles", accelerator=name, model=spec.id, may_take="minutes at the first start")
    detector = OnnxDetector(spec, min_score=0.5, nms_iou=0.5, accelerator=chosen, batch=batch)
    try:
        detector.probe()
    except RUN_ERRORS as error:
        told = first_line(error)
        if batch == 1:
            raise AcceleratorError(spec.id, f"it does not run on {name}: {told}", remedy(name)) from None
        # Its batch axis is free by name only: exporters leave shapes of one picture in the graph.
        _log.warning("batch_refused", accelerator=name, model=spec.id, batch=batch, error=told)
        return _proven(name, settings.model_copy(update={"batch": 1}), spec, cache)
    return chosen, detector.batch


def _fallback(asked: Asked, used: Name, faults: Sequence[ModelError]) -> Fallback | None:
    return Fallback(asked, used, faults[0].fault, faults[0].action) if faults else None


def _motion(sessions: int, reason: str) -> DetectorPlan:
    detectors = MotionDetectors()
    return DetectorPlan("motion", MOTION_ID, (MOVING,), sessions, reason, lambda: detectors)
