"""Who gives up how much when the machine cannot carry all, and that it comes to rest."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.gating.budget import LEVELS, DecodeBudget, Demand, Load, allocate
from ingest.gating.level import Level

INFERENCE_S = 0.02
NORMAL, HIGH = 2, 4

demands = st.lists(
    st.builds(
        Demand,
        camera_id=st.integers(0, 999).map(lambda n: f"c{n:03}"),
        rank=st.integers(0, 5),
        fps=st.sampled_from([1.0, 4.0, 5.0, 12.0]),
        min_fps=st.sampled_from([0.5, 1.0]),
        active=st.booleans(),
        decoding=st.floats(0.005, 0.3),
        key_fps=st.sampled_from([0.1, 0.5, 1.0, 25.0]),
    ),
    min_size=1,
    max_size=24,
    unique_by=lambda demand: demand.camera_id,
)


def _cost(of: list[Demand], levels: dict[str, Level]) -> float:
    return sum(each.cost(levels[each.camera_id], INFERENCE_S) for each in of)


@given(demands, st.floats(0, 8), st.integers(0, 50))
def test_the_sum_holds_the_low_yield_first_and_evenly(of: list[Demand], budget: float, turn: int) -> None:
    levels = allocate(of, budget, INFERENCE_S, turn)
    moving = [each for each in of if each.active]
    assert _cost(of, levels) <= budget + 1e-9 or {levels[each.camera_id] for each in moving} == {Level.FLOOR}
    assert all(levels[each.camera_id] is Level.FULL for each in of if not each.active), "who rests costs nothing"
    depth = {
        rank: [LEVELS.index(levels[each.camera_id]) for each in moving if each.rank == rank]
        for rank in {each.rank for each in moving}
    }
    for rank, own in depth.items():
        assert max(own) - min(own) <= 1
        if any(own):
            lower = [level for other, levels in depth.items() if other < rank for level in levels]
            assert all(level == len(LEVELS) - 1 for level in lower)


@given(demands, st.floats(0, 8), st.floats(0, 1))
def test_a_smaller_budget_gives_nobody_more(of: list[Demand], budget: float, share: float) -> None:
    much, less = allocate(of, budget, INFERENCE_S), allocate(of, budget * share, INFERENCE_S)
    assert all(LEVELS.index(less[camera]) >= LEVELS.index(much[camera]) for camera in much)


@given(demands, st.floats(0.001, 0.1))
def test_a_lower_level_costs_no_more(of: list[Demand], inference_s: float) -> None:
    for each in of:
        costs = [each.cost(level, inference_s) for level in LEVELS]
        assert costs == sorted(costs, reverse=True)
        if each.active:
            assert costs[LEVELS.index(Level.MINIMUM)] <= each.decoding + min(each.fps, each.min_fps) * inference_s


@given(demands, st.floats(0, 8))
def test_nobody_is_below_the_minimum_while_an_equal_has_more(of: list[Demand], budget: float) -> None:
    levels = allocate(of, budget, INFERENCE_S)
    least = LEVELS.index(Level.MINIMUM)
    moving = [each for each in of if each.active]
    for rank in {each.rank for each in moving}:
        depths = [LEVELS.index(levels[each.camera_id]) for each in moving if each.rank == rank]
        assert not (max(depths) > least > min(depths))


def test_the_minimum_is_kept_while_decoding_can_be_carried() -> None:
    of = _county(30)
    decoding = sum(each.decoding + each.min_fps * INFERENCE_S for each in of)
    assert set(allocate(of, decoding + 1e-9, INFERENCE_S).values()) == {Level.MINIMUM}
    assert Level.KEYFRAMES in allocate(of, 0.99 * decoding, INFERENCE_S).values()


@dataclass
class Machine:
    """A machine of which ``carries`` cores are true, and where all costs ``dearer`` than estimated."""

    carries: float
    dearer: float
    budget: DecodeBudget
    now: float = 0.0
    load: Load | None = None
    levels: dict[str, Level] = field(default_factory=dict)
    changes: list[float] = field(default_factory=list)

    def run(self, seconds: int, of: list[Demand]) -> float:
        """Returns the load at the end, as a share of what it carries."""
        for _ in range(seconds):
            levels = dict(self.budget.update(self.now, self.load, of, INFERENCE_S))
            if levels != self.levels:
                self.changes.append(self.now)
            self.levels, self.now = levels, self.now + 1
            asked = self.dearer * _cost(of, levels) / self.carries
            self.load = Load(stage=asked, cpu=min(1.0, asked), wait_s=0.1 if asked <= 1 else 3.0)
        return self.dearer * _cost(of, self.levels) / self.carries


def _county(count: int, *, active: bool = True, high: int = 0) -> list[Demand]:
    return [Demand(f"c{n:03}", HIGH if n < high else NORMAL, 5.0, 1.0, active, 0.04) for n in range(count)]


@pytest.mark.parametrize("dearer", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("count", [12, 64])
def test_it_comes_to_rest_below_what_the_machine_carries(count: int, dearer: float) -> None:
    machine, of = Machine(4.0, dearer, DecodeBudget(4.0)), _county(count)
    machine.run(300, of)
    machine.changes.clear()
    assert machine.run(300, of) <= 1.0
    # The turn goes on once a minute; what is tried in between is tried ever more rarely.
    assert len(machine.changes) <= 5 + 10
    assert machine.run(0, of) >= 0.6 or set(machine.levels.values()) == {Level.FULL}


def test_all_cameras_learning_at_once_is_no_flood() -> None:
    machine, of = Machine(2.0, 1.0, DecodeBudget(2.0)), _county(64)
    assert machine.run(1, of) <= 1.0
    machine.run(9, of)
    assert machine.run(10, _county(64, active=False)) == 0.0
    assert set(machine.levels.values()) == {Level.FULL}


def test_the_high_keep_all_while_the_others_can_yield() -> None:
    machine, of = Machine(2.0, 1.5, DecodeBudget(2.0)), _county(40, high=4)
    for _ in range(200):
        machine.run(1, of)
        assert {machine.levels[f"c{n:03}"] for n in range(4)} == {Level.FULL}


def test_it_recovers_step_by_step_when_there_is_room_again() -> None:
    machine, of = Machine(2.0, 2.0, DecodeBudget(2.0)), _county(30)
    machine.run(60, of)
    assert Level.KEYFRAMES in machine.levels.values()
    machine.changes.clear()
    machine.dearer = 0.3
    machine.run(50, of)
    assert set(machine.levels.values()) == {Level.FULL}
    assert len(machine.changes) > 3


def test_a_camera_that_is_late_by_itself_takes_nothing_from_the_others() -> None:
    budget, of = DecodeBudget(2.0), _county(6)
    for second in range(60):
        levels = budget.update(float(second), Load(stage=0.2, cpu=0.2, wait_s=4.0), of, INFERENCE_S)
        assert set(levels.values()) == {Level.FULL}


def test_who_is_raised_is_heard_at_once() -> None:
    budget, of = DecodeBudget(1.0), _county(30)
    lowest = min(budget.update(0.0, None, of, INFERENCE_S).items(), key=lambda item: -LEVELS.index(item[1]))[0]
    raised = [Demand(each.camera_id, HIGH, 5.0, 1.0, True, 0.04) if each.camera_id == lowest else each for each in of]
    assert budget.update(0.2, None, raised, INFERENCE_S)[lowest] is Level.FULL
