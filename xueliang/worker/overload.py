"""Watches the worker's load once a second, and tells each camera how much of it this machine carries."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from alerts.health import Admission
from detect.stage import DetectionStage
from detect.tally import StageMetrics
from ingest.camera import CameraIngest
from ingest.gating.budget import CORES_PER_PIXEL_RATE, UNKNOWN_DECODING, USUAL_KEY_FPS, DecodeBudget, Demand, Load
from ingest.gating.gate import GateState
from ingest.gating.level import Level
from ingest.ledger import DropCause, FrameLedger
from ingest.mailbox import Mailboxes
from ingest.state import Phase
from xueliang.worker.capacity import Capacity, CapacityFinder, Promise, assess
from xueliang.worker.share import MachineShare

_log = structlog.get_logger(__name__)
_INTERVAL_S = 1.0
_WINDOW = 5  # looks that are judged together: gates open and catch up in bursts, and a second of them is no overload
_SETTLED_S = 10.0  # after the start: measuring before would hold up the first pictures of the wall
_SATURATED = 0.9
_USUAL_INFERENCE_S = 0.03


@dataclass(frozen=True, slots=True)
class _Look:
    """Counters at one moment: monotonic seconds, processor seconds of this worker and of others, frames."""

    at: float
    cpu_s: float
    others_cpu_s: float | None
    stage: StageMetrics
    superseded: int

    def load_since(self, earlier: _Look, share: MachineShare) -> Load:
        elapsed = self.at - earlier.at
        busy = (self.stage.busy_s - earlier.stage.busy_s) / (elapsed * self.stage.sessions)
        if busy >= _SATURATED:
            # Newer frames displace older ones: the threads would need so much more time.
            analysed = max(1, self.stage.analysed - earlier.stage.analysed)
            busy *= 1 + (self.superseded - earlier.superseded) / analysed
        # The median: a camera whose gate has just opened is late until it has caught up, and that is no overload.
        wait_s = self.stage.wait.quantile_since(earlier.stage.wait, 0.5)
        own = (self.cpu_s - earlier.cpu_s) / elapsed
        others = None
        if self.others_cpu_s is not None and earlier.others_cpu_s is not None:
            others = (self.others_cpu_s - earlier.others_cpu_s) / elapsed
        return Load(busy, share.load(own, others), wait_s)

    def inference_since(self, earlier: _Look) -> float | None:
        """Seconds a frame."""
        now, before = self.stage.inference, earlier.stage.inference
        frames = sum(now.counts) - sum(before.counts)
        return (now.sum_s - before.sum_s) / frames if frames else None


class Overload:
    """One thread. :attr:`admission` is known as soon as it is known what the machine can."""

    def __init__(
        self,
        ingests: Mapping[str, CameraIngest],
        mailboxes: Mailboxes,
        ledger: FrameLedger,
        stage: DetectionStage,
        finder: CapacityFinder,
        *,
        share: MachineShare,
        monotonic: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._ingests = ingests
        self._mailboxes = mailboxes
        self._ledger = ledger
        self._stage = stage
        self._finder = finder
        self._share = share
        self._monotonic = monotonic
        self._cpu_clock = cpu_clock
        self._budget = DecodeBudget(share.cores)
        self._capacity: Capacity | None = None
        self._inference_s = _USUAL_INFERENCE_S
        self._looks: deque[_Look] = deque(maxlen=_WINDOW + 1)
        self._limited = False
        self._warned: bool | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="overload", daemon=True)
        self.admission: Admission | None = None
        self.errors = 0

    @property
    def pressure(self) -> float:
        """Above 1 the machine is overloaded."""
        return self._budget.pressure

    def set_first_levels(self) -> None:
        """Before stage and cameras are opened: all of them at once may be more than the machine can."""
        self._know(self._finder.kept())
        self._obey(None)

    def start(self) -> None:
        """Watches from now on; the stage must have been started."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Ends the thread; levels stay."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        began = self._monotonic()
        sought = self._capacity is not None
        while not self._stopping.wait(_INTERVAL_S):
            try:
                if not sought and self._monotonic() - began >= _SETTLED_S:
                    sought = True
                    self._know(self._finder.measured())
                    self._looks.clear()  # a second in which the stage rested says nothing
                self.look()
            except Exception:  # noqa: BLE001 - supervises its own loop: logged, counted, tried again
                self.errors += 1
                if self.errors % 60 == 1:
                    _log.exception("overload_not_judged", times=self.errors)

    def look(self) -> None:
        """One look: what the last seconds cost, and what follows."""
        superseded = sum(account.dropped.get(DropCause.SUPERSEDED, 0) for account in self._ledger.snapshot().values())
        look = _Look(
            self._monotonic(), self._cpu_clock(), self._share.others_cpu_s(), self._stage.metrics(), superseded
        )
        self._looks.append(look)
        last = self._looks[0]
        if last is look:
            return
        load = look.load_since(last, self._share)
        if self._capacity is not None:
            # What was measured while others had the machine too is less than what it can.
            seen = (look.stage.analysed - last.stage.analysed) / (look.at - last.at)
            if seen > self._capacity.fps:
                self._capacity = replace(self._capacity, fps=seen)
        elif (inference_s := look.inference_since(last)) is not None:
            self._inference_s += 0.3 * (inference_s - self._inference_s)
        self._obey(load)
        self._admit()

    def _analysed(self) -> list[tuple[str, CameraIngest]]:
        return [(name, ingest) for name, ingest in self._ingests.items() if ingest.camera.detection.enabled]

    def _know(self, capacity: Capacity | None) -> None:
        self._capacity = capacity
        if capacity is not None:
            self._inference_s = capacity.core_s

    def _obey(self, load: Load | None) -> None:
        demands = [self._demand(name, ingest) for name, ingest in self._analysed()]
        levels = self._budget.update(self._monotonic(), load, demands, self._inference_s)
        for name, level in levels.items():
            if (ingest := self._ingests.get(name)) is not None:  # not taken away meanwhile
                ingest.set_level(level)
        limited = any(level is not Level.FULL for level in levels.values())
        if limited != self._limited:
            self._limited = limited
            counts = dict(Counter(str(level) for level in levels.values()))
            if limited:
                _log.warning("overload", pressure=round(self.pressure, 2), cameras=counts, load=load)
            else:
                _log.info("overload_over", pressure=round(self.pressure, 2))

    def _demand(self, name: str, ingest: CameraIngest) -> Demand:
        wanted = ingest.camera.detection
        there = ingest.state.phase in (Phase.CONNECTING, Phase.LIVE)
        return Demand(
            name,
            self._mailboxes.rank(name),
            wanted.fps,
            wanted.min_fps,
            active=there and ingest.gate is not GateState.SHUT,
            decoding=_decoding(ingest),
            key_fps=ingest.key_fps() or USUAL_KEY_FPS,
        )

    def _admit(self) -> None:
        if self._capacity is None:
            return
        promises = [
            Promise(ingest.camera.detection.fps, _decoding(ingest), ingest.gate is not GateState.OFF)
            for _, ingest in self._analysed()
        ]
        self.admission = admission = assess(promises, self._capacity, self._share)
        exceeded = admission.load_all > 1
        if exceeded is not self._warned:
            self._warned = exceeded
            (_log.warning if exceeded else _log.info)("admission", **admission.model_dump())


def _decoding(ingest: CameraIngest) -> float:
    rate = ingest.pixel_rate()
    return UNKNOWN_DECODING if rate is None else rate * CORES_PER_PIXEL_RATE
