"""Event ids against RFC 9562."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.event_id import new_event_id, time_of


def test_the_example_of_the_rfc() -> None:
    # RFC 9562, appendix A.6: 2022-02-22 14:22:22.00 GMT-05:00, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
    noise = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert new_event_id(lambda: 1645557742.0, lambda _: noise) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.binary(min_size=10, max_size=10))
def test_ids_are_of_version_seven_and_sort_by_time(one: float, other: float, noise: bytes) -> None:
    first, second = (new_event_id(lambda at=at: at, lambda _: noise) for at in (one, other))  # type: ignore[misc]
    assert uuid.UUID(first).version == 7
    assert uuid.UUID(first).variant == uuid.RFC_4122
    assert time_of(first) == int(one * 1000) / 1000
    if int(one * 1000) != int(other * 1000):
        assert (first < second) == (one < other)


def test_ids_of_one_instant_differ() -> None:
    assert len({new_event_id(lambda: 1.0) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("text", ["", "x", str(uuid.UUID(int=0)), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"])
def test_an_id_that_tells_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"UUID|hexadecimal"):
        time_of(text)
