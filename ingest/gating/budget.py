"""How much of each camera an overloaded machine decodes: less of the lowest rank first, evenly within one. Pure.

Frames are given up before decoding, since decoders that work in vain take the detector's time. Costs are estimates, so
the budget follows what is measured: it is cut in the measure of the overload and grows in small steps, as TCP's window
does (D.-M. Chiu and R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer
networks", 1989). All costs are in cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.gating.level import Level, key_frames_suffice, reduced

LEVELS = (Level.FULL, Level.HALF, Level.MINIMUM, Level.KEYFRAMES, Level.FLOOR)
CORES_PER_PIXEL_RATE = 1.6e-9
"""Decoding costs so many cores for one pixel a second: 1080p at 25 a second takes 8 % of a core (measured)."""
UNKNOWN_DECODING = 0.03
"""Cores, for a stream whose size is not known yet: 640×360 at 25 a second takes half of it."""

USUAL_KEY_FPS = 0.5
"""Key frames a second, as cameras are usually set."""

_KEY_FRAMES_COST = 0.1  # of decoding all, usually: each takes as long as five others
_FLOOR = 0.03  # frames a second at the lowest level


@dataclass(frozen=True, slots=True)
class Demand:
    """What one camera asks for. ``rank``: who yields first, the smaller. ``active``: everything is decoded, since
    something moves or there is no gate.

    ``decoding``: cores that decoding all of it takes. ``fps``, ``min_fps``: analysed frames a second as promised.
    ``key_fps``: key frames a second.
    """

    camera_id: str
    rank: int
    fps: float
    min_fps: float
    active: bool
    decoding: float
    key_fps: float = USUAL_KEY_FPS

    def cost(self, level: Level, inference_s: float) -> float:
        """Cores at ``level``, where analysing one frame takes ``inference_s`` core seconds."""
        if not self.active:
            return 0.0
        least = min(self.fps, self.min_fps)
        if level is Level.FLOOR:
            return self._looks(min(least, self.key_fps, _FLOOR), inference_s)
        if level is Level.KEYFRAMES or (level is Level.MINIMUM and key_frames_suffice(self.key_fps, least)):
            return self._looks(min(least, self.key_fps), inference_s)
        fps = {Level.FULL: self.fps, Level.HALF: reduced(self.fps, self.min_fps)}.get(level, least)
        return self.decoding + fps * inference_s

    def _looks(self, fps: float, inference_s: float) -> float:
        """Cores of decoding and analysing so many key frames a second."""
        return min(1.0, _KEY_FRAMES_COST * fps / USUAL_KEY_FPS) * self.decoding + fps * inference_s


@dataclass(frozen=True, slots=True)
class Load:
    """The last seconds. ``stage``: work offered to the detection threads, as a share of what they can do. ``cpu``: the
    process's share of the cores. ``wait_s``: from capture to inference, median; ``None`` without frames.
    """

    stage: float
    cpu: float
    wait_s: float | None


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """Overload is beyond ``stage``, ``cpu`` or ``wait_s`` in two looks that follow each other. A wait counts only where
    stage or processor are busy, at ``busy`` of their limit: cameras may be late by themselves. Below ``calm`` of all
    limits ``growth`` more is granted, ``patience_s`` after the last cut, doubled up to ``most_patience_s`` where growth
    ended in overload again; below ``idle`` it is ``idle_growth``, and not doubled. ``settle_s``: until a change shows
    in what is measured. ``margin``: share of the budget that stays free where somebody gets more. ``turn_s``: within a
    rank, who gives up more changes so often.
    """

    stage: float = 0.95
    cpu: float = 0.92
    wait_s: float = 1.0
    busy: float = 0.65
    calm: float = 0.8
    settle_s: float = 2.0
    patience_s: float = 4.0
    most_patience_s: float = 120.0
    growth: float = 0.1
    idle: float = 0.5
    idle_growth: float = 0.4
    margin: float = 0.1
    turn_s: float = 60.0

    def pressure(self, load: Load) -> float:
        """1: just what the machine can carry; above 2 it says nothing more."""
        work = max(load.stage / self.stage, load.cpu / self.cpu)
        wait = load.wait_s / self.wait_s if load.wait_s is not None and work >= self.busy else 0.0
        return min(2.0, max(work, wait))


def allocate(demands: Sequence[Demand], budget: float, inference_s: float, turn: int = 0) -> dict[str, Level]:
    """The highest levels whose cost is within ``budget`` cores, or the lowest of all where none is.

    A camera yields only when all of lower rank are at the floor, and within a rank nobody is more than one
    level below another, so that none is analysed less than its minimum while another is given more than its own.
    ``turn`` moves the beginning. Who rests behind a gate costs nothing and keeps its level: whoever moves first is
    judged when it does.
    """
    levels = {demand.camera_id: Level.FULL for demand in demands}
    total = sum(demand.cost(Level.FULL, inference_s) for demand in demands)
    for rank in sorted({demand.rank for demand in demands}):
        members = sorted((each for each in demands if each.rank == rank), key=lambda each: each.camera_id)
        begin = turn % len(members)
        for above, below in pairwise(LEVELS):
            for demand in members[begin:] + members[:begin]:
                if total <= budget:
                    return levels
                if not demand.active:
                    continue
                levels[demand.camera_id] = below
                total -= demand.cost(above, inference_s) - demand.cost(below, inference_s)
    return levels


class DecodeBudget:
    """Fed once a second. Begins with what ``cores`` should carry: a start with everything active is no flood."""

    def __init__(self, cores: float, limits: BudgetLimits | None = None) -> None:
        self._limits = limits or BudgetLimits()
        self._usual = self._budget = 0.95 * cores
        self._step = 0.05 * cores
        self._inference_s: float | None = None
        self._levels: dict[str, Level] = {}
        self._ranks: dict[str, int] = {}
        self._patience_s = self._limits.patience_s
        self._cut_at = self._grown_at = self._changed_at = float("-inf")
        self._turn = 0
        self.pressure = 0.0
        """Of the last update; above 1 the machine is overloaded."""

    @property
    def budget(self) -> float:
        """Cores that may be used, by the estimates."""
        return self._budget

    def update(
        self, now: float, load: Load | None, demands: Sequence[Demand], inference_s: float
    ) -> Mapping[str, Level]:
        """The level of each camera from ``now`` on, monotonic seconds. ``load`` is ``None`` before the first second."""
        granted = self._cost(demands, inference_s)
        before = self._cost(demands, self._inference_s or inference_s)
        if before > 0:  # what a frame was found to cost changes the unit, not what was granted
            self._budget *= granted / before
        self._inference_s = inference_s
        if load is not None:
            earlier, self.pressure = self.pressure, self._limits.pressure(load)
            self._adjust(now, granted, min(earlier, self.pressure))
        ranks = {demand.camera_id: demand.rank for demand in demands}
        turn = int(now // self._limits.turn_s)
        if ranks != self._ranks or turn != self._turn or granted > self._budget:
            self._ranks, self._turn = ranks, turn
            self._change(now, allocate(demands, self._budget, inference_s, turn))
        elif now - self._changed_at >= self._limits.settle_s:
            more = allocate(demands, (1 - self._limits.margin) * self._budget, inference_s, turn)
            if _height(more) > _height(self._levels):
                self._change(now, more)
        return dict(self._levels)

    def _adjust(self, now: float, granted: float, lasting: float) -> None:
        limits = self._limits
        limited = any(level is not Level.FULL for level in self._levels.values())
        if lasting > 1:
            if now - self._cut_at < limits.settle_s:
                return
            if now - self._grown_at <= 2 * self._patience_s:
                self._patience_s = min(limits.most_patience_s, 2 * self._patience_s)
            self._budget = min(self._budget, granted) / lasting
            self._cut_at, self._grown_at = now, float("-inf")
        elif (
            self.pressure < limits.calm
            and now - self._cut_at >= (self._patience_s if self.pressure > limits.idle else limits.patience_s)
            and now - self._grown_at >= limits.settle_s
        ):
            if not limited:
                self._patience_s = limits.patience_s
            if limited or self._budget < self._usual:
                growth = limits.growth if self.pressure > limits.idle else limits.idle_growth
                self._budget += max(self._step, growth * self._budget)
                self._grown_at = now

    def _cost(self, demands: Sequence[Demand], inference_s: float) -> float:
        return sum(each.cost(self._levels.get(each.camera_id, Level.FULL), inference_s) for each in demands)

    def _change(self, now: float, levels: dict[str, Level]) -> None:
        if levels != self._levels:
            self._levels = levels
            self._changed_at = now


def _height(levels: Mapping[str, Level]) -> int:
    return -sum(LEVELS.index(level) for level in levels.values())
