"""What the store knows of situations, and how analysts correct it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.event import Event, SituationUpdate, Suppressed
from alerts.situation_store import CannotCorrect, SituationStore, suspect
from alerts.store import EventStore

MakeEvent = Callable[..., Event]
ANALYST = {"by": "u1", "by_name": "王"}


@pytest.fixture
def situations(store: EventStore) -> SituationStore:
    return SituationStore(store.engine)


@pytest.fixture
def stored(store: EventStore, situations: SituationStore, make_event: MakeEvent) -> Callable[[int], list[Event]]:
    def make(number: int) -> list[Event]:
        events = [make_event() for _ in range(number)]
        store.append([(f"{n + 1}-0", event) for n, event in enumerate(events)])
        situations.begin([(event.detected_at, event) for event in events], events[0].detected_at)
        return events

    return make


def told(event: Event, at: float, **changes: object) -> SituationUpdate:
    fields: dict[str, object] = {"event_id": event.id, "at": at, "phase": "update", "measured": 1, "peak": 1, "hits": 0}
    return SituationUpdate.model_validate(fields | changes)


def test_the_newest_word_counts_and_peaks_never_fall(
    situations: SituationStore, stored: Callable[[int], list[Event]]
) -> None:
    (event,) = stored(1)
    at = event.detected_at
    end = told(event, at + 9, phase="end", measured=2, peak=7, hits=3, ended_at=at + 4)
    situations.apply([told(event, at + 3, measured=7, peak=7, hits=2), end])
    situations.apply([told(event, at + 6, measured=5, peak=5, hits=1)])  # came late
    situations.apply([end])  # came again
    row = situations.of([event.id])[event.id]
    assert (row.measured, row.peak, row.hits, row.ended_at) == (2, 7, 3, at + 4)
    situations.apply([told(event, at + 12, measured=4, peak=7, hits=3)])
    assert situations.of([event.id])[event.id].ended_at is None, "it went on"


def test_merged_hits_are_kept_once_with_their_reason(
    situations: SituationStore, stored: Callable[[int], list[Event]], make_event: MakeEvent
) -> None:
    (event,) = stored(1)
    hits = (Suppressed(event=make_event(), reason="window"), Suppressed(event=make_event(), reason="ongoing"))
    for _ in range(2):
        situations.apply([told(event, event.detected_at + 3, hits=2, suppressed=hits)])
    kept = situations.hits(event.id)
    assert [(hit.event, hit.reason, hit.split) for hit in kept] == [(hit.event, hit.reason, False) for hit in hits]


def test_a_hit_is_split_off_and_taken_back_on_record(
    store: EventStore, situations: SituationStore, stored: Callable[[int], list[Event]], make_event: MakeEvent
) -> None:
    (event,) = stored(1)
    hit = make_event()
    situations.apply([told(event, 5.0e9, hits=3, suppressed=(Suppressed(event=hit, reason="window"),))])
    done, made = situations.split(event.id, hit.id, at=1.0, comment="另一个人", **ANALYST)
    store.append([("9-0", made)])
    assert made == hit
    assert situations.of([event.id])[event.id].hits == 2
    with pytest.raises(CannotCorrect, match="already"):
        situations.split(event.id, hit.id, at=2.0, **ANALYST)
    situations.undo(done.id, at=3.0, **ANALYST)
    rows = situations.of([event.id, hit.id])
    assert rows[event.id].hits == 3
    assert rows[hit.id].merged_into == event.id
    with pytest.raises(CannotCorrect, match="taken back already, by 王"):
        situations.undo(done.id, at=4.0, **ANALYST)
    (record,) = situations.corrections(hit.id)
    assert (record.action, record.comment, record.at, record.undone_at) == ("split", "另一个人", 1.0, 3.0)


def test_events_are_merged_and_parted_again(situations: SituationStore, stored: Callable[[int], list[Event]]) -> None:
    a, b, c = stored(3)
    done = situations.merge(a.id, b.id, at=1.0, **ANALYST)
    assert situations.of([b.id])[b.id].merged_into == a.id
    for into, part in ((b.id, c.id), (c.id, b.id), (c.id, a.id), (a.id, a.id), (a.id, "unknown")):
        with pytest.raises(CannotCorrect):
            situations.merge(into, part, at=2.0, **ANALYST)
    situations.undo(done.id, at=3.0, **ANALYST)
    assert situations.of([b.id])[b.id].merged_into is None
    situations.merge(c.id, b.id, at=4.0, **ANALYST)
    assert [record.event_id for record in situations.corrections(b.id)] == [a.id, c.id]


def test_what_an_outage_held_up_is_marked_late(
    store: EventStore, situations: SituationStore, make_event: MakeEvent
) -> None:
    event, prompt = make_event(), make_event()
    stored_at = prompt.detected_at + 2
    held_up = event.model_copy(update={"detected_at": stored_at - 700, "occurred_at": stored_at - 701})
    situations.begin([(stored_at, held_up), (stored_at, prompt)], stored_at)
    rows = situations.of([held_up.id, prompt.id])
    assert (rows[held_up.id].late_s, rows[prompt.id].late_s) == (700, None)
    assert not rows[held_up.id].clock_suspect


@pytest.mark.parametrize(
    ("occurred", "detected", "wrong"),
    [
        (-1.0, 0.0, False),
        (-7200.0, -7200.0, False),  # waited through an outage
        (60.0, 0.0, True),  # a camera ahead
        (0.0, 60.0, True),  # a worker ahead
        (-30 * 86400.0, 0.0, True),
        (-1.79e9, -1.79e9, True),  # a machine without a clock
    ],
)
def test_a_time_that_cannot_be_is_told(make_event: MakeEvent, occurred: float, detected: float, wrong: bool) -> None:
    arrived = 1_790_000_000.0
    event = make_event(occurred_at=arrived + occurred, detected_at=arrived + detected)
    assert suspect(event, arrived) is wrong


def test_situations_go_with_their_events(
    store: EventStore, situations: SituationStore, stored: Callable[[int], list[Event]], make_event: MakeEvent
) -> None:
    old, kept = stored(2)
    situations.apply([told(old, old.detected_at, suppressed=(Suppressed(event=make_event(), reason="window"),))])
    store.purge(kept.occurred_at)
    assert situations.purge(kept.detected_at + 1) == 1
    assert set(situations.of([old.id, kept.id])) == {kept.id}
    assert situations.hits(old.id) == ()
