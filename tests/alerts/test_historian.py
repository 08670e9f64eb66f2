"""The historian: every event once, whoever dies."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from redis import Redis
from sqlalchemy import Engine, delete
from sqlalchemy.exc import OperationalError

from alerts.bus import EVENTS_KEY, SUPPRESSED_KEY, EventBus
from alerts.delivery.backoff import Backoff
from alerts.delivery.connection import connect
from alerts.delivery.trim import GROUP
from alerts.event import Candidate, Event, SituationUpdate
from alerts.event_id import new_event_id
from alerts.historian import DEAD_KEY, TRIM_EVERY_S, Historian
from alerts.recording.evidence import Evidence, publish
from alerts.records import AlarmChange, EventFilter
from alerts.redis_server import RedisLaunch, launch
from alerts.situation_store import SituationStore
from alerts.storage.database import writing
from alerts.storage.evidence import EvidenceStore
from alerts.storage.schema import events
from alerts.store import EventStore
from configs.schema import Retention

MakeCandidate = Callable[..., Candidate]
MakeHistorian = Callable[..., Historian]
StartRedis = Callable[[RedisLaunch], subprocess.Popen[bytes]]
ROOT = Path(__file__).parents[2]


class AtOnce(Backoff):
    """Tries again almost at once, and tells that it had to."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = threading.Semaphore(0)

    def wait_s(self) -> float:
        self.failed.release()
        return super().wait_s() * 0.05


@pytest.fixture
def make_historian(tmp_path: Path) -> MakeHistorian:
    def make(client: Redis, store: EventStore, **changes: object) -> Historian:
        settings: dict[str, object] = {
            "consumer": "h1",
            "evidence": tmp_path / "evidence",
            "retention": Retention(),
            "clock": lambda: 1_790_000_000.0,
            "backoff": AtOnce(),
            "block_ms": 20,
        }
        return Historian(client, store, **(settings | changes))  # type: ignore[arg-type]  # a table of keywords

    return make


@contextmanager
def running(historian: Historian) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=historian.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    """Wait on a condition of another thread; a condition that never comes fails the test."""
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("never came")


def pending(client: Redis) -> int:
    return int(cast("dict[str, int]", client.xpending(EVENTS_KEY, GROUP))["pending"])


def stored(store: EventStore) -> list[str]:
    return [row.id for row in store.after_stream_id("0-0", 100_000)]


