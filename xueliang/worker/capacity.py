"""What this machine detects and decodes, against what its cameras were promised."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import structlog

from alerts.health import Admission
from detect.factory import DetectorPlan
from detect.pool import Rate, Setup, counts_to_try, fewest_for_all, keep_rates, kept_rates, measure
from detect.stage import DetectionStage
from xueliang.worker.share import MachineShare

_log = structlog.get_logger(__name__)
_TENTH = 0.1


@dataclass(frozen=True, slots=True)
class Capacity:
    """Of the whole machine. ``fps``: frames a second that ``sessions`` side by side detect; ``core_s``: core seconds
    that one takes."""

    sessions: int
    fps: float
    core_s: float


@dataclass(frozen=True, slots=True)
class Promise:
    """One camera's: analysed frames a second, cores for decoding all of it, whether a gate lets it rest."""

    fps: float
    decoding: float
    gated: bool


def assess(promises: Sequence[Promise], capacity: Capacity, share: MachineShare) -> Admission:
    """One worker's load if everything moved at once, and if a tenth of the gated cameras did. 1 is all that it can.

    The greater of two: promised frames of what its share of the machine detects, and all work of its cores.
    """

    capacity_fps = capacity.fps / share.workers

    def load(activity: float) -> float:
        shares = [(activity if promise.gated else 1.0, promise) for promise in promises]
        frames = sum(share * promise.fps for share, promise in shares)
        decoding = sum(share * promise.decoding for share, promise in shares)
        return max(frames / capacity_fps, (frames * capacity.core_s + decoding) / share.cores)

    return Admission(
        promised_fps=round(sum(promise.fps for promise in promises), 2),
        capacity_fps=round(capacity_fps, 1),
        decoding_cores=round(sum(promise.decoding for promise in promises), 3),
        cores=round(share.cores, 2),
        load_all=round(load(1.0), 3),
        load_tenth=round(load(_TENTH), 3),
    )


class CapacityFinder:
    """Finds the capacity of a running stage: kept from an earlier start, or measured while the stage rests a moment.

    Gives the stage its share of as many sessions as are best, unless the settings say how many.
    """

    def __init__(self, plan: DetectorPlan, stage: DetectionStage, share: MachineShare, folder: Path) -> None:
        self._plan = plan
        self._stage = stage
        self._share = share
        self._file = folder / "detection-sessions.json"

    def kept(self) -> Capacity | None:
        """What is known without measuring."""
        setup = self._setup()
        rates = None if setup is None else kept_rates(self._file, setup)
        return None if rates is None or set(rates) < set(self._counts()) else self._settle(rates)

    def measured(self) -> Capacity | None:
        """Measures, a third of a second for each number of sessions; ``None`` without a model, whose cost is small."""
        setup = self._setup()
        if setup is None:
            return None
        by_processor = self._plan.accelerator in ("cpu", "openvino")
        rates = measure(self._plan.open, self._counts(), self._stage.at_rest, by_processor=by_processor)
        try:
            keep_rates(self._file, setup, rates)
        except OSError as error:
            _log.warning("measured_sessions_not_kept", file=self._file.name, error=error.strerror)
        return self._settle(rates)

    def _counts(self) -> tuple[int, ...]:
        return (self._plan.sessions,) if self._plan.sessions_asked else counts_to_try(self._share.machine_cores)

    def _settle(self, rates: dict[int, Rate]) -> Capacity:
        tried = {count: rates[count] for count in self._counts()}
        sessions = fewest_for_all(tried)
        told = {count: round(rate.fps, 1) for count, rate in tried.items()}
        _log.info("detection_sessions", sessions=sessions, frames_per_s=told, asked=self._plan.sessions_asked)
        self._stage.resize(self._share.sessions(sessions, asked=self._plan.sessions_asked))
        return Capacity(sessions, tried[sessions].fps, tried[sessions].core_s)

    def _setup(self) -> Setup | None:
        if self._plan.sha256 is None:
            return None
        machine = f"{_processor()}, {self._share.machine_cores} cores"
        if self._plan.accelerator != "cpu":
            machine += f", {self._plan.accelerator} of {self._plan.batch}"
        # Asked of the module: the package has another name where it brings an accelerator.
        return Setup(self._plan.sha256, machine, onnxruntime.__version__)


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {name}".strip()
