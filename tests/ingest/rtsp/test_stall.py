"""The systemic-stall guard: holds when everything stops at once, and only then."""

from __future__ import annotations

import pytest

from ingest.rtsp.stall import StallGuard


@pytest.mark.parametrize(
    ("last_packets", "holds"),
    [
        pytest.param([10.0, 10.1, 10.2], True, id="all three within a second"),
        pytest.param([10.0, 10.1], False, id="two streams prove nothing"),
        pytest.param([10.0, 10.1, 12.0], False, id="one still sends"),
        pytest.param([5.0, 10.1, 10.2, 10.0], False, id="one had stopped long before"),
        pytest.param([], False, id="no session is open"),
    ],
)
def test_when_it_holds(last_packets: list[float], holds: bool) -> None:
    guard = StallGuard()
    assert guard.look(12.0, last_packets) is holds
    assert guard.stalls == int(holds)


def test_it_lets_go_when_packets_come_and_counts_the_next_stall() -> None:
    guard = StallGuard()
    assert guard.look(12.0, [10.0, 10.0, 10.0])
    assert guard.look(20.0, [10.0, 10.0, 10.0])
    assert not guard.look(20.1, [20.05, 10.0, 10.0])
    assert guard.look(30.0, [20.5, 20.5, 20.5])
    assert guard.stalls == 2


def test_it_does_not_hold_for_ever_nor_at_once_again() -> None:
    guard = StallGuard()
    assert guard.look(12.0, [10.0, 10.0, 10.0])
    assert not guard.look(42.0, [10.0, 10.0, 10.0])
    assert not guard.look(42.2, [10.0, 10.0, 10.0])
    assert not guard.look(50.0, [49.9, 49.9, 49.9])
    assert guard.look(52.0, [50.0, 50.0, 50.0])
