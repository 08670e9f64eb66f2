"""What was reported arrives once, whichever of worker and Redis dies, and whatever Redis forgets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis, RedisError

from alerts.bus import DEDUP_PREFIX, EVENTS_KEY, SEEN_PREFIX, SITUATIONS_KEY, SUPPRESSED_KEY, EventBus, Telling
from alerts.delivery.backoff import Backoff
from alerts.delivery.connection import connect
from alerts.delivery.publisher import Publisher
from alerts.delivery.spool import Spool
from alerts.delivery.trim import GROUP, stored_up_to
from alerts.event import Candidate, Event, SituationUpdate
from alerts.historian import Historian
from alerts.rules.base import Ongoing
from alerts.situations import LISTED, SituationState
from alerts.store import EventStore
from configs.schema import Retention

MakeCandidate = Callable[..., Candidate]


class AtOnce(Backoff):
    """Tries again almost at once."""

    def wait_s(self) -> float:
        return super().wait_s() * 0.05


class Clocks:
    """Both clocks of a worker, ``ahead`` of the machine's."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def wall(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def recent(make_candidate: MakeCandidate, clocks: Clocks) -> MakeCandidate:
    """Candidates that were found just now."""

    def make(key: str | None = None, **changes: Any) -> Candidate:
        now = clocks.wall()
        return make_candidate(key, **({"detected_at": now, "occurred_at": now} | changes))

    return make


@pytest.fixture
def life(redis_client: Redis, clocks: Clocks, tmp_path: Path) -> Callable[..., Any]:
    """One life of a worker's reporting, from start to kill."""

    @contextmanager
    def live(client: Redis | None = None, **changes: Any) -> Iterator[Publisher]:
        client = client or redis_client
        spool = Spool(tmp_path / "spool")
        settings: dict[str, Any] = {
            "spool": spool,
            "stored_up_to": partial(stored_up_to, client, EVENTS_KEY, GROUP),
            "cameras": ["gate-1"],
            "backoff": AtOnce(),
            "clock": clocks.monotonic,
            "wall": clocks.wall,
        }
        publisher = Publisher(EventBus(client), **(settings | changes))
        thread = threading.Thread(target=publisher.run)
        thread.start()
        try:
            yield publisher
        finally:
            publisher.stop(flush_s=0)
            thread.join(60)
            assert not thread.is_alive()
            spool.close()

    return live


def until(condition: Callable[[], bool]) -> None:
    """Wait on a condition of another thread; a condition that never comes fails the test."""
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("never came")


def of_type(client: Redis, kind: bytes) -> list[bytes]:
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(EVENTS_KEY))
    return [fields[b"data"] for _, fields in found if fields[b"type"] == kind]


def ids(client: Redis) -> list[str]:
    return [Event.model_validate_json(data).id for data in of_type(client, b"event")]


def updates(client: Redis) -> list[SituationUpdate]:
    return [SituationUpdate.model_validate_json(data) for data in of_type(client, b"update")]


def arrived(publisher: Publisher, number: int) -> Callable[[], bool]:
    def check() -> bool:
        counts = publisher.counters()
        return counts["published"] + counts["merged"] + counts["replayed"] >= number

    return check


def reported(publisher: Publisher, number: int) -> Callable[[], bool]:
    return lambda: publisher.counters()["reported"] >= number


def test_what_a_killed_worker_reported_while_redis_was_away_arrives_after_its_restart(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, tmp_path: Path
) -> None:
    away = connect(f"unix://{tmp_path}/none.sock", name="test")
    sent = [recent() for _ in range(50)]
    with life(away) as publisher:
        publisher.submit(sent)
        until(lambda: publisher.counters()["reported"] == 50)
    assert ids(redis_client) == []
    with life() as publisher:
        until(arrived(publisher, 50))
        assert publisher.counters()["replayed"] == 50
    assert ids(redis_client) == [candidate.event.id for candidate in sent]


def test_an_outage_longer_than_memory_waits_on_the_disk_in_order(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate
) -> None:
    broken = [True]

    class Bus(EventBus):
        def states(self) -> list[str]:
            if broken[0]:
                raise RedisError("away")
            return super().states()

    sent = [recent() for _ in range(300)]
    with life(bound=40) as publisher:
        publisher._bus = Bus(redis_client)
        for start in range(0, 300, 10):
            publisher.submit(sent[start : start + 10])
            until(reported(publisher, start + 10))
        broken[0] = False
        until(arrived(publisher, 300))
        assert publisher.counters()["dropped_overflow"] == 0
    assert sorted(ids(redis_client)) == sorted(candidate.event.id for candidate in sent)
    assert len(ids(redis_client)) == 300


