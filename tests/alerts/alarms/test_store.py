"""What people did about alarms, kept: on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from alerts.alarms.life import Actor, AlarmState, Closing, Command, Do, Standing
from alerts.alarms.store import AlarmStore, Refused
from alerts.event import Event
from alerts.records import AlarmChange, EventFilter, Step
from alerts.storage.database import migrate, open_engine, writing
from alerts.storage.migrations import MIGRATIONS
from alerts.store import PART, EventStore, UnknownEvent

MakeEvent = Callable[..., Event]
WANG, LI = Actor("u1", "王"), Actor("u2", "李")


@pytest.fixture
def alarms(store: EventStore) -> AlarmStore:
    return AlarmStore(store.engine)


def put(store: EventStore, *events: Event) -> None:
    store.append([(f"{1000 + n}-0", event) for n, event in enumerate(events)])


def test_a_life_is_kept_step_by_step(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    event = make_event()
    put(store, event)
    assert alarms.steps(event.id) == ()
    alarms.take(event.id, [Command(Do.ACKNOWLEDGE, "看到"), Command(Do.OWN)], WANG, 10.0)
    alarms.take(event.id, [Command(Do.SHELVE, "施工", until=70.0)], LI, 20.0)
    alarms.take(event.id, [Command(Do.UNSHELVE)], LI, 30.0)
    (change,) = alarms.take(event.id, [Command(Do.CLOSE, closing=Closing.FALSE)], WANG, 40.0)
    row = store.get(event.id)
    assert change.standing == Standing.model_validate({name: getattr(row, name) for name in Standing.model_fields})
    assert (row.state, row.closing, row.owner_name, row.comment) == (AlarmState.CLOSED, Closing.FALSE, "王", "施工")
    assert (row.acknowledged_by, row.acknowledged_at, row.version) == ("u1", 10.0, 5)
    steps = alarms.steps(event.id)
    assert [(step.by, step.at, step.command, step.before, step.after) for step in steps] == [
        ("u1", 10.0, Do.ACKNOWLEDGE, AlarmState.NEW, AlarmState.ACKNOWLEDGED),
        ("u1", 10.0, Do.OWN, AlarmState.ACKNOWLEDGED, AlarmState.ACKNOWLEDGED),
        ("u2", 20.0, Do.SHELVE, AlarmState.ACKNOWLEDGED, AlarmState.SHELVED),
        ("u2", 30.0, Do.UNSHELVE, AlarmState.SHELVED, AlarmState.ACKNOWLEDGED),
        ("u1", 40.0, Do.CLOSE, AlarmState.ACKNOWLEDGED, AlarmState.CLOSED),
    ]
    assert (steps[2].until, steps[4].closing, steps[1].owner) == (70.0, Closing.FALSE, "u1")


def test_all_steps_of_a_call_or_none(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    event = make_event()
    put(store, event)
    alarms.take(event.id, [Command(Do.OWN)], LI, 1.0)
    with pytest.raises(Refused, match="李 has this alarm already") as told:
        alarms.take(event.id, [Command(Do.ACKNOWLEDGE), Command(Do.OWN)], WANG, 2.0)
    assert store.get(event.id).state is AlarmState.NEW
    assert told.value.last is not None
    assert (told.value.last.by_name, told.value.last.at) == ("李", 1.0)
    with pytest.raises(UnknownEvent):
        alarms.take("nothing", [Command(Do.ACKNOWLEDGE)], WANG, 1.0)


def test_who_looks_at_an_older_version_is_told(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    event = make_event()
    put(store, event)
    alarms.take(event.id, [Command(Do.ACKNOWLEDGE)], WANG, 1.0, version=0)
    with pytest.raises(Refused, match="faster"):
        alarms.take(event.id, [Command(Do.OWN)], LI, 2.0, version=0)
    alarms.take(event.id, [Command(Do.OWN)], LI, 3.0, version=1)


def test_of_those_who_act_at_once_one_wins(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    events = [make_event() for _ in range(10)]
    put(store, *events)
    together = threading.Barrier(4)

    def person(name: str) -> list[AlarmChange | Step | None]:
        got: list[AlarmChange | Step | None] = []
        for event in events:
            together.wait(60)
            try:
                got += alarms.take(event.id, [Command(Do.ACKNOWLEDGE, f"by {name}")], Actor(name, name.upper()), 5.0)
            except Refused as refused:
                got.append(refused.last)
        return got

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(person, "abcd"))
    for n, event in enumerate(events):
        mine = [answer[n] for answer in answers]
        (won,) = [answer for answer in mine if isinstance(answer, AlarmChange)]
        told = [answer for answer in mine if isinstance(answer, Step)]
        assert [(step.by, step.by_name, step.comment) for step in told] == [(won.by, won.by_name, won.comment)] * 3
        row = store.get(event.id)
        assert (row.state, row.acknowledged_by, row.comment) == (AlarmState.ACKNOWLEDGED, won.by, f"by {won.by}")


def test_the_clocks_find_what_is_due(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    early, late, shelved, closed = (make_event(region_id="east") for _ in range(4))
    put(store, early, late, shelved, closed)
    assert [row.id for row in alarms.unrouted(0.0, 10)] == [early.id, late.id, shelved.id, closed.id]
    routes = [(event.id, 0, Command(Do.ROUTE, desk="d", due_at=100.0 + n)) for n, event in enumerate((early, late))]
    assert len(alarms.take_each([*routes, ("gone", 0, Command(Do.ROUTE, desk="d"))], 50.0)) == 2
    alarms.take(shelved.id, [Command(Do.SHELVE, until=60.0)], WANG, 50.0)
    alarms.take(closed.id, [Command(Do.ACKNOWLEDGE), Command(Do.CLOSE, closing=Closing.TEST)], WANG, 50.0)
    assert alarms.unrouted(0.0, 10) == []
    assert [row.id for row in alarms.overdue(100.5, 10)] == [early.id]
    assert alarms.shelf_ended(59.0, 10) == []
    assert [row.id for row in alarms.shelf_ended(60.0, 10)] == [shelved.id]
    assert [row.id for row in alarms.open_of("d", 10)] == [early.id, late.id]
    alarms.take(early.id, [Command(Do.ACKNOWLEDGE)], WANG, 101.0)
    assert alarms.overdue(100.5, 10) == []
    # Somebody acknowledged before the escalation came: it is left out, not an error.
    assert alarms.take_each([(early.id, 1, Command(Do.ESCALATE, desk="up", due_at=300.0))], 102.0) == []


def test_an_alarm_follows_its_situation(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    event = make_event()
    put(store, event)
    assert len(alarms.follow([(event.id, 9.0), ("gone", 9.0)])) == 1
    assert alarms.follow([(event.id, 9.0)]) == []
    assert (store.get(event.id).returned_at, store.get(event.id).state) == (9.0, AlarmState.NEW)
    alarms.follow([(event.id, None)])
    assert store.get(event.id).returned_at is None
    alarms.follow([(event.id, 20.0)])
    assert store.get(event.id).returned_at == 20.0
    assert [step.command for step in alarms.steps(event.id)] == [Do.RETURN, Do.RECUR, Do.RETURN]


def test_what_is_seen_and_over_is_open_no_more(store: EventStore, alarms: AlarmStore, make_event: MakeEvent) -> None:
    seen, over, both, closed, _ = events = [make_event() for _ in range(5)]
    put(store, *events)
    routes = [(event.id, 0, Command(Do.ROUTE, desk="d", due_at=1e12)) for event in events[:4]]
    alarms.take_each(routes, 1.0)
    for event in (seen, both, closed):
        alarms.take(event.id, [Command(Do.ACKNOWLEDGE)], WANG, 2.0)
    alarms.take(closed.id, [Command(Do.CLOSE, closing=Closing.TEST)], WANG, 2.0)
    alarms.follow([(over.id, 3.0), (both.id, 3.0)])
    assert [row.id for row in alarms.open_of("d", 10)] == [seen.id, over.id]
    assert alarms.open_counts() == {"d": 2}
    number, oldest = alarms.standing(EventFilter(until=1e12), 2)
    assert (number, [each.event_id for each in oldest]) == (3, [seen.id, over.id])


def test_an_older_database_keeps_who_acknowledged_what(database_url: str, make_event: MakeEvent) -> None:
    seen, unseen = make_event(), make_event()
    engine = open_engine(database_url)
    migrate(engine, PART, MIGRATIONS[:1])
    with writing(engine) as connection:
        for n, event in enumerate((seen, unseen)):
            values = {"id": event.id, "n": n, "at": float(n), "done": n == 0, "data": event.model_dump_json()}
            connection.execute(
                text("INSERT INTO events VALUES (:id, :n, 'k', 'high', 'c', 's', 'r', :at, 1, :done, false, :data)"),
                values,
            )
        connection.execute(
            text("INSERT INTO alarms VALUES (:id, 'acknowledged', 'u1', '王', 5.5, '看过')"), {"id": seen.id}
        )
    store = EventStore(engine)
    assert store.migrate() > 0
    row = store.get(seen.id)
    assert (row.state, row.acknowledged_by_name, row.acknowledged_at, row.comment, row.version) == (
        AlarmState.ACKNOWLEDGED,
        "王",
        5.5,
        "看过",
        1,
    )
    assert store.get(unseen.id).state is AlarmState.NEW
    assert store.totals().new == 1
    (step,) = AlarmStore(engine).steps(seen.id)
    assert (step.command, step.by, step.comment) == (Do.ACKNOWLEDGE, "u1", "看过")
    engine.dispose()


def test_what_is_past_retention_takes_its_history_along(
    store: EventStore, alarms: AlarmStore, make_event: MakeEvent
) -> None:
    event = make_event()
    put(store, event)
    alarms.take(event.id, [Command(Do.ACKNOWLEDGE)], WANG, 1.0)
    store.purge(event.occurred_at + 1)
    assert alarms.steps(event.id) == ()
