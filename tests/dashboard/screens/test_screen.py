"""A screen's state: whatever happens, nobody's picture goes without their name having been seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.screens.screen import (
    Driver,
    ScreenRefused,
    ScreenState,
    ShownAlarm,
    ShownOverview,
    pushed,
    taken_back,
)

ANNA, BO = Driver(account="anna", name="Anna"), Driver(account="bo", name="Bo", desk="d", desk_name="县坐席")
steps = st.lists(
    st.tuples(
        st.sampled_from([ANNA, BO]),
        st.sampled_from([ShownOverview(), ShownAlarm(event_id="e"), None]),
        st.one_of(st.none(), st.integers(0, 8)),
    ),
    max_size=30,
)


@given(steps)
def test_versions_grow_by_one_and_nobody_is_displaced_unseen(taken: list[tuple[Driver, object, int | None]]) -> None:
    state = ScreenState()
    for at, (who, content, seen) in enumerate(taken):
        before = state
        foreign = before.driver is not None and before.driver.account != who.account
        refused: ScreenRefused | None = None
        try:
            if isinstance(content, ShownOverview | ShownAlarm):
                state = pushed(before, content, who, float(at), seen)
            else:
                state = taken_back(before, who, float(at), seen)
        except ScreenRefused as error:
            refused = error
        if refused is not None:
            assert (refused.state, refused.why) == (before, "driven" if seen is None else "changed")
            assert foreign if seen is None else seen != before.version
            continue
        if state == before:
            assert content is None
            assert before.driver is None
            continue
        assert state.version == before.version + 1
        assert (state.driver is None) == (state.content is None)
        if foreign:
            assert seen == before.version


def test_who_drives_goes_on_pushing_and_takes_back() -> None:
    first = pushed(ScreenState(), ShownOverview(), ANNA, 1.0)
    second = pushed(first, ShownAlarm(event_id="e"), ANNA, 2.0)
    assert (second.version, second.driver, second.since) == (2, ANNA, 2.0)
    assert taken_back(second, ANNA, 3.0) == ScreenState(version=3, since=3.0)


def test_two_that_take_over_at_once_are_not_both_obeyed() -> None:
    driven = pushed(ScreenState(), ShownOverview(), ANNA, 1.0)
    bos = pushed(driven, ShownAlarm(event_id="e"), BO, 2.0, seen=driven.version)
    with pytest.raises(ScreenRefused, match="changed"):
        pushed(bos, ShownOverview(), ANNA, 2.0, seen=driven.version)
