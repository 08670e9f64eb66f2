"""The rotation's promises, over days that pass at once."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.patrol.rotation import Machine, Plan, RotationState, Stop

DWELL = 12.0


def stop(index: int) -> Stop:
    return Stop(f"s{index // 2}", f"c{index}")


def plan(stops: int, slots: int = 4, dwell_s: float = DWELL, hold_s: float = 30.0) -> Plan:
    return Plan("p", None, slots, dwell_s, hold_s, tuple(stop(index) for index in range(stops)))


def cameras(state: RotationState) -> dict[int, str]:
    return {slot.slot: slot.camera_id for slot in state.slots}


def advance(machine: Machine, state: RotationState, until: float) -> RotationState:
    """Steps at each due time, as the driver does."""
    while (due := machine.next_due(state)) is not None and due <= until:
        state = machine.tick(state, due)
    return machine.tick(state, until)


def test_tiles_switch_one_at_a_time_in_the_plans_order() -> None:
    machine = Machine(plan(8))
    state = machine.start(100.0)
    assert cameras(state) == {0: "c0", 1: "c1", 2: "c2", 3: "c3"}
    switches = []
    for _ in range(12):
        due = machine.next_due(state)
        assert due is not None
        before = cameras(state)
        state = machine.tick(state, due)
        changed = [slot for slot, camera in cameras(state).items() if before[slot] != camera]
        assert len(changed) == 1
        switches.append((due, cameras(state)[changed[0]]))
    assert [camera for _, camera in switches] == [f"c{index % 8}" for index in range(4, 16)]
    gaps = {round(later - earlier, 6) for (earlier, _), (later, _) in itertools.pairwise(switches)}
    assert gaps == {DWELL / 4}


@pytest.mark.parametrize(("stops", "shown"), [(0, 0), (1, 1), (3, 3), (4, 4)])
def test_a_short_plan_keeps_every_stop_on_the_wall(stops: int, shown: int) -> None:
    machine = Machine(plan(stops))
    state = advance(machine, machine.start(0.0), 1000.0)
    assert len(set(cameras(state).values())) == shown


def test_an_alarm_takes_the_visit_nearest_its_end_and_the_visit_is_owed() -> None:
    machine = Machine(plan(8))
    state = machine.start(0.0)
    nearest = min(state.slots, key=lambda slot: slot.until)
    state = machine.alarm(state, "e1", stop(7), 1.0)
    slot = next(slot for slot in state.slots if slot.camera_id == "c7")
    assert (slot.slot, slot.reason, slot.event_id, slot.until) == (nearest.slot, "alarm", "e1", 31.0)
    assert (state.figures.preempted, state.figures.owed) == (1, 1)
    first = machine.view(state, 1.0).queue[0]
    assert (first.camera_id, first.owed) == (nearest.camera_id, True)
    state = advance(machine, state, first.due_at)
    assert nearest.camera_id in cameras(state).values()
    assert state.figures.owed == 0


def test_acknowledging_gives_the_tile_back_at_once() -> None:
    machine = Machine(plan(8))
    state = machine.alarm(machine.start(0.0), "e1", stop(7), 1.0)
    state = machine.release(state, "e1", 5.0)
    assert {slot.reason for slot in state.slots} == {"patrol"}
    assert machine.release(state, "e1", 6.0) == state


def test_a_second_event_of_a_shown_camera_prolongs_it_in_its_place() -> None:
    machine = Machine(plan(8))
    state = machine.alarm(machine.start(0.0), "e1", stop(2), 1.0)
    before = cameras(state)
    state = machine.alarm(state, "e2", stop(2), 20.0)
    held = next(slot for slot in state.slots if slot.camera_id == "c2")
    assert cameras(state) == before
    assert (held.event_id, held.until, state.figures.preempted) == ("e2", 50.0, 0)


def test_alarms_displace_each_other_only_when_they_hold_every_tile() -> None:
    machine = Machine(plan(12))
    state = machine.start(0.0)
    for index in range(4):
        state = machine.alarm(state, f"e{index}", stop(8 + index), float(index))
    assert {slot.event_id for slot in state.slots} == {"e0", "e1", "e2", "e3"}
    state = machine.alarm(state, "e4", stop(7), 5.0)
    assert {slot.event_id for slot in state.slots} == {"e1", "e2", "e3", "e4"}
    assert state.figures.displaced == 1


def test_next_skips_the_visit_nearest_its_end_and_never_an_alarm() -> None:
    machine = Machine(plan(8, slots=1))
    state = machine.skip(machine.start(0.0), 1.0)
    assert cameras(state) == {0: "c1"}
    state = machine.alarm(state, "e", stop(5), 2.0)
    assert machine.skip(state, 3.0) == state


def test_a_restart_goes_on_where_it_was() -> None:
    machine = Machine(plan(9))
    state = advance(machine, machine.start(0.0), 40.0)
    stored = RotationState.model_validate_json(state.model_dump_json())
    assert machine.resume(stored, 40.0) == state


def test_a_long_absence_switches_each_tile_once_and_staggers_again() -> None:
    machine = Machine(plan(9))
    state = machine.resume(machine.start(0.0), 100_000.5)
    assert state.figures.visits == 8
    assert len({round(slot.until, 3) for slot in state.slots}) == 4


def test_a_changed_plan_drops_what_is_gone_and_keeps_the_rest() -> None:
    state = Machine(plan(8)).start(0.0)
    smaller = Machine(Plan("p", None, 2, DWELL, 30.0, tuple(stop(index) for index in (1, 5, 6))))
    state = smaller.resume(state, 1.0)
    assert cameras(state)[1] == "c1"
    assert set(cameras(state).values()) <= {"c1", "c5", "c6"}


def test_a_clock_that_was_set_back_does_not_stop_the_patrol() -> None:
    machine = Machine(plan(9))
    state = machine.resume(machine.start(1_000_000.0), 10.0)
    due = machine.next_due(state)
    assert due is not None
    assert due <= 10.0 + 1.5 * DWELL


def test_an_alarm_outside_the_plan_is_shown_and_promises_hold() -> None:
    machine = Machine(plan(6, slots=2))
    state = machine.alarm(machine.start(0.0), "e", Stop("elsewhere", "x"), 0.5)
    assert "x" in cameras(state).values()
    for _ in range(20):
        promise = machine.view(state, 0.0).queue[0]
        state = advance(machine, state, promise.due_at)
        assert promise.camera_id in cameras(state).values()


@given(stops=st.integers(5, 40), slots=st.integers(1, 16), dwell_s=st.floats(2, 600))
@settings(max_examples=60, deadline=None)
def test_without_alarms_every_stop_is_seen_each_round(stops: int, slots: int, dwell_s: float) -> None:
    machine = Machine(plan(stops, slots, dwell_s))
    state = machine.start(1.7e9)
    period = stops * dwell_s / slots
    seen: dict[str, float] = dict.fromkeys((f"c{index}" for index in range(stops)), 1.7e9)
    now = 1.7e9
    while now < 1.7e9 + 4 * period + 4 * dwell_s:
        due = machine.next_due(state)
        assert due is not None
        now, state = due, machine.tick(state, due)
        shown = set(cameras(state).values())
        assert len(shown) == min(stops, slots)
        for camera in shown:
            assert now - seen[camera] <= max(period, 1.5 * dwell_s) + dwell_s
            seen[camera] = now


Step = tuple[str, int, float]
STEPS = st.lists(
    st.tuples(st.sampled_from(["wait", "wait", "alarm", "ack", "next"]), st.integers(0, 30), st.floats(0, 20)),
    min_size=5,
    max_size=120,
)


@given(stops=st.integers(1, 15), slots=st.integers(1, 6), steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_nothing_starves_and_no_camera_stands_twice(stops: int, slots: int, steps: list[Step]) -> None:
    """Between two showings of a stop, the patrol never has more tile time than a round of its visits."""
    machine = Machine(plan(stops, slots))
    state, now, number = machine.start(0.0), 0.0, 0
    patrol_since: dict[str, float] = defaultdict(float)
    budget = (stops + 2 * slots) * 1.5 * DWELL

    def passed(to: float) -> None:
        nonlocal now
        shown = set(cameras(state).values())
        tiles = sum(slot.reason == "patrol" for slot in state.slots)
        for index in range(stops):
            camera = f"c{index}"
            patrol_since[camera] = 0.0 if camera in shown else patrol_since[camera] + tiles * (to - now)
            assert patrol_since[camera] <= budget
        now = to

    for word, index, wait in steps:
        target = now + wait
        while (due := machine.next_due(state)) is not None and due <= target:
            passed(due)
            state = machine.tick(state, due)
        passed(target)
        state = machine.tick(state, now)
        if word == "alarm":
            number += 1
            state = machine.alarm(state, f"e{number}", stop(index), now)
        elif word == "ack":
            state = machine.release(state, f"e{number}", now)
        elif word == "next":
            state = machine.skip(state, now)
        shown = [slot.camera_id for slot in state.slots]
        assert len(set(shown)) == len(shown) == len({slot.slot for slot in state.slots})
        assert len(shown) >= min(stops, slots)
        assert machine.resume(RotationState.model_validate_json(state.model_dump_json()), now) == state
        assert all(slot.until > now for slot in state.slots)
        assert state.figures.owed == len(state.owed) <= stops
