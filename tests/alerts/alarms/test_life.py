"""The life of an alarm: what may follow what, and what holds whatever people do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alarms.life import (
    LEGAL,
    LONGEST_SHELF_S,
    Actor,
    AlarmState,
    Closing,
    Command,
    Do,
    IllegalStep,
    Owned,
    Standing,
    step,
    still_open,
)

WANG, LI = Actor("u1", "王"), Actor("u2", "李")
NEW, ACKNOWLEDGED, WORKING = AlarmState.NEW, AlarmState.ACKNOWLEDGED, AlarmState.IN_PROGRESS
HELD, SHELVED, CLOSED = AlarmState.ON_HOLD, AlarmState.SHELVED, AlarmState.CLOSED


def full(do: Do, at: float = 0.0) -> Command:
    """The command with everything that it needs."""
    needs: dict[Do, dict[str, Any]] = {
        Do.COMMENT: {"comment": "看过"},
        Do.SHELVE: {"until": at + 60},
        Do.CLOSE: {"closing": Closing.FALSE},
        Do.ROUTE: {"desk": "east", "due_at": at + 60},
        Do.ESCALATE: {"desk": "county", "due_at": at + 60},
        Do.HAND_OVER: {"taker": LI},
    }
    return Command(do, **needs.get(do, {}))


def after(*path: Do) -> Standing:
    standing = Standing()
    for at, do in enumerate(path):
        standing = step(standing, full(do, at), WANG, at)
    return standing


REACHED: dict[AlarmState, tuple[Do, ...]] = {
    NEW: (),
    ACKNOWLEDGED: (Do.ACKNOWLEDGE,),
    WORKING: (Do.ACKNOWLEDGE, Do.START),
    HELD: (Do.ACKNOWLEDGE, Do.HOLD),
    SHELVED: (Do.SHELVE,),
    CLOSED: (Do.ACKNOWLEDGE, Do.CLOSE),
}


@pytest.mark.parametrize(
    ("do", "reaches", "why"),
    [
        (Do.ACKNOWLEDGE, {NEW: ACKNOWLEDGED}, "seen once is seen"),
        (Do.START, {ACKNOWLEDGED: WORKING, HELD: WORKING}, "who works on it has seen it"),
        (Do.HOLD, {ACKNOWLEDGED: HELD, WORKING: HELD}, "only what was taken up can wait"),
        (Do.SHELVE, dict.fromkeys((NEW, ACKNOWLEDGED, WORKING, HELD), SHELVED), "whatever is open and not shelved"),
        (Do.UNSHELVE, {SHELVED: NEW}, "back to where it came from"),
        (Do.CLOSE, dict.fromkeys((ACKNOWLEDGED, WORKING, HELD), CLOSED), "nothing is closed unseen"),
        (Do.REOPEN, {CLOSED: ACKNOWLEDGED}, "only what is closed"),
        (Do.ESCALATE, {NEW: NEW}, "the clock runs until somebody acknowledges"),
        (Do.COMMENT, {state: state for state in AlarmState}, "words always"),
        (Do.RETURN, {state: state for state in AlarmState}, "orthogonal to what people do"),
        (Do.RECUR, {}, "only what had ended can go on after all"),
    ],
)
def test_what_may_follow_what(do: Do, reaches: dict[AlarmState, AlarmState], why: str) -> None:
    for state, path in REACHED.items():
        standing = after(*path)
        assert standing.state is state
        if state in reaches:
            assert step(standing, full(do, 50.0), WANG, 50.0).state is reaches[state], why
        else:
            with pytest.raises(IllegalStep, match=r"cannot be|has not ended"):
                step(standing, full(do, 50.0), WANG, 50.0)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (Command(Do.COMMENT, "  "), "needs words"),
        (Command(Do.SHELVE), "needs an end"),
        (Command(Do.SHELVE, until=100.0), "lies ahead"),
        (Command(Do.SHELVE, until=101.0 + LONGEST_SHELF_S), "at most 24 hours"),
        (Command(Do.CLOSE), "needs an outcome"),
        (Command(Do.ROUTE), "needs a desk"),
        (Command(Do.HAND_OVER), "somebody who takes"),
    ],
)
def test_a_step_without_what_it_needs_is_told(command: Command, told: str) -> None:
    with pytest.raises(IllegalStep, match=told):
        step(after(Do.ACKNOWLEDGE), command, WANG, 100.0)


def test_nobody_loses_an_alarm_without_being_asked() -> None:
    mine = after(Do.OWN)
    with pytest.raises(Owned, match="王 has this alarm"):
        step(mine, Command(Do.OWN), LI, 1.0)
    taken = step(mine, Command(Do.OWN, take_over=True), LI, 1.0)
    assert (taken.owner, taken.owner_name) == ("u2", "李")
    assert step(after(Do.OWN, Do.ACKNOWLEDGE), Command(Do.START), LI, 2.0).owner == "u1"


def test_a_new_alarm_from_the_shelf_is_routed_again() -> None:
    back = after(Do.ROUTE, Do.SHELVE, Do.UNSHELVE)
    assert (back.state, back.desk, back.due_at) == (NEW, None, None)


def test_it_is_settled_when_seen_and_over_or_closed() -> None:
    for path in ((), (Do.RETURN,), (Do.ACKNOWLEDGE,)):
        assert still_open(after(*path))
    assert not still_open(after(Do.RETURN, Do.ACKNOWLEDGE))
    assert not still_open(after(Do.ACKNOWLEDGE, Do.CLOSE))
    assert still_open(after(Do.RETURN, Do.ACKNOWLEDGE, Do.START))


COMMANDS = st.builds(
    Command,
    do=st.sampled_from(Do),
    comment=st.none() | st.sampled_from(["", "看过"]),
    until=st.none() | st.floats(0, 3e5),
    closing=st.none() | st.sampled_from(Closing),
    desk=st.none() | st.just("east"),
    due_at=st.none() | st.floats(0, 3e5),
    taker=st.none() | st.just(LI),
    take_over=st.booleans(),
)


@given(st.lists(st.tuples(COMMANDS, st.sampled_from([WANG, LI]), st.floats(0, 2e5)), max_size=25))
def test_whatever_people_do_it_stands_in_order(asked: list[tuple[Command, Actor, float]]) -> None:
    standing, taken = Standing(), 0
    for command, actor, at in asked:
        before = standing
        try:
            standing = step(before, command, actor, at)
        except IllegalStep:
            continue
        taken += 1
        assert before.state in LEGAL[command.do]
        assert standing.version == taken
        assert (
            (standing.state is SHELVED) == (standing.shelved_until is not None) == (standing.shelved_from is not None)
        )
        assert (standing.state is CLOSED) == (standing.closing is not None)
        seen = standing.acknowledged_by is not None
        assert seen == (standing.acknowledged_at is not None)
        assert seen == ((standing.shelved_from or standing.state) is not NEW)
        assert (standing.owner is None) == (standing.owner_name is None)
        assert standing.due_at is None or (standing.state is NEW and standing.desk is not None)
        assert (before.returned_at, standing.returned_at).count(None) != 0 or before.returned_at == standing.returned_at
        assert standing.escalations >= before.escalations
