"""What the historian notes of cameras: the time they showed, and how many stood in counted zones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import Engine

from alerts.health import CameraHealth, HealthBoard, Unanalysed
from alerts.samples import LONGEST_LOOK_S, SampleKeeper, Sampler
from alerts.storage.samples import SampleStore
from ingest.state import Fault, Phase

AT = 1_790_000_100.0  # a quarter begins


def health(at: float, camera_id: str = "a", **values: Any) -> CameraHealth:
    fields: dict[str, Any] = {"phase": Phase.LIVE, "since": 0.0, "detector": "motion", **values}
    return CameraHealth(camera_id=camera_id, worker_id="w", at=at, **fields)


@pytest.mark.parametrize(
    ("values", "shows", "why"),
    [
        ({}, True, "all is well"),
        ({"fault": Fault.LOSSY}, True, "with gaps, and seen all the same"),
        ({"fault": Fault.DARK}, False, "covered"),
        ({"fault": Fault.STUCK}, False, "the same picture again and again"),
        ({"phase": Phase.STALE}, False, "nothing new"),
        ({"phase": Phase.CONNECTING}, False, "nothing yet"),
        ({"unanalysed": Unanalysed.SHED}, False, "nobody looks"),
        ({"at": AT - 60}, False, "its worker is silent"),
    ],
)
def test_what_counts_as_seen(values: dict[str, Any], shows: bool, why: str) -> None:
    assert health(**{"at": AT, **values}).shows(AT) is shows, why


def test_time_is_summed_between_looks_and_none_where_nobody_looked() -> None:
    sampler = Sampler()
    sampler.look({"a": health(AT)}, AT)
    assert sampler.waiting().cameras == (), "a first look knows nothing of what was before"
    sampler.look({"a": health(AT + 1)}, AT + 1)
    sampler.look({"a": health(AT + 2, phase=Phase.OFFLINE)}, AT + 2)
    sampler.look({"a": health(AT + 60)}, AT + 60)  # this process was away
    sampler.look({"a": health(AT + 10)}, AT + 10)  # the clock was set back
    (sample,) = sampler.waiting().cameras
    assert (sample.first_at, sample.observed_s, sample.shown_s) == (AT, 2.0, 1.0)


def test_numbers_are_counted_while_the_camera_shows() -> None:
    sampler = Sampler()
    for second, number in enumerate((9, 2, 4, 3)):
        dark = Fault.DARK if second == 3 else None
        sampler.look({"a": health(AT + second, inside={"crowd": number}, fault=dark)}, AT + second)
    (crowd,) = sampler.waiting().crowds
    assert (crowd.looks, crowd.objects, crowd.peak) == (2, 6, 4)
    sampler.stored()
    sampler.look({"a": health(AT + 900)}, AT + 4)
    assert [each.observed_s for each in sampler.waiting().cameras] == [1.0]
    assert sampler.waiting().crowds == ()


@given(st.lists(st.tuples(st.floats(0.01, 2 * LONGEST_LOOK_S), st.sampled_from(Phase)), max_size=60))
def test_nothing_is_seen_for_longer_than_it_was_looked_at(steps: list[tuple[float, Phase]]) -> None:
    sampler, now = Sampler(), AT
    sampler.look({}, now)
    for passed, phase in steps:
        now += passed
        sampler.look({"a": health(now, phase=phase)}, now)
    waiting = sampler.waiting().cameras
    assert all(0 <= each.shown_s <= each.observed_s for each in waiting)
    assert sum(each.observed_s for each in waiting) <= now - AT + 1e-3
    assert len({each.quarter for each in waiting}) == len(waiting)


def test_from_the_workers_words_to_the_store(redis_client: Redis, sqlite_engine: Engine) -> None:
    board, store = HealthBoard(redis_client), SampleStore(sqlite_engine)
    store.migrate()
    now = AT
    keeper = SampleKeeper(board, store, lambda: now)
    for _ in range(4):
        board.write_health([health(now, "a", inside={"crowd": 3}), health(AT - 60, "b")])
        keeper.look()
        keeper.keep()
        now += 1
    shown = store.shown(AT)
    assert (shown["a"].observed_s, shown["a"].shown_s, shown["b"].shown_s) == (3.0, 3.0, 0.0)
    (crowd,) = store.crowds([(AT, AT + 900)])
    assert (crowd.looks, crowd.objects, crowd.peak) == (3, 9, 3)
    keeper.forget(AT + 1800)
    assert store.shown(0.0) == {}
