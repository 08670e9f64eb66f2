"""The life of an alarm: states, the steps between them, and what a person is told who asks for one that is not there.

After ANSI/ISA-18.2 (IEC 62682): an alarm is new (their *unacknowledged*), acknowledged, shelved, or out of the way
(closed); work on it (in progress, on hold) stands between. That the situation has ended (*returned to normal*) is
orthogonal: it can happen in any state and changes none. Pure: :func:`step` takes a standing and gives the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alerts.event import Plain
from configs.schema import Severity

LONGEST_SHELF_S = 86400.0
"""A shelf always ends (ISA-18.2, 11.6): a day is the longest that somebody may look away."""


class AlarmState(StrEnum):
    """What people have done about an alarm."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    SHELVED = "shelved"
    CLOSED = "closed"


class Closing(StrEnum):
    """What a closed alarm turned out to be."""

    CONFIRMED = "confirmed"
    FALSE = "false"
    TEST = "test"


class Do(StrEnum):
    """A step. The last five are the system's: the situation has ended, goes on after all, routing to a desk,
    escalation, a shift's change."""

    ACKNOWLEDGE = "acknowledge"
    OWN = "own"
    COMMENT = "comment"
    START = "start"
    HOLD = "hold"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    CLOSE = "close"
    REOPEN = "reopen"
    RETURN = "return"
    RECUR = "recur"
    ROUTE = "route"
    ESCALATE = "escalate"
    HAND_OVER = "hand_over"


_OPEN = (AlarmState.NEW, AlarmState.ACKNOWLEDGED, AlarmState.IN_PROGRESS, AlarmState.ON_HOLD, AlarmState.SHELVED)

LEGAL: dict[Do, dict[AlarmState, AlarmState | None]] = {
    Do.ACKNOWLEDGE: {AlarmState.NEW: AlarmState.ACKNOWLEDGED},
    Do.OWN: dict.fromkeys(_OPEN),
    Do.COMMENT: dict.fromkeys(AlarmState),
    Do.START: dict.fromkeys((AlarmState.ACKNOWLEDGED, AlarmState.ON_HOLD), AlarmState.IN_PROGRESS),
    Do.HOLD: dict.fromkeys((AlarmState.ACKNOWLEDGED, AlarmState.IN_PROGRESS), AlarmState.ON_HOLD),
    Do.SHELVE: dict.fromkeys(_OPEN[:4], AlarmState.SHELVED),
    Do.UNSHELVE: {AlarmState.SHELVED: None},
    Do.CLOSE: dict.fromkeys((AlarmState.ACKNOWLEDGED, AlarmState.IN_PROGRESS, AlarmState.ON_HOLD), AlarmState.CLOSED),
    Do.REOPEN: {AlarmState.CLOSED: AlarmState.ACKNOWLEDGED},
    Do.RETURN: dict.fromkeys(AlarmState),
    Do.RECUR: dict.fromkeys(AlarmState),
    Do.ROUTE: dict.fromkeys(_OPEN),
    Do.ESCALATE: {AlarmState.NEW: None},
    Do.HAND_OVER: dict.fromkeys(_OPEN),
}
"""From which states a step leads, and where to; ``None`` stays, or (unshelve) goes back to where it came from."""

_SYSTEMS = frozenset({Do.RETURN, Do.RECUR, Do.ROUTE, Do.ESCALATE, Do.HAND_OVER})

STEPS: dict[AlarmState, tuple[Do, ...]] = {
    state: tuple(do for do, targets in LEGAL.items() if state in targets and do not in _SYSTEMS) for state in AlarmState
}
"""What people can do about an alarm in each state."""

