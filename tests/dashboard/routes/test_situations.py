"""What was merged into an event over HTTP, and corrections: each by right, on record, and to be taken back."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from alerts.bus import EVENTS_KEY
from alerts.event import Event, SituationUpdate, Suppressed
from dashboard.policy import Role
from tests.dashboard.conftest import wait_until


@pytest.fixture
def happening(wall: Any) -> tuple[Event, Event]:
    """A stored event, and a hit that was merged into it; two more were only counted."""
    event, hit = wall.event(), wall.event(measured=9.1)
    wall.publish(event)
    told = SituationUpdate(
        event_id=event.id,
        at=event.detected_at + 5,
        phase="update",
        measured=9.1,
        peak=9.1,
        hits=3,
        ended_at=None,
        suppressed=(Suppressed(event=hit, reason="window"),),
    )
    wall.parts.situations.begin([(event.detected_at, event)], event.detected_at)
    wall.parts.situations.apply([told])
    wall.store.set_repeats({event.id: 3})
    return event, hit


def post(client: httpx.Client, event: Event, path: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/events/{event.id}/{path}", json=body)


def test_whoever_reads_an_event_sees_what_was_merged_into_it(wall: Any, happening: tuple[Event, Event]) -> None:
    event, hit = happening
    told = wall.client().get(f"/api/events/{event.id}/situation").json()
    assert (told["counted"], told["corrections"]) == (3, [])
    assert [(each["event"]["id"], each["event"]["measured"], each["reason"]) for each in told["hits"]] == [
        (hit.id, 9.1, "window")
    ]
    assert wall.client(regions=("west",)).get(f"/api/events/{event.id}/situation").status_code == 404


def test_a_hit_becomes_an_event_that_everybody_hears_of_and_back(wall: Any, happening: tuple[Event, Event]) -> None:
    event, hit = happening
    assert post(wall.client(), event, "split", hit_id=hit.id).status_code == 403, "an operator corrects nothing"
    analyst = wall.client(Role.ANALYST)
    done = post(analyst, event, "split", hit_id=hit.id, comment="another person")
    assert (done.status_code, done.json()["action"], done.json()["other_id"]) == (200, "split", hit.id)

    def on_the_stream() -> list[str]:
        entries = wall.redis.xrange(EVENTS_KEY)
        return [json.loads(fields[b"data"])["id"] for _, fields in entries if fields[b"type"] == b"event"]

    wait_until(lambda: on_the_stream() == [event.id, hit.id], "the event on the stream")
    again = post(analyst, event, "split", hit_id=hit.id)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "cannot_correct")
    taken_back = post(analyst, event, f"corrections/{done.json()['id']}/undo")
    assert taken_back.json()["undone_by_name"] == taken_back.json()["by_name"]
    told = analyst.get(f"/api/events/{event.id}/situation").json()
    assert [each["split"] for each in told["hits"]] == [False]
    assert [each["undone_at"] is not None for each in told["corrections"]] == [True]
    done_by = [(entry.action, entry.target) for entry in wall.accounts.audit_log() if "situation" in entry.action]
    assert sorted(done_by) == [("situation.split", event.id), ("situation.undo", event.id)]


def test_two_events_become_one_by_somebody_who_sees_both(wall: Any, happening: tuple[Event, Event]) -> None:
    event, _ = happening
    other, far = wall.event(), wall.event(region="west")
    for each in (other, far):
        wall.publish(each)
        wall.parts.situations.begin([(each.detected_at, each)], each.detected_at)
    analyst = wall.client(Role.ANALYST, regions=("east",))
    assert post(analyst, event, "merge", other_id=far.id).status_code == 404
    done = post(analyst, event, "merge", other_id=other.id).json()
    row = analyst.get(f"/api/events/{other.id}").json()
    assert row["situation"]["merged_into"] == event.id
    assert post(analyst, other, "merge", other_id=event.id).status_code == 409
    assert post(analyst, event, f"corrections/{done['id'] + 100}/undo").status_code == 409
    assert post(analyst, other, f"corrections/{done['id']}/undo").status_code == 200
    assert analyst.get(f"/api/events/{other.id}").json()["situation"]["merged_into"] is None
