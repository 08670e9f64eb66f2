"""The store's contract, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text, update

from alerts.alarms.life import Actor, AlarmState, Command, Do
from alerts.alarms.store import AlarmStore
from alerts.event import Event, Snapshot
from alerts.records import EventFilter, Purged
from alerts.storage.database import open_engine, reading, writing
from alerts.storage.queries import BadCursor, cursor_of, page_query
from alerts.storage.schema import events
from alerts.store import EventStore, UnknownEvent
from configs.schema import Severity

MakeEvent = Callable[..., Event]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def fill(store: EventStore, events: list[Event]) -> None:
    assert store.append([(f"{1000 + n}-0", event) for n, event in enumerate(events)]) == len(events)


def acknowledge(store: EventStore, event: Event) -> None:
    AlarmStore(store.engine).take(event.id, [Command(Do.ACKNOWLEDGE)], Actor("u1", "王"), 1.0)


def test_what_goes_in_comes_out(store: EventStore, make_event: MakeEvent) -> None:
    picture = Snapshot(path="snapshots/2026/09/21/x.jpg", sha256="00", width=640, height=360)
    event = make_event(snapshot=picture, measured=6.2, limit=5.0, unit="s", rule_name="夜间 翻越")
    store.append([("1790000000000-3", event)])
    row = store.get(event.id)
    assert Event.model_validate({name: getattr(row, name) for name in Event.model_fields}) == event
    assert (row.stream_id, row.state, row.repeats) == ("1790000000000-3", AlarmState.NEW, 0)
    assert row.snapshot_url == f"/api/events/{event.id}/snapshot"


def test_an_event_that_comes_again_is_stored_once(store: EventStore, make_event: MakeEvent) -> None:
    one, two = make_event(), make_event()
    assert store.append([("1-0", one), ("2-0", one), ("3-0", two)]) == 2
    assert store.append([("4-0", two), ("5-0", one)]) == 0
    assert [row.stream_id for row in store.after_stream_id("0-0", 10)] == ["1-0", "3-0"]


def test_an_unknown_event_is_said_to_be_unknown(store: EventStore) -> None:
    with pytest.raises(UnknownEvent):
        store.get("nothing")


def test_pages_go_from_new_to_old_without_gap_or_repeat(store: EventStore, make_event: MakeEvent) -> None:
    # Some occur at the very same time: the id breaks the tie.
    events = [make_event(occurred_at=1000.0 + n // 3 * 0.1) for n in range(23)]
    fill(store, events)
    seen, cursor = [], None
    while True:
        page = store.query(EventFilter(), cursor, limit=5)
        seen += [(row.occurred_at, row.id) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
        # What happens meanwhile does not shift the pages.
        store.append([(f"{9000 + len(seen)}-0", make_event(occurred_at=5000.0))])
    assert seen == sorted(((event.occurred_at, event.id) for event in events), reverse=True)


@pytest.mark.parametrize("cursor", ["", "x", "!!!!", "bm90IGE=", "МЖ"])
def test_a_made_up_cursor_is_refused(store: EventStore, cursor: str) -> None:
    with pytest.raises(BadCursor):
        store.query(EventFilter(), cursor)
    with pytest.raises(BadCursor):
        store.count_after(cursor)


def test_filters_find_what_they_name(store: EventStore, make_event: MakeEvent) -> None:
    a = make_event(kind="crowding", severity=Severity.LOW, camera_id="c1", site_id="s1", region_id="r1")
    b = make_event(kind="intrusion", severity=Severity.HIGH, camera_id="c2", site_id="s1", region_id="r2")
    c = make_event(kind="crowding", severity=Severity.CRITICAL, camera_id="c3", site_id="s2", region_id="r2")
    fill(store, [a, b, c])
    acknowledge(store, b)
    cases: list[tuple[EventFilter, list[Event]]] = [
        (EventFilter(), [c, b, a]),
        (EventFilter(since=b.occurred_at), [c, b]),
        (EventFilter(until=b.occurred_at), [a]),
        (EventFilter(kinds=("crowding",)), [c, a]),
        (EventFilter(kinds=("crowding", "intrusion")), [c, b, a]),
        (EventFilter(severities=(Severity.LOW, Severity.CRITICAL)), [c, a]),
        (EventFilter(cameras=("c2",)), [b]),
        (EventFilter(sites=("s1",)), [b, a]),
        (EventFilter(regions=("r2",), kinds=("crowding",)), [c]),
        (EventFilter(states=(AlarmState.NEW,)), [c, a]),
        (EventFilter(states=(AlarmState.ACKNOWLEDGED,)), [b]),
        (EventFilter(states=(AlarmState.NEW, AlarmState.ACKNOWLEDGED)), [c, b, a]),
        (EventFilter(states=tuple(AlarmState)), [c, b, a]),
        (EventFilter(states=(AlarmState.CLOSED, AlarmState.SHELVED)), []),
        (EventFilter(regions=()), []),
        (EventFilter(states=()), []),
    ]
    for wanted, expected in cases:
        assert [row.id for row in store.query(wanted).rows] == [event.id for event in expected], wanted
        assert store.count(wanted) == len(expected), wanted
    assert store.count(EventFilter(), at_most=2) == 2


def test_a_reader_with_a_cursor_gets_the_rest_in_order(store: EventStore, make_event: MakeEvent) -> None:
    events = [make_event() for _ in range(5)]
    fill(store, events)
    assert [row.id for row in store.after_stream_id("1001-0", 2)] == [events[2].id, events[3].id]
    assert store.count_after("1001-0") == 3
    assert store.count_after("1001-1") == 3
    assert store.count_after("1004-0") == 0
    assert store.last_stream_id() == "1004-0"


def test_a_histogram_counts_by_local_time_with_its_empty_buckets(store: EventStore, make_event: MakeEvent) -> None:
    midnight = datetime(2026, 5, 1, tzinfo=SHANGHAI).timestamp()
    times = [midnight - 1, midnight, midnight + 3599, midnight + 7200, midnight + 86400]
    fill(store, [make_event(occurred_at=at, kind="crowding" if n == 2 else "intrusion") for n, at in enumerate(times)])
    wanted = EventFilter(since=midnight, until=midnight + 3 * 3600)
    hours = store.histogram(wanted, "hour", SHANGHAI)
    assert [(bucket.start - midnight, bucket.counts) for bucket in hours] == [
        (0, {"intrusion": 1, "crowding": 1}),
        (3600, {}),
        (7200, {"intrusion": 1}),
    ]
    days = store.histogram(EventFilter(since=midnight - 1, until=midnight + 86401), "day", SHANGHAI)
    assert [sum(bucket.counts.values()) for bucket in days] == [1, 3, 1]


def test_a_day_has_as_many_hours_as_the_clocks_give_it(store: EventStore, make_event: MakeEvent) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = datetime(2026, 3, 29, tzinfo=berlin).timestamp()
    fill(store, [make_event(occurred_at=spring + 22.5 * 3600), make_event(occurred_at=spring + 23.5 * 3600)])
    days = store.histogram(EventFilter(since=spring, until=spring + 47 * 3600), "day", berlin)
    assert [(bucket.start - spring, sum(bucket.counts.values())) for bucket in days] == [(0, 1), (23 * 3600, 1)]


def test_a_histogram_without_bounds_is_refused(store: EventStore) -> None:
    with pytest.raises(ValueError, match="since and until"):
        store.histogram(EventFilter(since=0), "day", SHANGHAI)
    with pytest.raises(ValueError, match="buckets"):
        store.histogram(EventFilter(since=0, until=1e10), "hour", ZoneInfo("UTC"))


def test_repeats_are_set_and_never_fall(store: EventStore, make_event: MakeEvent) -> None:
    event = make_event()
    fill(store, [event])
    store.set_repeats({event.id: 3})
    store.set_repeats({event.id: 5, "another": 1})
    store.set_repeats({event.id: 4})
    store.set_repeats({})
    assert store.get(event.id).repeats == 5


def test_a_purge_removes_and_counts_all_that_is_too_old(
    store: EventStore, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.store.PURGE_CHUNK", 3)
    events = [make_event() for _ in range(8)]
    fill(store, events)
    acknowledge(store, events[0])
    store.set_repeats({events[1].id: 2, events[7].id: 2})
    assert store.purge(events[7].occurred_at) == Purged(events=7, alarms=1, repeats=1)
    assert store.purge(events[7].occurred_at) == Purged()
    assert [row.id for row in store.query(EventFilter()).rows] == [events[7].id]
    assert store.gone_after("0-0") == 7
    assert store.gone_after("1002-0") == 4
    assert store.gone_after("1007-0") == 0
    assert store.totals().events == 1


def test_a_picture_past_its_time_is_no_longer_offered(store: EventStore, make_event: MakeEvent) -> None:
    picture = Snapshot(path="snapshots/2026/09/21/x.jpg", sha256="00", width=640, height=360)
    old, new, without = make_event(snapshot=picture), make_event(snapshot=picture), make_event()
    fill(store, [old, new, without])
    assert store.forget_pictures(new.occurred_at) == 1
    assert store.forget_pictures(new.occurred_at) == 0
    assert (store.get(old.id).snapshot, store.get(old.id).snapshot_url) == (None, None)
    assert store.get(new.id).snapshot == picture


def test_totals_say_what_there_is(store: EventStore, make_event: MakeEvent) -> None:
    assert (store.totals().events, store.totals().oldest_at) == (0, None)
    events = [make_event() for _ in range(3)]
    fill(store, events)
    acknowledge(store, events[1])
    totals = store.totals()
    assert (totals.events, totals.new) == (3, 2)
    assert (totals.oldest_at, totals.newest_at) == (events[0].occurred_at, events[2].occurred_at)


def test_another_process_sees_it_after_a_reopening(database_url: str, make_event: MakeEvent) -> None:
    event = make_event()
    for expected in (1, 0):
        engine = open_engine(database_url)
        store = EventStore(engine)
        store.migrate()
        assert store.append([("1-0", event)]) == expected
        engine.dispose()


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (EventFilter(cameras=("rare",)), "events_by_camera_id"),
        (EventFilter(regions=("rare",), since=0.0), "events_by_region_id"),
        (EventFilter(kinds=("crowding",)), "events_by_kind"),
        (EventFilter(states=(AlarmState.NEW,)), "events_by_state"),
        (EventFilter(since=1.0), "events_by_time"),
    ],
)
def test_sqlite_serves_a_rare_filter_and_its_order_from_one_index(
    sqlite_engine: Engine,
    sqlite_store: EventStore,
    make_event: MakeEvent,
    wanted: EventFilter,
    index: str,
) -> None:
    common = [make_event() for _ in range(600)]
    fill(sqlite_store, [*common, make_event(camera_id="rare", region_id="rare", kind="crowding")])
    with writing(sqlite_engine) as connection:
        connection.execute(update(events).where(events.c.camera_id != "rare").values(state="acknowledged"))
        # With statistics the planner knows how common the common ones are, and must still not walk by time.
        connection.execute(text("ANALYZE"))
    cursor = cursor_of(2e9, "f")
    for query in (page_query(wanted, None, 51), page_query(wanted, cursor, 51)):
        sql = query.compile(sqlite_engine, compile_kwargs={"literal_binds": True})
        with reading(sqlite_engine) as connection:
            steps = [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
        assert index in steps[0]
        assert not any("TEMP B-TREE" in step for step in steps)


def test_times_are_kept_to_the_last_bit(store: EventStore, make_event: MakeEvent) -> None:
    at = datetime(2026, 5, 1, 12, 0, 0, 123457, tzinfo=UTC).timestamp() + 1e-7
    event = make_event(occurred_at=at)
    fill(store, [event])
    assert store.get(event.id).occurred_at == at
    assert store.query(EventFilter(since=at)).rows
    assert not store.query(EventFilter(until=at)).rows
