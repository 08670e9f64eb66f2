"""Whether the patrol kept its interval: what counts as seen, as due and as late, over days that pass at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.patrol import visits
from dashboard.patrol.rotation import Machine, Plan, RotationState, Stop
from dashboard.patrol.visits import booked, overdue

DWELL, HOLD = 10.0, 30.0


class Wall:
    """A patrol whose steps are booked, as the driver does it."""

    def __init__(self, stops: int, slots: int, revisit_s: float | None = None) -> None:
        names = tuple(Stop("s", f"c{index}") for index in range(stops))
        self.machine = Machine(Plan("p", None, slots, DWELL, HOLD, names, revisit_s))
        self.now = 1000.0
        self.state = self.machine.start(self.now)

    def take(self, after: RotationState) -> None:
        self.state = booked(self.state, after, self.now, self.machine.plan.revisit_s)

    def run(self, until: float) -> None:
        while (due := self.machine.next_due(self.state)) is not None and due <= until:
            self.now = due
            self.take(self.machine.tick(self.state, due))
        self.now = until

    def alarm(self, camera: str) -> None:
        self.take(self.machine.alarm(self.state, f"e{self.now}", Stop("s", camera), self.now))


def test_undisturbed_every_visit_is_on_time_with_a_dwell_and_a_hold_to_spare() -> None:
    wall = Wall(stops=6, slots=2)
    wall.run(2000.0)
    assert wall.machine.plan.revisit_s == 6 * DWELL / 2 + HOLD
    assert {round(visit.slack_s, 6) for visit in wall.state.visits[6:]} == {DWELL + HOLD}
    assert {visit.due for visit in wall.state.visits} == {1}
    assert overdue(wall.state, wall.now, wall.machine.plan.revisit_s) == {}


def test_who_never_leaves_the_wall_is_always_on_time() -> None:
    wall = Wall(stops=2, slots=4)
    wall.run(1100.0)
    assert {(visit.camera_id, visit.slack_s) for visit in wall.state.visits} == {
        ("c0", wall.machine.plan.revisit_s),
        ("c1", wall.machine.plan.revisit_s),
    }


def test_what_an_alarm_shows_is_seen_and_what_it_displaces_comes_late() -> None:
    wall = Wall(stops=3, slots=1, revisit_s=25.0)
    wall.run(1020.0)  # c0, c1, now c2
    wall.alarm("c0")
    assert [(visit.camera_id, visit.slack_s) for visit in wall.state.visits] == [("c0", 15.0)]
    wall.run(1050.0)
    late = overdue(wall.state, wall.now, 25.0)
    assert [(camera, kept.due, kept.least_slack_s) for camera, kept in late.items()] == [("c1", 1, -5.0)]
    wall.run(1080.0)
    came = [(visit.camera_id, visit.due, visit.slack_s) for visit in wall.state.visits]
    assert came[1] == ("c2", 1, -5.0), "owed, and shown first"
    assert ("c1", 2, -25.0) in came, "due at 25 s and at 50 s, and seen at 50 s"


def test_an_absence_of_the_server_is_due_as_often_as_it_lasted() -> None:
    wall = Wall(stops=3, slots=1, revisit_s=25.0)
    wall.run(1020.0)
    kept = RotationState.model_validate_json(wall.state.model_dump_json())
    wall.now = 1520.0
    after = booked(kept, wall.machine.resume(kept, wall.now), wall.now, 25.0)
    (visit,) = after.visits
    assert (visit.camera_id, visit.due, visit.slack_s) == ("c0", 20, 25.0 - 510.0)
    assert {camera: late.due for camera, late in overdue(after, wall.now, 25.0).items()} == {"c1": 20, "c2": 19}


def test_a_changed_plan_forgets_who_is_gone_and_a_clock_set_back_makes_nobody_early() -> None:
    wall = Wall(stops=4, slots=1)
    wall.run(1020.0)
    smaller = Machine(Plan("p", None, 1, DWELL, HOLD, (Stop("s", "c1"), Stop("s", "c2"))))
    assert set(smaller.resume(wall.state, 1021.0).unseen_since) == {"c1"}
    back = wall.machine.resume(wall.state, 10.0)
    assert max(back.unseen_since.values()) <= 10.0


def test_visits_that_nobody_stores_are_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "PENDING", 3)
    wall = Wall(stops=3, slots=1)
    wall.run(1100.0)
    assert (len(wall.state.visits), wall.state.unrecorded) == (3, 5)


@given(
    stops=st.integers(1, 12),
    slots=st.integers(1, 5),
    steps=st.lists(st.tuples(st.floats(0, 40), st.none() | st.integers(0, 11)), max_size=40),
)
@settings(max_examples=100)
def test_who_is_not_on_the_wall_is_known_to_be_off_it(
    stops: int, slots: int, steps: list[tuple[float, int | None]]
) -> None:
    wall = Wall(stops, slots)
    for wait, camera in steps:
        wall.run(wall.now + wait)
        if camera is not None and camera < stops:
            wall.alarm(f"c{camera}")
        shown = {slot.camera_id for slot in wall.state.slots}
        assert not shown & wall.state.unseen_since.keys()
        assert all(at <= wall.now for at in wall.state.unseen_since.values())
        assert all(visit.due >= 1 and (visit.slack_s >= 0 or visit.at <= wall.now) for visit in wall.state.visits)
