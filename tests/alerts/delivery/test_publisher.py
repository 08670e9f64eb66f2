"""The publishing thread, while its server comes and goes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from redis import Redis

from alerts.bus import EVENTS_KEY, EventBus, Outcome
from alerts.delivery.backoff import Backoff
from alerts.delivery.connection import connect
from alerts.delivery.publisher import Publisher
from alerts.event import Candidate, Event
from alerts.redis_server import RedisLaunch, launch
from configs.schema import Severity

MakeCandidate = Callable[..., Candidate]
StartRedis = Callable[[RedisLaunch], subprocess.Popen[bytes]]


class AtOnce(Backoff):
    """Tries again almost at once."""

    def wait_s(self) -> float:
        return super().wait_s() * 0.05


@contextmanager
def running(publisher: Publisher) -> Iterator[None]:
    thread = threading.Thread(target=publisher.run)
    thread.start()
    try:
        yield
    finally:
        publisher.stop(flush_s=20)
        thread.join(60)
        assert not thread.is_alive()


def ids(client: Redis) -> list[str]:
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(EVENTS_KEY))
    # On a slow machine situations have ended meanwhile, and updates stand between.
    return [Event.model_validate_json(fields[b"data"]).id for _, fields in found if fields[b"type"] == b"event"]


def test_everything_submitted_arrives_and_is_told(redis_client: Redis, make_candidate: MakeCandidate) -> None:
    told: list[Outcome] = []
    publisher = Publisher(EventBus(redis_client), on_outcome=told.append)
    sent = [make_candidate("k" if n % 3 else None, window_s=3600) for n in range(600)]
    with running(publisher):
        for start in range(0, 600, 100):
            publisher.submit(sent[start : start + 100])
    assert [outcome.candidate for outcome in told] == sent
    counters = publisher.counters()
    assert (counters["submitted"], counters["published"], counters["merged"]) == (600, 201, 399)
    assert counters["waiting"] == counters["dropped_overflow"] == counters["failures"] == 0
    assert len(ids(redis_client)) == 201


def test_a_picture_of_a_sure_repeat_can_be_saved(redis_client: Redis, make_candidate: MakeCandidate) -> None:
    now = [100.0]
    publisher = Publisher(EventBus(redis_client), clock=lambda: now[0], wall=lambda: 1_790_000_000.1)
    assert not publisher.likely_repeat("k")
    with running(publisher):
        publisher.submit([make_candidate("k", window_s=30.0)])
    now[0] = 129.4
    assert publisher.likely_repeat("k")
    now[0] = 129.6  # Redis may close the window at 130: better a picture too many
    assert not publisher.likely_repeat("k")


def test_a_killed_server_loses_and_doubles_nothing(
    redis_program: Path, start_redis: StartRedis, tmp_path: Path, make_candidate: MakeCandidate
) -> None:
    server = launch(redis_program, tmp_path)
    process = start_redis(server)
    arrived = threading.Semaphore(0)
    client = connect(server.url, name="test")
    publisher = Publisher(EventBus(client), on_outcome=lambda _: arrived.release(), backoff=AtOnce())
    # Windows far shorter than the outage: it is not they that keep a second sending from doubling.
    sent = [make_candidate(window_s=0.001) for _ in range(3000)]
    with running(publisher):
        for third in range(3):
            publisher.submit(sent[third * 1000 : (third + 1) * 1000])
            for _ in range(100):
                assert arrived.acquire(timeout=60)
            process.kill()
            process.wait(60)
            process = start_redis(server)
    assert ids(client) == [candidate.event.id for candidate in sent]
    counters = publisher.counters()
    assert (counters["published"], counters["waiting"], counters["dropped_overflow"]) == (3000, 0, 0)
    client.close()
    process.kill()
    process.wait(60)


def test_while_the_server_is_away_the_bound_holds_and_the_severe_stay(
    redis_program: Path, start_redis: StartRedis, tmp_path: Path, make_candidate: MakeCandidate
) -> None:
    server = launch(redis_program, tmp_path)
    client = connect(server.url, name="test")
    failed = threading.Event()

    class Told(AtOnce):
        def wait_s(self) -> float:
            failed.set()
            return super().wait_s()

    publisher = Publisher(EventBus(client), bound=3, backoff=Told())
    severe = [make_candidate(severity=Severity.CRITICAL) for _ in range(2)]
    with running(publisher):
        publisher.submit(severe[:1])
        assert failed.wait(60)
        publisher.submit([make_candidate(severity=Severity.LOW) for _ in range(5)])
        publisher.submit(severe[1:])
        assert publisher.counters()["dropped_overflow"] == 4
        process = start_redis(server)
    assert {severe[0].event.id, severe[1].event.id} <= set(ids(client))
    assert len(ids(client)) == 3
    assert publisher.counters()["failures"] >= 1
    client.close()
    process.kill()
    process.wait(60)


def test_a_stop_without_a_server_says_what_stays_behind(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    publisher = Publisher(EventBus(connect(f"unix://{tmp_path}/none.sock", name="test")), backoff=AtOnce())
    thread = threading.Thread(target=publisher.run)
    thread.start()
    publisher.submit([make_candidate(), make_candidate()])
    assert publisher.stop(flush_s=0.1) == 2
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("url", ["http://:secret@host", "redis://:sec#ret@host:secret/0", "secret"])
def test_an_address_that_is_none_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="redis_url") as refused:
        connect(url, name="test")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_waits_grow_to_their_limit_and_begin_anew() -> None:
    backoff = Backoff(random=lambda: 1.0)
    assert [round(backoff.wait_s(), 1) for _ in range(6)] == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    backoff.reset()
    assert backoff.wait_s() == pytest.approx(0.2)