def test_a_redis_that_comes_back_empty_gets_again_what_was_not_stored(
    life: Callable[..., Any],
    redis_client: Redis,
    recent: MakeCandidate,
    sqlite_store: EventStore,
    clocks: Clocks,
    tmp_path: Path,
) -> None:
    historian = Historian(
        redis_client, sqlite_store, consumer="h1", evidence=tmp_path, retention=Retention(), block_ms=5
    )
    stored, hit, lost, late = recent("a", window_s=600), recent("a"), recent("b", window_s=600), recent("a")
    with life() as publisher:
        publisher.submit([stored, hit])
        until(arrived(publisher, 2))
        historian.begin()
        historian.step()
        clocks.ahead += 5  # the spool asks the historian, and the hit is told
        until(lambda: publisher.counters()["spool_settled"] == 1)
        historian.step()
        clocks.ahead += 2
        publisher.submit([lost])
        until(arrived(publisher, 3))
        redis_client.flushall()
        publisher.submit([late])
        until(arrived(publisher, 5))
        assert publisher.counters()["emptied"] == 1
    assert ids(redis_client) == [lost.event.id], "what the store has is not appended again"
    assert publisher.counters()["merged"] == 2, "its window was put back before the next hit came"
    assert redis_client.hget(SUPPRESSED_KEY, stored.event.id) == b"2"
    historian.begin()
    while historian.step():
        pass
    assert {row.id for row in sqlite_store.after_stream_id("0-0", 10)} == {stored.event.id, lost.event.id}


def test_what_others_store_after_redis_was_emptied_does_not_count_as_ours(
    life: Callable[..., Any],
    redis_client: Redis,
    recent: MakeCandidate,
    sqlite_store: EventStore,
    clocks: Clocks,
    tmp_path: Path,
) -> None:
    historian = Historian(
        redis_client, sqlite_store, consumer="h1", evidence=tmp_path, retention=Retention(), block_ms=5
    )
    lost, other = recent(), recent()
    with life() as publisher:
        publisher.submit([lost])
        until(arrived(publisher, 1))
        redis_client.flushall()
        redis_client.xadd(EVENTS_KEY, {"type": "event", "data": other.event.model_dump_json()})
        historian.begin()
        historian.step()
        clocks.ahead += 2  # nothing new is found: it is by asking the historian that the loss is seen
        until(lambda: lost.event.id in ids(redis_client))
        assert publisher.counters()["spool_live"] == 1


def test_the_spool_is_empty_once_all_is_stored_told_and_over(
    life: Callable[..., Any],
    redis_client: Redis,
    recent: MakeCandidate,
    sqlite_store: EventStore,
    clocks: Clocks,
    tmp_path: Path,
) -> None:
    historian = Historian(
        redis_client, sqlite_store, consumer="h1", evidence=tmp_path, retention=Retention(), block_ms=5
    )
    with life() as publisher:
        publisher.submit([recent("k", window_s=5.0) for _ in range(20)])
        until(arrived(publisher, 20))
        assert publisher.counters()["spool_live"] == 20
        historian.begin()
        clocks.ahead += 4
        until(lambda: publisher.counters()["spool_live"] == 1)
        while historian.step():
            pass
        clocks.ahead += 7
        until(lambda: publisher.counters()["spool_live"] == 0)
        until(lambda: updates(redis_client)[-1].phase == "end")
    assert updates(redis_client)[-1].hits == 19
    while historian.step():
        pass
    with life() as again:
        until(lambda: redis_client.hlen(SITUATIONS_KEY) == 0)
        assert again.counters()["replayed"] == 0


def test_an_outage_merges_by_when_things_were_found(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, clocks: Clocks
) -> None:
    found = [clocks.wall() - 3600 + second for second in (0, 10, 40, 100, 110)]
    sent = [recent("k", window_s=30.0, detected_at=at, occurred_at=at) for at in found]
    with life() as publisher:
        publisher.submit(sent)
        until(arrived(publisher, 5))
    assert ids(redis_client) == [sent[0].event.id, sent[2].event.id, sent[3].event.id]


def test_what_still_lasts_after_a_restart_is_no_second_alarm(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, clocks: Clocks
) -> None:
    redis_client.hset(SITUATIONS_KEY, "of another release", '{"v":2}')
    ongoing = {"k": Ongoing((), 3, frozenset())}
    first = recent("k", window_s=1.0, measured=3)
    with life() as publisher:
        publisher.submit([first])
        until(arrived(publisher, 1))
        publisher.observe(ongoing, clocks.wall())
        until(lambda: redis_client.hlen(SITUATIONS_KEY) == 2)
    clocks.ahead += 10  # the worker starts again; its rules find the happening anew
    with life() as publisher:
        publisher.submit([recent("k", window_s=1.0, measured=5)])
        until(lambda: publisher.counters()["merged"] == 1)
        publisher.observe({"k": Ongoing((), 9, frozenset())}, clocks.wall())
        clocks.ahead += 30
        until(lambda: any(each.phase == "end" for each in updates(redis_client)))
    assert ids(redis_client) == [first.event.id]
    last = updates(redis_client)[-1]
    assert (last.event_id, last.phase, last.peak, last.hits) == (first.event.id, "end", 9, 1)
    assert not redis_client.exists(DEDUP_PREFIX + "k")
    assert redis_client.hkeys(SITUATIONS_KEY) == [b"of another release"]


