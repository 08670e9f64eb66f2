"""The ledger's invariant: received = analysed + dropped + in flight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.ledger import DropCause, FrameLedger

_CLOSING = st.one_of(st.just("analysed"), st.sampled_from(DropCause))


@given(st.lists(st.one_of(st.just("received"), _CLOSING), max_size=80))
def test_the_books_balance_after_any_history(history: list[str | DropCause]) -> None:
    ledger = FrameLedger(["a"])
    for step in history:
        if step == "received":
            ledger.received("a")
            continue
        open_frames = ledger.account("a").in_flight
        try:
            if isinstance(step, DropCause):
                ledger.dropped("a", step)
            else:
                ledger.analysed("a")
        except ValueError:
            assert open_frames == 0
        account = ledger.account("a")
        assert account.received == account.analysed + sum(account.dropped.values()) + account.in_flight
        assert account.in_flight >= 0


def test_a_frame_cannot_be_closed_twice() -> None:
    ledger = FrameLedger(["a"])
    ledger.received("a")
    ledger.analysed("a")
    with pytest.raises(ValueError, match="0 in flight"):
        ledger.dropped("a", DropCause.RATE)


def test_a_snapshot_does_not_change_afterwards() -> None:
    ledger = FrameLedger(["a"])
    ledger.received("a", 2)
    ledger.dropped("a", DropCause.RATE)
    before = ledger.snapshot()["a"]
    ledger.dropped("a", DropCause.RATE)
    assert before.dropped == {DropCause.RATE: 1}


def test_an_unknown_camera_is_an_error() -> None:
    with pytest.raises(KeyError):
        FrameLedger(["a"]).received("b")
