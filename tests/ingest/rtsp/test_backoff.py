"""Backoff stays between 0.2 s and 3 s and spreads out."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.backoff import Backoff


@given(st.integers(0, 10**6), st.integers(1, 200))
def test_every_wait_is_within_the_limits(seed: int, failures: int) -> None:
    backoff = Backoff(random.Random(seed).uniform)
    assert all(0.2 <= backoff.next_wait() <= 3.0 for _ in range(failures))


def test_the_ceiling_doubles_until_it_is_reached_and_begins_anew() -> None:
    backoff = Backoff(lambda _, high: high)
    assert [round(backoff.next_wait(), 1) for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_wait() == 0.2


def test_cameras_that_failed_together_do_not_return_together() -> None:
    waits = []
    for seed in range(50):
        backoff = Backoff(random.Random(seed).uniform)
        waits.append([backoff.next_wait() for _ in range(5)][-1])
    assert max(waits) - min(waits) > 1.5