_PAST = {
    Do.ACKNOWLEDGE: "acknowledged",
    Do.OWN: "taken",
    Do.START: "started",
    Do.HOLD: "put on hold",
    Do.SHELVE: "shelved",
    Do.UNSHELVE: "taken off the shelf",
    Do.CLOSE: "closed",
    Do.REOPEN: "reopened",
    Do.ROUTE: "given to a desk",
    Do.ESCALATE: "escalated",
    Do.HAND_OVER: "handed over",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who takes a step: the account's id and its name then."""

    id: str
    name: str


SYSTEM = Actor("system", "system")


class Standing(Plain):
    """Where an alarm stands. Times are UTC epoch seconds; ``version`` counts the steps taken.

    ``comment`` is the newest one. ``shelved_from`` is the state that the end of the shelf brings back. ``due_at`` is
    when the reaction clock ends, null where none runs; ``escalations`` is how often it has.
    ``priority`` is the severity moved by place and time, null where no desk was asked for.
    ``flood`` marks the group that it belongs to, since it came in a flood (:mod:`alerts.alarms.flood`).
    """

    state: AlarmState = AlarmState.NEW
    version: int = 0
    acknowledged_by: str | None = None
    acknowledged_by_name: str | None = None
    acknowledged_at: float | None = None
    comment: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    shelved_until: float | None = None
    shelved_from: AlarmState | None = None
    closing: Closing | None = None
    returned_at: float | None = None
    desk: str | None = None
    priority: Severity | None = None
    due_at: float | None = None
    escalations: int = 0
    flood: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A step that is asked for. ``until`` goes with shelve, ``closing`` with close, ``desk``, ``priority`` and
    ``due_at`` with route and escalate, ``flood`` with route, ``taker`` with a hand-over; ``take_over`` lets
    :attr:`Do.OWN` take an alarm from its owner.
    """

    do: Do
    comment: str | None = None
    until: float | None = None
    closing: Closing | None = None
    desk: str | None = None
    priority: Severity | None = None
    due_at: float | None = None
    flood: str | None = None
    taker: Actor | None = None
    take_over: bool = False


class IllegalStep(ValueError):
    """The alarm does not stand so that this step can be taken; one sentence says why. Nothing has changed."""


class Owned(IllegalStep):
    """Somebody else has the alarm already."""


def step(standing: Standing, command: Command, actor: Actor, at: float) -> Standing:
    """The standing after ``command``. Raises :class:`IllegalStep`."""
    targets = LEGAL[command.do]
    if standing.state not in targets:
        state = standing.state.value.replace("_", " ")
        raise IllegalStep(f"an alarm that is {state} cannot be {_PAST[command.do]}")
    target = targets[standing.state]
    changes: dict[str, object] = {"version": standing.version + 1, "state": target or standing.state}
    changes |= _effects(standing, command, actor, at)
    if command.comment is not None:
        changes["comment"] = command.comment
    return standing.model_copy(update=changes)


def _effects(standing: Standing, command: Command, actor: Actor, at: float) -> dict[str, object]:
    """What a step changes besides the state."""
    match command.do:
        case Do.ACKNOWLEDGE:
            who = {"acknowledged_by": actor.id, "acknowledged_by_name": actor.name, "acknowledged_at": at}
            return {**who, "due_at": None}
        case Do.OWN:
            if standing.owner not in (None, actor.id) and not command.take_over:
                raise Owned(f"{standing.owner_name} has this alarm already")
            return {"owner": actor.id, "owner_name": actor.name}
        case Do.COMMENT:
            if not (command.comment or "").strip():
                raise IllegalStep("a comment needs words")
            return {}
        case Do.START:
            return {} if standing.owner else {"owner": actor.id, "owner_name": actor.name}
        case Do.SHELVE:
            return _shelf(standing, command, at)
        case Do.UNSHELVE:
            back: dict[str, object] = {"state": standing.shelved_from, "shelved_from": None, "shelved_until": None}
            # Nobody has seen it yet: a desk is found anew, and the reaction clock begins again.
            return back | ({"desk": None} if standing.shelved_from is AlarmState.NEW else {})
        case Do.CLOSE:
            if command.closing is None:
                raise IllegalStep("closing needs an outcome: confirmed, false or test")
            return {"closing": command.closing}
        case Do.REOPEN:
            return {"closing": None}
        case Do.RETURN:
            if standing.returned_at is not None:
                raise IllegalStep("the situation has ended already")
            return {"returned_at": at}
        case Do.RECUR:
            if standing.returned_at is None:
                raise IllegalStep("the situation has not ended")
            return {"returned_at": None}
        case Do.ROUTE | Do.ESCALATE:
            return _routed(standing, command)
        case Do.HAND_OVER:
            if command.taker is None:
                raise IllegalStep("a hand-over needs somebody who takes")
            return {"owner": command.taker.id, "owner_name": command.taker.name}
        case Do.HOLD:
            return {}


def _shelf(standing: Standing, command: Command, at: float) -> dict[str, object]:
    if command.until is None or not at < command.until <= at + LONGEST_SHELF_S:
        raise IllegalStep("a shelf needs an end that lies ahead, at most 24 hours")
    return {"shelved_until": command.until, "shelved_from": standing.state, "due_at": None}


def _routed(standing: Standing, command: Command) -> dict[str, object]:
    if command.desk is None:
        raise IllegalStep("routing needs a desk")
    clock = command.due_at if standing.state is AlarmState.NEW else None
    more = 1 if command.do is Do.ESCALATE else 0
    priority = command.priority or standing.priority
    flood = command.flood if command.do is Do.ROUTE else standing.flood
    return {
        "desk": command.desk,
        "priority": priority,
        "due_at": clock,
        "escalations": standing.escalations + more,
        "flood": flood,
    }


def still_open(standing: Standing) -> bool:
    """Whether somebody still has to do something: not closed, and not both acknowledged and returned to normal."""
    settled = standing.state is AlarmState.ACKNOWLEDGED and standing.returned_at is not None
    return standing.state is not AlarmState.CLOSED and not settled
