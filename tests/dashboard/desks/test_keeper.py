"""The keeper decides from what is stored: another one goes on where it was, and two of them do nothing twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.alarms.life import Actor, Command, Do
from alerts.alarms.shifts import ShiftStore
from alerts.alarms.store import AlarmStore
from alerts.event import Event
from alerts.event_id import new_event_id
from alerts.records import AlarmChange
from alerts.store import EventStore
from configs.desks import Desk
from configs.rules import Severity
from configs.schema import Region, RegionLevel, Settings
from dashboard.accounts import AccountStore
from dashboard.bus import Bus, open_redis
from dashboard.desks.keeper import BACK_S, Keeper

NOW = 1_790_000_000.0
SETTINGS = Settings(
    regions=(
        Region(
            id="county",
            name="县",
            level=RegionLevel.COUNTY,
            children=(Region(id="east", name="东", level=RegionLevel.TOWN),),
        ),
    ),
    desks=(Desk(id="county-desk", name="县", regions=("county",)), Desk(id="east-desk", name="东", regions=("east",))),
)


@pytest.fixture
def keeper_at(wall_store: tuple[EventStore, AccountStore]) -> Callable[[float], Keeper]:
    """Keepers over one store, each with its clock; Redis, which says who is connected, is away."""
    engine = wall_store[0].engine
    away = Bus(open_redis("redis://127.0.0.1:1"))

    def make(now: float) -> Keeper:
        return Keeper(
            SETTINGS, away, AlarmStore(engine), ShiftStore(engine), lambda: (), lambda _: None, clock=lambda: now
        )

    return make


def put(store: EventStore, *ages: float) -> list[str]:
    ids = []
    for number, age in enumerate(ages):
        event = Event(
            id=new_event_id(), kind="intrusion", severity=Severity.HIGH, camera_id="c", site_id="s", region_id="east",
            rule_id="r", rule_name="r", occurred_at=NOW - age, detected_at=NOW - age, measured=1, limit=1,
            unit="objects",
        )  # fmt: skip
        store.append([(f"{int(NOW * 1000)}-{number}", event)])
        ids.append(event.id)
    return ids


def told(changes: list[AlarmChange]) -> list[tuple[Do, str | None]]:
    return [(change.command, change.standing.desk if change.standing else None) for change in changes]


def test_an_alarm_taken_up_before_its_desk_was_found_still_belongs_to_one(
    keeper_at: Callable[[float], Keeper], wall_store: tuple[EventStore, AccountStore]
) -> None:
    alarms = AlarmStore(wall_store[0].engine)
    (early,) = put(wall_store[0], 1.0)
    alarms.take(early, [Command(Do.ACKNOWLEDGE), Command(Do.OWN)], Actor("1", "1 号席"), NOW)
    assert [change.command for change in keeper_at(NOW).step()] == [Do.ROUTE]
    (row,) = alarms.open_of("county-desk", 10)
    assert (row.id, row.state, row.due_at) == (early, "acknowledged", None)


def test_a_restart_goes_on_with_the_same_reaction_clocks(
    wall_store: tuple[EventStore, AccountStore], keeper_at: Callable[[float], Keeper]
) -> None:
    store = wall_store[0]
    ShiftStore(store.engine).take("east-desk", Actor("u1", "王"), NOW)
    put(store, 5.0)
    assert told(keeper_at(NOW).step()) == [(Do.ROUTE, "east-desk")]
    assert keeper_at(NOW + 119.0).step() == []
    assert told(keeper_at(NOW + 120.0).step()) == [(Do.ESCALATE, "county-desk")]
    assert told(keeper_at(NOW + 240.0).step()) == [(Do.ESCALATE, "county-desk")]
    assert keeper_at(NOW + 1e6).step() == []


def test_with_nobody_there_an_alarm_stands_at_the_top(
    wall_store: tuple[EventStore, AccountStore], keeper_at: Callable[[float], Keeper]
) -> None:
    put(wall_store[0], 5.0, BACK_S + 1)
    assert told(keeper_at(NOW).step()) == [(Do.ROUTE, "county-desk")]  # and the old one is left to the history


def test_two_that_look_at_once_take_each_step_once(
    wall_store: tuple[EventStore, AccountStore],
    keeper_at: Callable[[float], Keeper],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = wall_store[0]
    (event_id,) = put(store, 5.0)
    seen_by_both = AlarmStore(store.engine).unrouted(0.0, 10)
    monkeypatch.setattr(AlarmStore, "unrouted", lambda *_: seen_by_both)
    assert len(keeper_at(NOW).step()) == 1
    assert keeper_at(NOW).step() == []
    assert len(AlarmStore(store.engine).steps(event_id)) == 1
