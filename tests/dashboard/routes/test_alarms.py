"""Steps with an alarm over HTTP: the whole life, rights, who was first, and what the audit keeps."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from dashboard.policy import Role


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_from_alarm_to_owned_with_a_comment_in_one_call(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    client = wall.client()
    row = client.post(f"/api/events/{event.id}/acknowledge", json={"comment": "派人", "own": True}).json()
    assert (row["state"], row["comment"], row["owner"]) == ("acknowledged", "派人", row["acknowledged_by"])
    actions = [line.action for line in wall.accounts.audit_log() if line.target == event.id]
    assert actions == ["alarm.own", "alarm.acknowledge"]


def test_a_whole_life_and_its_history(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    client, leader = wall.client(), wall.client(Role.SHIFT_LEADER)
    at = f"/api/events/{event.id}"
    path: list[tuple[Any, str, dict[str, Any], str]] = [
        (client, "own", {}, "new"),
        (client, "acknowledge", {}, "acknowledged"),
        (client, "start", {}, "in_progress"),
        (client, "hold", {"comment": "等派出所"}, "on_hold"),
        (client, "shelve", {"seconds": 600, "comment": "施工"}, "shelved"),
        (client, "unshelve", {}, "on_hold"),
        (client, "close", {"closing": "false"}, "closed"),
        (client, "comment", {"comment": "是施工人员"}, "closed"),
        (leader, "reopen", {}, "acknowledged"),
    ]
    for browser, word, body, state in path:
        answer = browser.post(f"{at}/{word}", json=body)
        assert (answer.status_code, answer.json()["state"]) == (200, state), word
    steps = client.get(f"{at}/steps").json()
    assert [step["command"] for step in steps] == [word for _, word, _, _ in path]
    assert (steps[3]["before"], steps[3]["after"], steps[3]["comment"]) == ("in_progress", "on_hold", "等派出所")
    assert [row["id"] for row in client.get("/api/events?state=closed&state=acknowledged").json()["rows"]] == [event.id]
    assert client.get("/api/events?state=new").json()["rows"] == []


def test_a_step_that_does_not_fit_says_who_was_there(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    first, second = wall.client(), wall.client()
    at = f"/api/events/{event.id}"
    assert code(first.post(f"{at}/close", json={"closing": "test"})) == (409, "alarm_changed")
    owned = first.post(f"{at}/own").json()
    refused = second.post(f"{at}/own")
    assert code(refused) == (409, "alarm_changed")
    assert refused.json()["error"]["detail"]["by_name"] == owned["owner_name"]
    assert code(second.post(f"{at}/acknowledge", json={"version": 0})) == (409, "alarm_changed")
    assert second.post(f"{at}/own", json={"take_over": True, "version": owned["version"]}).status_code == 200
    assert code(second.post(f"{at}/shelve", json={"seconds": 90_000, "comment": "x"})) == (422, "invalid")
    assert code(second.post(f"{at}/comment", json={"comment": "  "})) == (422, "invalid")


@pytest.mark.parametrize(
    ("role", "word", "body"),
    [
        (Role.OPERATOR, "reopen", {}),
        (Role.WALL_SCREEN, "own", {}),
        (Role.ANALYST, "close", {"closing": "false"}),
        (Role.ENGINEER, "shelve", {"seconds": 60, "comment": "x"}),
        (Role.AUDITOR, "comment", {"comment": "x"}),
        (Role.FIELD_UNIT, "start", {}),
    ],
)
def test_who_may_not_is_refused(wall: Any, role: Role, word: str, body: dict[str, Any]) -> None:
    event = wall.event()
    wall.publish(event)
    assert code(wall.client(role).post(f"/api/events/{event.id}/{word}", json=body)) == (403, "forbidden")


def test_what_an_account_does_not_cover_does_not_exist_for_it(wall: Any) -> None:
    event = wall.event("west")
    wall.publish(event)
    east = wall.client(regions=("east",))
    for word in ("own", "start", "hold", "unshelve"):
        assert code(east.post(f"/api/events/{event.id}/{word}")) == (404, "not_found")
    assert code(east.get(f"/api/events/{event.id}/steps")) == (404, "not_found")


async def test_every_step_reaches_an_open_wall(wall: Any) -> None:
    event = wall.event()
    wall.publish(event)
    client = wall.client()
    async with wall.feed(client) as feed:
        await feed.next("hello")
        await asyncio.to_thread(client.post, f"/api/events/{event.id}/acknowledge", json={"own": True})
        changes = [(await feed.next("alarm"))["change"] for _ in range(2)]
    assert [change["command"] for change in changes] == ["acknowledge", "own"]
    assert changes[1]["standing"]["owner_name"] == changes[0]["by_name"]


def test_the_load_of_a_day_is_counted_for_whom_it_concerns(wall: Any) -> None:
    now = time.time()
    made = [wall.event("east", occurred_at=now - 60 - number) for number in range(12)]
    old = wall.event("east", number=2, occurred_at=now - 90_000, kind="crowding")
    elsewhere = wall.event("west", occurred_at=now - 30)
    for event in (*made, old, elsewhere):
        wall.publish(event)
    client = wall.client(regions=("east",))
    for event, closing in zip(made, ("false", "false", "confirmed"), strict=False):
        client.post(f"/api/events/{event.id}/acknowledge").raise_for_status()
        client.post(f"/api/events/{event.id}/close", json={"closing": closing}).raise_for_status()
    load = client.get("/api/alarms/load").json()
    assert (load["alarms"], load["operators"], load["peak"], load["peak_class"]) == (12, 1, 12, "hard")
    assert load["closings"] == {"confirmed": 1, "false": 2, "test": 0}
    assert load["false_share"] == pytest.approx(2 / 3)
    assert [flood["alarms"] for flood in load["floods"]] == [12]
    worst = load["sources"][0]
    assert (worst["camera_id"], worst["alarms"], worst["false"]) == ("east-1", 12, 2)
    assert (load["standing"], load["longest_standing"][0]["event_id"]) == (1, old.id)
    assert sum(bucket["alarms"] for bucket in load["buckets"]) == 12
    assert wall.client().get("/api/alarms/load?operators=2").json()["per_operator_hour"] == pytest.approx(13 / 48)
    assert client.get("/api/alarms/load?region=west").json()["alarms"] == 0
    assert code(client.get("/api/alarms/load?from=0&to=1e9")) == (422, "bad_span")
    assert code(wall.client(Role.FIELD_UNIT).get("/api/alarms/load")) == (403, "forbidden")
