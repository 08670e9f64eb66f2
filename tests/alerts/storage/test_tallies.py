"""Counts over stored events, on both databases: what is open, hours by region, what alarms turned out to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.alarms.life import Actor, AlarmState, Closing, Command, Do
from alerts.alarms.store import AlarmStore
from alerts.event import Event
from alerts.storage import tallies
from alerts.storage.database import reading
from alerts.storage.tallies import OpenCount, Tallies
from alerts.store import EventStore
from configs.schema import Severity

MakeEvent = Callable[..., Event]
ACTOR = Actor("u1", "王")


def fill(store: EventStore, events: list[Event]) -> None:
    store.append([(f"{1000 + n}-0", event) for n, event in enumerate(events)])


def test_hours_by_region_begin_and_end_with_the_hour(store: EventStore, make_event: MakeEvent) -> None:
    at = 3600.0 * 500_000
    times = (at - 0.001, at, at + 3599.999, at + 3600)
    fill(store, [make_event(occurred_at=t, region_id="a") for t in times] + [make_event(occurred_at=at, region_id="b")])
    found = Tallies(store.engine).hours({"a", "b"}, at - 10, 0)
    assert found == {("a", 499_999): 1, ("a", 500_000): 2, ("a", 500_001): 1, ("b", 500_000): 1}
    assert Tallies(store.engine).hours({"b"}, at - 10, 1800) == {("b", 500_000): 1}
    assert Tallies(store.engine).hours({"a"}, at + 1, 1800) == {("a", 500_001): 2}
    assert Tallies(store.engine).oldest_at() == at - 0.001


def test_what_is_open_by_place_urgency_and_state(store: EventStore, make_event: MakeEvent) -> None:
    events = [make_event(region_id="a", site_id="s") for _ in range(5)]
    fill(store, events)
    alarms = AlarmStore(store.engine)
    alarms.take(events[0].id, [Command(Do.ACKNOWLEDGE)], ACTOR, 1.0)
    alarms.take(events[1].id, [Command(Do.ACKNOWLEDGE)], ACTOR, 1.0)
    alarms.follow([(events[1].id, 2.0), (events[2].id, 2.0)])
    alarms.take(events[3].id, [Command(Do.ACKNOWLEDGE), Command(Do.CLOSE, closing=Closing.FALSE)], ACTOR, 1.0)
    alarms.take(events[4].id, [Command(Do.ACKNOWLEDGE), Command(Do.START)], ACTOR, 1.0)
    told = Tallies(store.engine).open_alarms()
    assert told.complete
    assert set(told.counts) == {
        OpenCount("a", "s", Severity.HIGH, AlarmState.NEW, 1),  # over, and nobody has seen it
        OpenCount("a", "s", Severity.HIGH, AlarmState.ACKNOWLEDGED, 1),  # the other one is over and done with
        OpenCount("a", "s", Severity.HIGH, AlarmState.IN_PROGRESS, 1),
    }
    assert Tallies(store.engine).closings(0.0) == {("a", Closing.FALSE): 1}
    assert Tallies(store.engine).closings(events[4].occurred_at) == {}


def test_more_than_is_looked_at_is_told(
    sqlite_store: EventStore, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "SCANNED", 3)
    fill(sqlite_store, [make_event(region_id="a" if n else "b") for n in range(4)])
    told = Tallies(sqlite_store.engine).open_alarms()
    assert ([count.region_id for count in told.counts], told.complete) == (["a"], False), "the newest are counted"


def test_hours_are_read_from_an_index_alone(sqlite_store: EventStore, make_event: MakeEvent) -> None:
    """10 M rows must not be looked up one by one."""
    fill(sqlite_store, [make_event(region_id=f"r{n % 7}") for n in range(200)])
    seen: list[str] = []
    engine = sqlite_store.engine
    with reading(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT region_id, CAST(occurred_at / 3600 AS INTEGER), count(*) FROM events "
            "WHERE region_id IN ('r1', 'r2', 'r3') AND occurred_at >= 5 GROUP BY 1, 2"
        )
        seen = [str(row[-1]) for row in plan]
    assert any("COVERING INDEX events_by_region_id" in step for step in seen), seen
