"""The outbox: order, bound, and who goes when it is full."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.delivery.outbox import RANKS, Outbox
from alerts.event import Candidate
from configs.schema import Severity

MakeCandidate = Callable[..., Candidate]


def test_a_batch_is_given_again_until_it_is_confirmed(make_candidate: MakeCandidate) -> None:
    outbox = Outbox(10)
    sent = [make_candidate(severity=rank) for rank in (Severity.LOW, Severity.CRITICAL, Severity.LOW)]
    outbox.put(sent)
    assert outbox.take(2) == sent[:2]
    assert outbox.take(2) == sent[:2]
    assert len(outbox) == 3
    outbox.confirm()
    assert outbox.take(2) == sent[2:]
    outbox.confirm()
    assert outbox.wait_empty(0)


def test_over_the_bound_the_oldest_of_the_least_severe_goes(make_candidate: MakeCandidate) -> None:
    outbox = Outbox(3)
    high, low1, low2, critical, medium = (
        make_candidate(severity=severity)
        for severity in (Severity.HIGH, Severity.LOW, Severity.LOW, Severity.CRITICAL, Severity.MEDIUM)
    )
    assert outbox.put([high, low1, low2]) == []
    assert outbox.put([critical]) == [low1]
    assert outbox.put([medium]) == [low2]
    assert outbox.take(5) == [high, critical, medium]


def test_what_is_on_its_way_is_never_chosen(make_candidate: MakeCandidate) -> None:
    outbox = Outbox(2)
    low, critical, newest = (
        make_candidate(severity=severity) for severity in (Severity.LOW, Severity.CRITICAL, Severity.LOW)
    )
    outbox.put([low, critical])
    assert outbox.take(1) == [low]
    assert outbox.put([newest]) == [newest]


def test_a_closed_and_empty_outbox_waits_for_nothing(make_candidate: MakeCandidate) -> None:
    outbox = Outbox(2)
    outbox.put([make_candidate()])
    outbox.close()
    assert outbox.wait()
    outbox.take(1)
    outbox.confirm()
    assert not outbox.wait()


def test_a_bound_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="bound"):
        Outbox(0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 6), st.lists(st.one_of(st.sampled_from(RANKS), st.just("send")), max_size=40))
def test_everything_is_sent_in_order_or_told_as_dropped(
    make_candidate: MakeCandidate, bound: int, steps: list[Severity | str]
) -> None:
    outbox = Outbox(bound)
    put: list[Candidate] = []
    dropped: list[Candidate] = []
    arrived: list[Candidate] = []
    for step in [*steps, *["send"] * len(steps)]:
        if isinstance(step, Severity):
            put.append(make_candidate(severity=step))
            dropped += outbox.put(put[-1:])
        else:
            arrived += outbox.take(2)
            outbox.confirm()
        assert len(outbox) <= bound
    assert arrived == [candidate for candidate in put if candidate not in dropped]
