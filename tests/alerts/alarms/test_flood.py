"""Flood control: what comes above ten in ten minutes a desk is grouped, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alarms.flood import Arrival, Lately, grouped
from alerts.event import EventKind

CALM = Lately({}, {})


def come(*whats: tuple[str, EventKind], desk: str = "d", first: int = 0) -> list[Arrival]:
    return [Arrival(f"e{first + n}", desk, site, kind) for n, (site, kind) in enumerate(whats)]


def test_ten_stand_alone_and_what_comes_more_is_grouped_by_site_and_kind() -> None:
    more: list[tuple[str, EventKind]] = [
        ("gate", "intrusion"),
        ("gate", "crowding"),
        ("gate", "intrusion"),
        ("yard", "intrusion"),
    ]
    alike: list[tuple[str, EventKind]] = [("gate", "intrusion")] * 10
    marks = grouped(come(*alike, *more), CALM)
    assert [marks[f"e{n}"] for n in range(10)] == [None] * 10
    assert [marks[f"e{n}"] for n in range(10, 14)] == ["e10", "e11", "e10", "e13"]


def test_a_desk_does_not_suffer_from_another() -> None:
    flooded = Lately({"east": 10}, {})
    assert grouped(come(("gate", "intrusion"), desk="west"), flooded) == {"e0": None}
    assert grouped(come(("gate", "intrusion"), desk="east"), flooded) == {"e0": "e0"}


@pytest.mark.parametrize(
    ("single", "mark", "why"),
    [(9, None, "there is room for one"), (10, "old", "it joins the group that grows already")],
)
def test_the_last_ten_minutes_count(single: int, mark: str | None, why: str) -> None:
    lately = Lately({"d": single}, {("d", "gate", "intrusion"): "old"})
    assert grouped(come(("gate", "intrusion")), lately)["e0"] == mark, why


@given(
    st.lists(st.tuples(st.sampled_from(["gate", "yard"]), st.sampled_from(["intrusion", "crowding"])), max_size=60),
    st.integers(0, 15),
)
def test_every_alarm_is_there_alone_or_in_one_group_of_its_kind(
    whats: list[tuple[str, EventKind]], single: int
) -> None:
    arrivals = come(*whats)
    marks = grouped(arrivals, Lately({"d": single}, {}))
    assert list(marks) == [arrival.event_id for arrival in arrivals]
    by_id = {arrival.event_id: arrival for arrival in arrivals}
    assert sum(mark is None for mark in marks.values()) == min(len(arrivals), max(0, 10 - single))
    assert all(mark is None or by_id[mark].group == by_id[event].group for event, mark in marks.items())