def test_every_event_is_stored_and_then_acknowledged(
    redis_client: Redis, store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    bus = EventBus(redis_client)
    sent = [make_candidate() for _ in range(700)]
    bus.publish(sent)
    bus.announce(AlarmChange(event_id=sent[0].event.id, by="u1", by_name="王", at=1.0))
    historian = make_historian(redis_client, store)
    historian.begin()
    while historian.step():
        pass
    assert stored(store) == [candidate.event.id for candidate in sent]
    assert pending(redis_client) == 0
    counters = historian.counters()
    assert (counters["entries"], counters["stored"], counters["alarms"], counters["dead"]) == (701, 700, 1, 0)


def test_what_came_before_an_orderly_stop_is_stored_and_counted_by_it(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = [make_candidate("k", window_s=600) for _ in range(3)]

    class Stop(threading.Event):
        """Asked for the third time, after one step, it is set: the workers have just told what they had left."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            if self.asked == 3:
                EventBus(redis_client).publish(sent)
            return self.asked >= 3

    make_historian(redis_client, sqlite_store).run(Stop())
    assert stored(sqlite_store) == [sent[0].event.id]
    assert sqlite_store.get(sent[0].event.id).repeats == 2
    assert pending(redis_client) == 0


def test_killed_between_commit_and_acknowledgement_it_doubles_nothing(
    redis_launch: RedisLaunch,
    redis_client: Redis,
    sqlite_engine: Engine,
    sqlite_store: EventStore,
    make_candidate: MakeCandidate,
    make_historian: MakeHistorian,
    tmp_path: Path,
) -> None:
    sent = [make_candidate() for _ in range(20)]
    EventBus(redis_client).publish(sent)
    program = f"""
        import os, signal
        from pathlib import Path
        from alerts.delivery.connection import connect
        from alerts.historian import Historian
        from alerts.storage.database import open_engine
        from alerts.store import EventStore
        from configs.schema import Retention

        client = connect({redis_launch.url!r}, name="victim")
        client.xack = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        store = EventStore(open_engine({str(sqlite_engine.url)!r}))
        historian = Historian(client, store, consumer="h1", evidence=Path("{tmp_path}"), retention=Retention())
        historian.begin()
        historian.step()
    """
    victim = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=False, timeout=60)
    assert victim.returncode == -9
    assert (len(stored(sqlite_store)), pending(redis_client)) == (20, 20)
    historian = make_historian(redis_client, sqlite_store)
    historian.begin()
    assert stored(sqlite_store) == [candidate.event.id for candidate in sent]
    assert pending(redis_client) == 0
    assert historian.counters()["recognised"] == 20


def test_what_a_dead_consumer_was_given_is_taken_over(
    redis_client: Redis,
    sqlite_store: EventStore,
    make_candidate: MakeCandidate,
    make_historian: MakeHistorian,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alerts.historian.CLAIM_IDLE_MS", 0)
    EventBus(redis_client).publish([make_candidate() for _ in range(3)])
    historian = make_historian(redis_client, sqlite_store)
    historian.begin()
    redis_client.xreadgroup(GROUP, "dead", {EVENTS_KEY: ">"})
    historian.step()
    assert len(stored(sqlite_store)) == 3
    assert (pending(redis_client), historian.counters()["claimed"]) == (0, 3)


def test_an_entry_that_cannot_be_read_is_put_aside_and_the_rest_goes_on(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    bus = EventBus(redis_client)
    good = [make_candidate(), make_candidate()]
    bus.publish(good[:1])
    newer = good[0].event.model_dump_json().replace('"v":1', '"v":2,"surprise":"s3cret"')
    for data in (b"\xff\xfe", b"", b"{}", newer.encode()):
        redis_client.xadd(EVENTS_KEY, {"type": "event", "data": data})
    redis_client.xadd(EVENTS_KEY, {"kind": "else"})
    bus.publish(good[1:])
    historian = make_historian(redis_client, sqlite_store)
    historian.begin()
    historian.step()
    assert stored(sqlite_store) == [candidate.event.id for candidate in good]
    assert (historian.counters()["dead"], pending(redis_client)) == (5, 0)
    dead = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis_client.xrange(DEAD_KEY))
    assert [fields.get(b"data") for _, fields in dead] == [b"\xff\xfe", b"", b"{}", newer.encode(), None]
    reasons = [fields[b"reason"].decode() for _, fields in dead]
    assert reasons[3] == "not readable: surprise, v"
    assert "s3cret" not in "".join(reasons)
    assert all(fields[b"stream_id"] for _, fields in dead)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_event_that_the_database_refuses_is_put_aside_alone(
    redis_client: Redis, store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = [make_candidate(), make_candidate(camera_id="c" * 65), make_candidate()]
    EventBus(redis_client).publish(sent)
    historian = make_historian(redis_client, store)
    historian.begin()
    historian.step()
    assert stored(store) == [sent[0].event.id, sent[2].event.id]
    counters = historian.counters()
    assert (counters["entries"], counters["stored"], counters["dead"]) == (3, 2, 1)
    assert pending(redis_client) == 0


def test_how_situations_go_on_reaches_the_store(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = make_candidate()
    EventBus(redis_client).publish([sent])
    event = sent.event
    end = SituationUpdate(
        event_id=event.id, at=event.detected_at + 9, phase="end", measured=1, peak=4, hits=2, ended_at=event.detected_at
    )
    redis_client.xadd(EVENTS_KEY, {"type": "update", "data": end.model_dump_json()})
    historian = make_historian(redis_client, sqlite_store)
    historian.begin()
    historian.step()
    row = SituationStore(sqlite_store.engine).of([event.id])[event.id]
    assert (row.peak, row.hits, row.ended_at) == (4, 2, event.detected_at)
    assert (historian.counters()["updates"], pending(redis_client)) == (1, 0)


def test_a_clock_that_is_wrong_orders_nothing(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    now = time.time()
    ahead = make_candidate(occurred_at=now + 86_400, detected_at=now)
    right = make_candidate(occurred_at=now + 1, detected_at=now + 1)
    EventBus(redis_client).publish([ahead, right])
    historian = make_historian(redis_client, sqlite_store, clock=time.time)
    historian.begin()
    historian.step()
    first = sqlite_store.query(EventFilter(), limit=1)
    second = sqlite_store.query(EventFilter(), first.next_cursor, limit=1)
    assert [row.id for row in (*first.rows, *second.rows)] == [right.event.id, ahead.event.id]
    (row,) = second.rows
    assert row.occurred_at == now + 86_400
    assert row.situation is not None
    assert row.situation.clock_suspect


def test_an_event_that_cannot_be_stored_is_tried_three_times_and_put_aside_alone(
    redis_client: Redis, sqlite_engine: Engine, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = [make_candidate() for _ in range(3)]
    tries: list[int] = []

    class Poisoned(EventStore):
        def append(self, entries: Sequence[tuple[str, Event]], ordered_at: Mapping[str, float] | None = None) -> int:
            if any(event.id == sent[1].event.id for _, event in entries):
                tries.append(len(entries))
                raise OverflowError("cannot convert float infinity to integer")
            return super().append(entries, ordered_at)

    store = Poisoned(sqlite_engine)
    store.migrate()
    EventBus(redis_client).publish(sent)
    historian = make_historian(redis_client, store)
    historian.begin()
    historian.step()
    assert stored(store) == [sent[0].event.id, sent[2].event.id]
    assert tries == [3, 1, 1, 1]
    assert (historian.counters()["dead"], pending(redis_client)) == (1, 0)
    ((_, fields),) = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis_client.xrange(DEAD_KEY))
    assert fields[b"reason"] == b"cannot be stored: OverflowError"


def test_an_entry_that_ends_the_historian_each_time_is_found_and_put_aside(
    redis_client: Redis, sqlite_engine: Engine, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = [make_candidate() for _ in range(5)]

    class Killed(BaseException):
        pass

    class Deadly(EventStore):
        def append(self, entries: Sequence[tuple[str, Event]], ordered_at: Mapping[str, float] | None = None) -> int:
            if any(event.id == sent[2].event.id for _, event in entries):
                raise Killed
            return super().append(entries, ordered_at)

    store = Deadly(sqlite_engine)
    store.migrate()
    EventBus(redis_client).publish(sent)
    lives = 0
    while lives < 20:
        lives += 1
        historian = make_historian(redis_client, store)
        try:
            historian.begin()
            historian.step()
        except Killed:
            continue
        break
    assert lives < 12
    assert stored(store) == [candidate.event.id for candidate in sent if candidate is not sent[2]]
    assert pending(redis_client) == 0
    ((_, fields),) = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis_client.xrange(DEAD_KEY))
    assert b"ended the historian" in fields[b"reason"]


def test_a_database_that_is_busy_is_waited_for(
    redis_client: Redis, sqlite_engine: Engine, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    class Busy(EventStore):
        refusals = 3

        def append(self, entries: Sequence[tuple[str, Event]], ordered_at: Mapping[str, float] | None = None) -> int:
            if self.refusals:
                self.refusals -= 1
                raise OperationalError("INSERT", {}, Exception("database is locked"))
            return super().append(entries, ordered_at)

    store = Busy(sqlite_engine)
    store.migrate()
    EventBus(redis_client).publish([make_candidate() for _ in range(5)])
    historian = make_historian(redis_client, store)
    with running(historian):
        until(lambda: historian.counters()["stored"] == 5)
    assert (historian.counters()["failures"], pending(redis_client)) == (3, 0)


def test_a_server_that_dies_is_waited_for(
    redis_program: Path,
    start_redis: StartRedis,
    tmp_path: Path,
    sqlite_store: EventStore,
    make_candidate: MakeCandidate,
    make_historian: MakeHistorian,
) -> None:
    server = launch(redis_program, tmp_path)
    process = start_redis(server)
    client, reader = connect(server.url, name="test"), connect(server.url, name="historian")
    backoff = AtOnce()
    sent = [make_candidate() for _ in range(4)]
    historian = make_historian(reader, sqlite_store, backoff=backoff)
    EventBus(client).publish(sent[:2])
    with running(historian):
        until(lambda: len(stored(sqlite_store)) == 2)
        process.kill()
        process.wait(60)
        assert backoff.failed.acquire(timeout=60)
        process = start_redis(server)
        EventBus(client).publish(sent[2:])
        until(lambda: len(stored(sqlite_store)) == 4)
    assert stored(sqlite_store) == [candidate.event.id for candidate in sent]
    client.close()
    reader.close()
    process.kill()
    process.wait(60)


def test_a_database_put_back_from_a_copy_catches_up(
    redis_client: Redis,
    sqlite_engine: Engine,
    sqlite_store: EventStore,
    make_candidate: MakeCandidate,
    make_historian: MakeHistorian,
) -> None:
    sent = [make_candidate() for _ in range(6)]
    EventBus(redis_client).publish(sent)
    first = make_historian(redis_client, sqlite_store)
    first.begin()
    first.step()
    with writing(sqlite_engine) as connection:
        connection.execute(delete(events).where(events.c.id.in_([candidate.event.id for candidate in sent[3:]])))
    make_historian(redis_client, sqlite_store).begin()
    assert stored(sqlite_store) == [candidate.event.id for candidate in sent]


def test_repeats_reach_the_store_and_final_ones_leave_the_server(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    sent = [make_candidate("k") for _ in range(4)]
    EventBus(redis_client).publish(sent)
    old = new_event_id(lambda: 1_700_000_000.0)
    redis_client.hset(SUPPRESSED_KEY, old, 7)
    historian = make_historian(redis_client, sqlite_store)
    historian.begin()
    historian.step()
    assert sqlite_store.get(sent[0].event.id).repeats == 3
    assert redis_client.hkeys(SUPPRESSED_KEY) == [sent[0].event.id.encode()]


def test_the_stream_is_cut_behind_the_historian_only(
    redis_client: Redis, sqlite_store: EventStore, make_candidate: MakeCandidate, make_historian: MakeHistorian
) -> None:
    now = [0.0]
    historian = make_historian(redis_client, sqlite_store, monotonic=lambda: now[0])
    day_before_yesterday = 1_790_000_000_000 - 2 * 86_400_000
    for n in range(1000):
        event = make_candidate().event
        redis_client.xadd(
            EVENTS_KEY, {"type": "event", "data": event.model_dump_json()}, id=f"{day_before_yesterday + n}-0"
        )
    recent = make_candidate().event
    historian.begin()
    historian.step()  # 500 of them
    now[0] += TRIM_EVERY_S
    historian._trim()
    assert redis_client.xlen(EVENTS_KEY) >= 500, "what is not read yet stays, however old"
    assert redis_client.xlen(EVENTS_KEY) + historian.counters()["trimmed"] == 1000
    assert historian.counters()["trimmed"] > 0
    redis_client.xadd(EVENTS_KEY, {"type": "event", "data": recent.model_dump_json()}, id="1790000000000-0")
    while historian.step():
        pass
    now[0] += TRIM_EVERY_S
    historian.step()
    assert len(stored(sqlite_store)) == 1001
    # A cut takes whole nodes of the stream, a hundred entries each.
    assert 1 <= redis_client.xlen(EVENTS_KEY) <= 101


def test_retention_removes_events_and_whole_days_of_pictures(
    redis_client: Redis,
    sqlite_store: EventStore,
    make_candidate: MakeCandidate,
    make_historian: MakeHistorian,
    tmp_path: Path,
) -> None:
    evidence = tmp_path / "evidence"
    for day in ("2026/08/01", "2026/09/19", "2026/09/20", "2026/09/21"):
        folder = evidence / "snapshots" / day
        folder.mkdir(parents=True)
        (folder / "x.jpg").write_bytes(b"x")
    other = evidence / "snapshots" / "lost+found" / "a" / "b"
    other.mkdir(parents=True)
    now = 1_790_000_000.0  # 2026-09-21, in the afternoon (UTC)
    old, new = make_candidate(occurred_at=now - 3 * 86400), make_candidate(occurred_at=now)
    sqlite_store.append([("1-0", old.event), ("2-0", new.event)])
    historian = make_historian(redis_client, sqlite_store, retention=Retention(events_days=2, snapshots_days=1))
    historian.purge()
    assert [row.id for row in sqlite_store.query(EventFilter()).rows] == [new.event.id]
    assert sorted(str(path.relative_to(evidence / "snapshots")) for path in evidence.rglob("*.jpg")) == [
        "2026/09/20/x.jpg",
        "2026/09/21/x.jpg",
    ]
    assert not (evidence / "snapshots" / "2026" / "08").exists()
    assert other.exists()
    assert historian.counters()["purged"] == 1


def test_news_of_a_clip_is_stored_and_what_is_none_is_set_aside(
    redis_client: Redis, store: EventStore, make_historian: MakeHistorian
) -> None:
    clips = EvidenceStore(store.engine)
    clips.migrate()
    told = Evidence(event_id="e-1", camera_id="gate", path="clips/e-1.mp4", sha256="0" * 64, bytes=7)
    publish(redis_client, told)
    redis_client.xadd(EVENTS_KEY, {"type": "evidence", "data": "{}"})
    historian = make_historian(redis_client, store, clips=clips)
    historian.begin()
    historian.step()
    assert clips.get("e-1") == told
    counted = historian.counters()
    assert (counted["entries"], counted["clips"], counted["dead"]) == (2, 1, 1)
    assert redis_client.xlen(DEAD_KEY) == 1