def test_what_lasted_at_a_camera_that_is_gone_from_the_settings_ends(
    life: Callable[..., Any], redis_client: Redis, clocks: Clocks
) -> None:
    at = clocks.wall() - 10  # the camera was removed, and all workers were started anew, before one could tell the end
    for name in ("gone", "other"):
        lasted = SituationState(
            event_id=f"event-{name}",
            dedup_key=name,
            camera_id=name,
            started_at=at,
            window_s=1.0,
            crossings=False,
            measured=2,
            peak=3,
            hits=0,
            last_at=at,
        )
        redis_client.hset(SITUATIONS_KEY, name, lasted.model_dump_json())
    with life(known=["gate-1", "other"]) as publisher:
        until(lambda: publisher.counters()["orphaned"] == 1)
        clocks.ahead += 30
        until(lambda: redis_client.hkeys(SITUATIONS_KEY) == [b"other"])
    (end,) = updates(redis_client)
    assert (end.event_id, end.phase, end.peak, end.ended_at) == ("event-gone", "end", 3, at), "another worker's goes on"


def test_all_that_was_merged_is_told_by_an_orderly_stop(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, clocks: Clocks
) -> None:
    first, *hits = [recent("k", window_s=600) for _ in range(4)]
    with life() as publisher:
        publisher.submit([first, hits[0]])
        until(arrived(publisher, 2))
        clocks.ahead += 4
        until(lambda: len(updates(redis_client)) == 1)
        publisher.submit(hits[1:])
        until(arrived(publisher, 4))
    told = [hit.event.id for each in updates(redis_client) for hit in each.suppressed]
    assert told == [hit.event.id for hit in hits]
    assert (updates(redis_client)[-1].phase, updates(redis_client)[-1].hits) == ("update", 3)
    clocks.ahead += 10
    with life() as again:
        until(lambda: again.counters()["situations_found_again"] == 1)
        assert again.counters()["spool_live"] == 1, "of the hits nothing is left to be told"


def test_what_a_killed_worker_had_not_told_is_told_from_its_spool(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, clocks: Clocks
) -> None:
    class Killed(EventBus):
        def tell(self, changes: Sequence[Telling]) -> None:
            raise RedisError("killed before")

    hits = [recent("k", window_s=600) for _ in range(60)]
    with life() as publisher:
        publisher._bus = Killed(redis_client)
        publisher.submit([recent("k", window_s=600), *hits])
        until(arrived(publisher, 61))
    assert updates(redis_client) == []
    with life() as again:
        until(lambda: again.counters()["situations_hits"] == LISTED)
        clocks.ahead += 4
        until(lambda: len(updates(redis_client)) > 0)
    told = [hit.event.id for each in updates(redis_client) for hit in each.suppressed]
    assert told == [hit.event.id for hit in hits[:LISTED]]
    assert updates(redis_client)[-1].hits == 60


def test_a_hit_that_the_bus_has_forgotten_is_still_told_as_one(
    life: Callable[..., Any], redis_client: Redis, recent: MakeCandidate, clocks: Clocks
) -> None:
    class Killed(EventBus):
        def tell(self, changes: Sequence[Telling]) -> None:
            raise RedisError("killed before")

    event, hit = recent("k", window_s=60), recent("k", window_s=60)
    with life() as publisher:
        publisher._bus = Killed(redis_client)
        publisher.submit([event, hit])
        until(arrived(publisher, 2))
    clocks.ahead += 3 * 3600.0
    for key in (SEEN_PREFIX + event.event.id, SEEN_PREFIX + hit.event.id, DEDUP_PREFIX + "k"):
        redis_client.delete(key)
    with life() as again:
        until(lambda: again.counters()["situations_hits"] == 1)
        clocks.ahead += 6
        until(lambda: len(updates(redis_client)) > 0)
    assert ids(redis_client).count(hit.event.id) == 0
    assert [each.event.id for each in updates(redis_client)[0].suppressed] == [hit.event.id]
    assert updates(redis_client)[0].event_id == event.event.id


def test_a_disk_that_keeps_nothing_stops_no_alarm(
    redis_client: Redis, recent: MakeCandidate, tmp_path: Path, life: Callable[..., Any]
) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path / "full", fsync=fsync)
    with life(spool=spool) as publisher:
        publisher.submit([recent(), recent()])
        until(arrived(publisher, 2))
        assert publisher.trouble == "not kept: disk full"
    assert len(ids(redis_client)) == 2
    spool.close()
