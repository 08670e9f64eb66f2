"""The state machine: what an operator reads, step by step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lifecycle import LEGAL_STEPS, PRECEDENCE, STALLED_HERE, IllegalStep, Lifecycle, Verdicts, differs
from ingest.state import Fault, Phase

GOOD = Verdicts()
Step = Callable[[Lifecycle], None]


def _lifecycle() -> Lifecycle:
    return Lifecycle("a", "sub", 1000.0)


def _picture(now: float) -> Step:
    return lambda machine: machine.picture(now, lambda: GOOD)


def _tick(
    now: float, packet: float, picture: float, *faults: Fault, packets: bool = True, stalled_here: bool = False
) -> Step:
    verdicts = Verdicts(packets, {fault: f"judged {fault}" for fault in faults}, stalled_here)
    return lambda machine: machine.tick(now, packet, picture, verdicts)


def _ended(now: float, fault: Fault) -> Step:
    return lambda machine: machine.ended(now, fault, f"because {fault}", now + 1)


def _open(now: float) -> Step:
    def steps(machine: Lifecycle) -> None:
        machine.attempt(now)
        machine.opened(now)

    return steps


LIVE = (_open(1000), _picture(1001))


@pytest.mark.parametrize(
    ("steps", "phase", "fault"),
    [
        pytest.param((), Phase.CONNECTING, None, id="before the first verdict"),
        pytest.param(LIVE, Phase.LIVE, None, id="a picture makes it live"),
        pytest.param((*LIVE, _tick(1002, 1.0, 1.0)), Phase.LIVE, None, id="a second without packets is no fault"),
        pytest.param((*LIVE, _tick(1003, 1.9, 1.9)), Phase.STALE, Fault.FROZEN, id="known within two seconds"),
        pytest.param((*LIVE, _tick(1003, 2, 2), _picture(1004)), Phase.LIVE, None, id="packets heal"),
        pytest.param(
            (*LIVE, _tick(1003, 2, 2), _tick(1012, 11, 11)), Phase.OFFLINE, Fault.FROZEN, id="frozen for long: offline"
        ),
        pytest.param(
            (*LIVE, _tick(1006, 0.1, 5)), Phase.STALE, None, id="packets without a picture: a key frame may come"
        ),
        pytest.param(
            (*LIVE, _tick(1006, 0.1, 5), _tick(1013, 0.1, 12)),
            Phase.OFFLINE,
            Fault.GARBLED,
            id="packets for ten seconds and no picture: no GOP is so long",
        ),
        pytest.param(
            (*LIVE, _ended(1030, Fault.UNREACHABLE), _open(1060), _tick(1062, 0.1, 61)),
            Phase.OFFLINE,
            None,
            id="just back after an outage: a key frame may come",
        ),
        pytest.param((*LIVE, _tick(1003, 0.1, 2, Fault.GARBLED)), Phase.STALE, Fault.GARBLED, id="nothing decodes"),
        pytest.param((*LIVE, _tick(1003, 0.1, 0.2, Fault.GARBLED)), Phase.LIVE, Fault.GARBLED, id="much is broken"),
        pytest.param(
            (*LIVE, _tick(1003, 0.1, 0.2, Fault.FLAPPING)), Phase.LIVE, Fault.FLAPPING, id="live between flaps"
        ),
        pytest.param(
            (*LIVE, _tick(1003, 0.1, 0.2, Fault.GARBLED, Fault.LOSSY)),
            Phase.LIVE,
            Fault.LOSSY,
            id="loss explains what cannot be decoded",
        ),
        pytest.param(
            (*LIVE, _tick(1003, 0.1, 2, Fault.GARBLED, Fault.LOSSY)), Phase.STALE, Fault.LOSSY, id="all is lost"
        ),
        pytest.param(
            (*LIVE, _tick(1003, 0.1, 0.2, Fault.RESIZED, Fault.STUCK, Fault.DARK)),
            Phase.LIVE,
            Fault.DARK,
            id="a black picture is always the same",
        ),
        pytest.param(
            (*LIVE, _tick(1003, 0.1, 0.2, Fault.LOSSY, Fault.STUCK, Fault.FLAPPING)),
            Phase.LIVE,
            Fault.STUCK,
            id="nothing hides that a picture is old",
        ),
        pytest.param(
            (*LIVE, _tick(1003, 3, 3, Fault.GARBLED)), Phase.STALE, Fault.GARBLED, id="the demuxer holds back garbage"
        ),
        pytest.param((*LIVE, _tick(1003, 5, 5, Fault.GARBLED)), Phase.STALE, Fault.FROZEN, id="garbled, then frozen"),
        pytest.param((*LIVE, _tick(1003, 2, 2, Fault.STUCK)), Phase.STALE, Fault.FROZEN, id="nothing comes at all"),
        pytest.param((*LIVE, _ended(1002, Fault.UNREACHABLE)), Phase.STALE, Fault.UNREACHABLE, id="session lost"),
        pytest.param(
            (*LIVE, _ended(1002, Fault.UNREACHABLE), _tick(1012, 11, 11)),
            Phase.OFFLINE,
            Fault.UNREACHABLE,
            id="session lost for long keeps its reason",
        ),
        pytest.param((_ended(1001, Fault.UNREACHABLE),), Phase.OFFLINE, Fault.UNREACHABLE, id="never reached"),
        pytest.param((_ended(1001, Fault.REFUSED),), Phase.REFUSED, Fault.REFUSED, id="wrong password"),
        pytest.param((_ended(1001, Fault.REFUSED), _open(1601)), Phase.CONNECTING, None, id="tried again after long"),
        pytest.param((*LIVE, _ended(1002, Fault.REFUSED)), Phase.REFUSED, Fault.REFUSED, id="password was changed"),
        pytest.param(
            (_open(1000), _tick(1002, 2, 2, packets=False)), Phase.OFFLINE, Fault.FROZEN, id="opens, sends nothing"
        ),
        pytest.param((_open(1000), _tick(1003, 0.1, 3)), Phase.CONNECTING, None, id="waits for a key frame"),
    ],
)
def test_what_the_wall_says(steps: tuple[Step, ...], phase: Phase, fault: Fault | None) -> None:
    machine = _lifecycle()
    for step in steps:
        step(machine)
    assert (machine.state.phase, machine.state.fault) == (phase, fault)
    assert machine.state.detail


def test_a_stall_of_this_machine_is_not_blamed_on_the_camera() -> None:
    machine = _lifecycle()
    for step in (*LIVE, _tick(1003, 2, 2, stalled_here=True)):
        step(machine)
    assert machine.state.detail == STALLED_HERE


def test_the_phase_stays_while_it_is_tried_again() -> None:
    machine = _lifecycle()
    for attempt in range(5):
        machine.attempt(1000.0 + attempt)
        machine.ended(1000.5 + attempt, Fault.UNREACHABLE, "nothing listens", 1001.0 + attempt)
    assert machine.state.phase is Phase.OFFLINE
    assert machine.state.since == 1000.5
    assert machine.state.attempt == 5
    assert machine.state.next_try_at == 1005.0


def test_a_reconnected_camera_that_sends_nothing_stays_frozen() -> None:
    machine = _lifecycle()
    for step in (
        *LIVE,
        _tick(1003, 2, 2),
        _ended(1006, Fault.FROZEN),
        _open(1007),
        _tick(1007.5, 0.5, 6, packets=False),
    ):
        step(machine)
    assert (machine.state.phase, machine.state.fault) == (Phase.STALE, Fault.FROZEN)


def test_repeated_refusals_are_one() -> None:
    machine = _lifecycle()
    for now in (1000.0, 1600.0, 2200.0):
        machine.attempt(now)
        machine.ended(now, Fault.REFUSED, "401", now + 600)
    assert machine.state.since == 1000.0


def test_an_illegal_step_raises() -> None:
    machine = _lifecycle()
    machine.attempt(1000.0)
    with pytest.raises(IllegalStep, match="connecting to stale"):
        machine._step(Phase.STALE, None, "", 1000.0)


def test_a_page_is_told_of_changes_but_not_of_the_time() -> None:
    machine = _lifecycle()
    for step in LIVE:
        step(machine)
    before = machine.state
    _tick(1001.5, 0.1, 0.1)(machine)
    assert not differs(before, machine.state)
    _tick(1004, 3, 3)(machine)
    assert differs(before, machine.state)


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["attempt", "opened", "picture", "ended", "tick", "settings"]),
        st.floats(0, 20),
        st.floats(0, 20),
        st.sampled_from([Fault.UNREACHABLE, Fault.REFUSED, Fault.FROZEN, Fault.FLAPPING]),
        st.builds(
            Verdicts, st.booleans(), st.dictionaries(st.sampled_from(PRECEDENCE), st.just("judged")), st.booleans()
        ),
    ),
    max_size=40,
)


def _told(verdicts: Verdicts) -> Callable[[], Verdicts]:
    return lambda: verdicts


@given(_EVENTS)
def test_a_session_in_its_order_never_makes_an_illegal_step(
    events: list[tuple[str, float, float, Fault, Verdicts]],
) -> None:
    machine = _lifecycle()
    now, is_open, waiting = 1000.0, False, True
    for event, packet, picture, fault, verdicts in events:
        now += 0.5
        before = machine.state.phase
        if event == "attempt" and waiting:
            machine.attempt(now)
            waiting = False
        elif event == "opened" and not waiting and not is_open:
            machine.opened(now)
            is_open = True
        elif event == "picture" and is_open:
            machine.picture(now, _told(verdicts))
        elif event == "ended" and not waiting:
            machine.ended(now, fault, "ended", now + 1)
            waiting, is_open = True, False
        elif event == "tick":
            machine.tick(now, packet, max(packet, picture), verdicts)
        elif event == "settings":
            machine.settings_changed(now)
        after = machine.state.phase
        two_steps = (before, after) == (Phase.LIVE, Phase.REFUSED)
        assert before is after or (before, after) in LEGAL_STEPS or two_steps
        assert machine.state.since <= machine.state.at
