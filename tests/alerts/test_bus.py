"""The bus' contract, on both servers of the Redis protocol."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from alerts.bus import DEDUP_PREFIX, EVENTS_KEY, REMEMBER_S, SEEN_PREFIX, SUPPRESSED_KEY, EventBus
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from alerts.records import AlarmChange

MakeCandidate = Callable[..., Candidate]


def on_stream(client: Redis) -> list[tuple[str, str]]:
    """Stream ids and event ids of all events on the stream."""
    return [
        (stream_id, Event.model_validate_json(fields[b"data"]).id)
        for stream_id, fields in entries(client)
        if fields[b"type"] == b"event"
    ]


def entries(client: Redis) -> list[tuple[str, dict[bytes, bytes]]]:
    found = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(EVENTS_KEY))
    return [(entry_id.decode(), fields) for entry_id, fields in found]


def suppressed(client: Redis) -> dict[str, int]:
    counts = cast("dict[bytes, bytes]", client.hgetall(SUPPRESSED_KEY))
    return {field.decode(): int(value) for field, value in counts.items()}


def test_the_first_is_published_and_a_repeat_is_merged_into_it(
    redis_client: Redis, make_candidate: MakeCandidate
) -> None:
    bus = EventBus(redis_client)
    first, repeat, other = make_candidate("k"), make_candidate("k"), make_candidate("other")
    outcomes = bus.publish([first, repeat, other])
    assert on_stream(redis_client) == [
        (outcomes[0].stream_id, first.event.id),
        (outcomes[2].stream_id, other.event.id),
    ]
    assert (outcomes[1].stream_id, outcomes[1].merged_into) == (None, first.event.id)
    assert suppressed(redis_client) == {first.event.id: 1}


def test_the_window_is_the_candidates_own_and_then_closes(redis_client: Redis, make_candidate: MakeCandidate) -> None:
    bus = EventBus(redis_client)
    bus.publish([make_candidate("k", window_s=0.05), make_candidate("long", window_s=600.0)])
    assert 500_000 < redis_client.pttl(DEDUP_PREFIX + "long") <= 600_000
    while redis_client.exists(DEDUP_PREFIX + "k"):
        pass
    (outcome,) = bus.publish([make_candidate("k")])
    assert outcome.stream_id is not None


def test_one_that_is_sent_again_is_neither_doubled_nor_counted(
    redis_client: Redis, make_candidate: MakeCandidate
) -> None:
    bus = EventBus(redis_client)
    batch = [make_candidate("k"), make_candidate("k"), make_candidate("j")]
    first = bus.publish(batch)
    # The reply was lost, and by the time of the second try the window has closed.
    redis_client.delete(DEDUP_PREFIX + "k", DEDUP_PREFIX + "j")
    again = bus.publish(batch)
    assert [(o.stream_id, o.merged_into) for o in again] == [(o.stream_id, o.merged_into) for o in first]
    assert all(outcome.again for outcome in again)
    assert len(on_stream(redis_client)) == 2
    assert suppressed(redis_client) == {batch[0].event.id: 1}
    assert 0 < redis_client.ttl(SEEN_PREFIX + batch[0].event.id) <= REMEMBER_S


def test_a_server_that_forgot_the_script_is_taught_it_again(redis_client: Redis, make_candidate: MakeCandidate) -> None:
    bus = EventBus(redis_client)
    bus.publish([make_candidate()])
    redis_client.script_flush()
    bus.publish([make_candidate(), make_candidate()])
    assert len(on_stream(redis_client)) == 3


def test_an_alarms_change_goes_the_same_way(redis_client: Redis, make_candidate: MakeCandidate) -> None:
    bus = EventBus(redis_client)
    (outcome,) = bus.publish([make_candidate()])
    change = AlarmChange(event_id=outcome.candidate.event.id, by="u1", by_name="王", at=1.5, comment="误报")
    stream_id = bus.announce(change)
    (_, (entry_id, fields)) = entries(redis_client)
    assert (entry_id, fields[b"type"]) == (stream_id, b"alarm")
    assert AlarmChange.model_validate_json(fields[b"data"]) == change


def test_nothing_to_publish_needs_no_server(make_candidate: MakeCandidate) -> None:
    assert EventBus(Redis(unix_socket_path="/nonexistent/redis.sock")).publish([]) == []


@pytest.mark.parametrize("senders", [2])
def test_two_workers_with_the_same_happening_make_one_event(
    redis_client: Redis, make_candidate: MakeCandidate, senders: int
) -> None:
    buses = [EventBus(redis_client) for _ in range(senders)]
    outcomes = [bus.publish([make_candidate("k")])[0] for bus in buses]
    assert [outcome.stream_id is None for outcome in outcomes] == [False, True]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    sent=st.lists(st.integers(0, 3), min_size=1, max_size=30),
    cuts=st.sets(st.integers(1, 29)),
    lost=st.sets(st.integers(0, 30)),
)
def test_any_interleaving_makes_one_event_a_happening_and_the_repeats_add_up(
    redis_client: Redis, make_candidate: MakeCandidate, sent: list[int], cuts: set[int], lost: set[int]
) -> None:
    run = new_event_id()
    candidates = [make_candidate(f"{run}:{key}", window_s=600.0) for key in sent]
    buses = [EventBus(redis_client), EventBus(redis_client)]
    before = len(on_stream(redis_client))
    edges = [0, *sorted(cut for cut in cuts if cut < len(candidates)), len(candidates)]
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        batch = candidates[start:end]
        buses[number % 2].publish(batch)
        if number in lost:
            buses[number % 2].publish(batch)
    first = {key: candidates[sent.index(key)].event.id for key in sent}
    published = [event_id for _, event_id in on_stream(redis_client)[before:]]
    assert published == list(dict.fromkeys(first[key] for key in sent))
    counts = suppressed(redis_client)
    assert {key: counts.get(first[key], 0) for key in set(sent)} == {key: n - 1 for key, n in Counter(sent).items()}
