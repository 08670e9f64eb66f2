"""Situations: what is told of a happening, and when. Time is given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.bus import Outcome
from alerts.event import Candidate, SituationUpdate
from alerts.rules.base import Ongoing
from alerts.situations import HOLD_S, LINGER_S, LISTED, RETURN_S, REVIVED_S, Change, Situations, SituationState

MakeCandidate = Callable[..., Candidate]
WALL = 1_790_000_000.0


class Told:
    """Situations, with a clock to turn and a bus that takes what is told."""

    def __init__(self, make: MakeCandidate) -> None:
        self.now = 0.0
        self.make = make
        self.situations = Situations(lambda: WALL + self.now)
        self.updates: list[SituationUpdate] = []
        self.changes: list[Change] = []

    def candidate(self, **changes: object) -> Candidate:
        return self.make("k", detected_at=WALL + self.now, occurred_at=WALL + self.now, **changes)

    def begin(self, **changes: object) -> Candidate:
        candidate = self.candidate(**changes)
        self.situations.take(Outcome(candidate, "1-0", None, again=False), self.now)
        return candidate

    def hit(self, into: Candidate, hits: int, **changes: object) -> Candidate:
        candidate = self.candidate(**changes)
        self.situations.take(Outcome(candidate, None, into.event.id, again=False, hits=hits), self.now)
        return candidate

    def lasts(self, measured: float) -> None:
        self.situations.observe({"k": Ongoing((), measured, frozenset())}, WALL + self.now, self.now)

    def pass_time(self, seconds: float, measured: float | None = None) -> None:
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            if measured is not None:
                self.lasts(measured)
            for change in self.situations.due(self.now):
                self.situations.told(change, self.now)
                self.changes.append(change)
                if change.telling.update:
                    self.updates.append(SituationUpdate.model_validate_json(change.telling.update))

    def phases(self) -> list[str]:
        return [each.phase for each in self.updates]


@pytest.fixture
def told(make_candidate: MakeCandidate) -> Told:
    return Told(make_candidate)


def test_a_happening_has_updates_a_peak_and_an_end(told: Told) -> None:
    event = told.begin(measured=3).event
    told.pass_time(5, measured=3)
    assert told.updates == [], "nothing has changed"
    told.pass_time(5, measured=7)
    told.pass_time(5, measured=4)
    over_at = WALL + told.now
    told.pass_time(LINGER_S + 1)
    assert {each.event_id for each in told.updates} == {event.id}
    assert told.phases()[-1] == "end"
    assert "end" not in told.phases()[:-1]
    last = told.updates[-1]
    assert (last.measured, last.peak, last.ended_at) == (4, 7, over_at)
    gaps = [b.at - a.at for a, b in zip(told.updates[:-2], told.updates[1:-1], strict=False)]
    assert all(gap >= 3 for gap in gaps)


def test_hits_are_counted_and_the_first_of_them_told_with_the_reason(told: Told) -> None:
    event = told.begin(window_s=10.0)
    early = told.hit(event, 1)
    told.pass_time(12, measured=1)
    late = [told.hit(event, 2 + n) for n in range(LISTED + 5)]
    told.pass_time(LINGER_S + 4)
    listed = [hit for each in told.updates for hit in each.suppressed]
    assert [hit.event for hit in listed] == [each.event for each in [early, *late][:LISTED]]
    assert [hit.reason for hit in listed] == ["window"] + ["ongoing"] * (LISTED - 1)
    assert told.updates[-1].hits == 1 + len(late)


def test_passages_are_measured_by_their_number(told: Told) -> None:
    event = told.begin(unit="crossings")
    for n in range(3):
        told.hit(event, n + 1, unit="crossings")
    told.pass_time(LINGER_S + 1)
    assert told.updates[-1].peak == 4


def test_the_window_is_held_while_it_lasts_and_given_back_at_the_end(told: Told) -> None:
    told.begin(window_s=6.0)
    told.pass_time(60, measured=1)
    open_until = [change.telling.open_until - WALL for change in told.changes]
    assert open_until[0] >= HOLD_S, "a short window is held at once"
    assert open_until[-1] >= 60
    assert told.situations.likely_repeat("k", told.now)
    told.pass_time(LINGER_S + 1)
    assert told.changes[-1].telling.hold_s == 0
    assert told.changes[-1].telling.state == ""
    assert not told.situations.likely_repeat("k", told.now)


def test_what_only_hits_make_is_not_held_beyond_its_window(told: Told) -> None:
    event = told.begin(window_s=4.0)
    for n in range(3):
        told.pass_time(1)
        told.hit(event, n + 1)
    told.pass_time(20)
    held = [change.telling.open_until for change in told.changes if change.telling.hold_s > 0]
    assert held
    assert max(held) <= WALL + 4.0


def test_an_end_is_taken_back_by_whoever_sees_it_last(told: Told) -> None:
    told.begin(window_s=1.0)
    told.pass_time(2, measured=1)
    told.pass_time(LINGER_S + 2)  # the camera rested behind its gate
    assert told.phases() == ["end"]
    told.pass_time(4, measured=1)
    assert told.phases() == ["end", "update"]
    assert told.updates[-1].ended_at is None
    told.pass_time(LINGER_S + 1)
    assert told.phases()[-1] == "end"


def test_what_is_long_over_is_forgotten(told: Told) -> None:
    event = told.begin(window_s=1.0)
    told.pass_time(LINGER_S + REVIVED_S + 2)
    assert not told.situations.is_open("k", event.event.id, told.now)
    told.pass_time(4, measured=1)
    assert told.phases() == ["end"]


def test_a_restarted_worker_goes_on_with_what_still_lasts_and_ends_the_rest(
    told: Told, make_candidate: MakeCandidate
) -> None:
    event = told.begin(window_s=6.0, measured=5)
    told.pass_time(8, measured=5)
    state = SituationState.model_validate_json(told.changes[-1].telling.state)

    again = Told(make_candidate)
    again.now = told.now + 8
    other = state.model_copy(update={"event_id": "e2", "dedup_key": "other"})
    again.situations.take_up([state, other], again.now)
    again.pass_time(1)
    assert {change.telling.dedup_key for change in again.changes} == {"k", "other"}, "both windows are held"
    again.hit(event, 1, measured=6)
    again.pass_time(RETURN_S + 2, measured=6)
    ended = [each for each in again.updates if each.phase == "end"]
    assert [(each.event_id, each.ended_at) for each in ended] == [("e2", state.last_at)]
    assert again.updates[0].event_id == event.event.id
    assert again.updates[0].peak == 6


def test_a_new_event_of_the_same_happening_ends_the_one_before(told: Told) -> None:
    first = told.begin(window_s=1.0)
    told.pass_time(2)
    second = told.begin(window_s=1.0)
    told.pass_time(1)
    assert [(each.event_id, each.phase) for each in told.updates] == [(first.event.id, "end")]
    assert told.situations.is_open("k", second.event.id, told.now)


def test_an_outage_is_told_seldom(told: Told) -> None:
    told.begin(unit="s", measured=10)
    for _ in range(3600):
        told.now += 1
        told.pass_time(0.25, measured=told.now)
    assert 60 <= len(told.updates) <= 150
