"""Alarms on their way to desks, over a running dashboard: routing, escalation, the end of a shelf, shifts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alerts.alarms.life import Actor, AlarmState, Command, Do
from configs.rules import Severity
from dashboard.policy import Role

pytestmark = [pytest.mark.parametrize("wall", ["desks"], indirect=True)]


async def until(feed: Any, command: str, event: Any = None) -> Any:
    """The next change by that command, of that event."""
    while True:
        change = (await feed.next("alarm"))["change"]
        if change["command"] == command and (event is None or change["event_id"] == event.id):
            return change


async def seen(wall: Any, desk: str) -> None:
    while desk not in wall.parts.keeper.connected:
        await asyncio.sleep(0.01)


async def test_an_alarm_goes_to_the_desk_where_somebody_is(wall: Any) -> None:
    east = wall.client(regions=("east",))
    leader = wall.client(Role.SHIFT_LEADER, regions=("county", "west"))
    mine, theirs = (wall.event(region, severity=Severity.MEDIUM) for region in ("east", "west"))
    async with wall.feed(east) as feed, wall.feed(leader) as over:
        await feed.next("hello")
        await over.next("hello")
        await seen(wall, "east-desk")
        wall.publish(mine)
        wall.publish(theirs)
        routed = await until(feed, "route")
        assert (routed["standing"]["desk"], routed["standing"]["priority"]) == ("east-desk", "medium")
        assert (routed["state"], routed["by"]) == ("new", "system")
        # Nobody is at the west desk: it goes up the tree.
        assert (await until(over, "route", theirs))["standing"]["desk"] == "county-desk"
        told = east.get("/api/desks").json()
    assert [each["id"] for each in told] == ["east-desk"]
    assert (told[0]["connected"], told[0]["mine"], told[0]["open"]) == (True, True, 1)


async def test_an_alarm_that_nobody_acknowledges_goes_up_and_stays_there(wall: Any) -> None:
    event = wall.event("east", severity=Severity.HIGH)
    client = wall.client(regions=("east",))
    async with wall.feed(client) as feed:
        await feed.next("hello")
        await seen(wall, "east-desk")
        wall.publish(event)
        assert (await until(feed, "route"))["standing"]["desk"] == "east-desk"
        up = (await until(feed, "escalate"))["standing"]
        assert (up["desk"], up["escalations"], up["due_at"] is not None) == ("county-desk", 1, True)
        top = (await until(feed, "escalate"))["standing"]
        assert (top["desk"], top["escalations"], top["due_at"], top["state"]) == ("county-desk", 2, None, "new")
    history = client.get(f"/api/events/{event.id}/steps").json()
    assert [(step["command"], step["desk"], step["comment"]) for step in history] == [
        ("route", "east-desk", None),
        ("escalate", "county-desk", "nobody acknowledged in time"),
        ("escalate", "county-desk", "nobody acknowledged in time"),
    ]


async def test_a_shelf_ends_by_itself_and_the_clock_begins_again(wall: Any) -> None:
    event = wall.event("east", severity=Severity.MEDIUM)
    client = wall.client()
    async with wall.feed(client) as feed:
        await feed.next("hello")
        wall.publish(event)
        await until(feed, "route")
        shelved = client.post(f"/api/events/{event.id}/shelve", json={"seconds": 0.05, "comment": "施工"}).json()
        assert (shelved["state"], shelved["due_at"]) == ("shelved", None)
        back = await until(feed, "unshelve")
        assert (back["state"], back["by"], back["standing"]["desk"]) == ("new", "system", None)
        assert (await until(feed, "route"))["standing"]["due_at"] is not None


async def test_a_flood_is_grouped_and_nothing_is_hidden(wall: Any) -> None:
    client = wall.client()
    events = [wall.event("east", severity=Severity.MEDIUM) for _ in range(14)]
    events += [wall.event("east", severity=Severity.MEDIUM, kind="crowding")]
    for event in events:
        wall.publish(event)
    while wall.parts.alarms.unrouted(0.0, 100):
        await asyncio.sleep(0.01)
    rows = {row["id"]: row for row in client.get("/api/events?limit=50").json()["rows"]}
    marks = [rows[event.id]["flood"] for event in events]
    assert marks == [None] * 10 + [events[10].id] * 4 + [events[14].id]
    assert all(rows[event.id]["due_at"] for event in events)
    group = client.get(f"/api/events?flood={events[10].id}").json()
    assert (group["total"], {row["id"] for row in group["rows"]}) == (4, {event.id for event in events[10:14]})
    # What comes later joins the group that grows.
    late = wall.event("east", severity=Severity.MEDIUM)
    wall.publish(late)
    while wall.parts.alarms.unrouted(0.0, 100):
        await asyncio.sleep(0.01)
    assert wall.store.get(late.id).flood == events[10].id


def test_a_shift_is_taken_with_everything_that_is_open(wall: Any) -> None:
    first, second, other = wall.client(), wall.client(), wall.client(Role.SHIFT_LEADER)
    assert first.post("/api/desks/east-desk/take").status_code == 200
    refused = second.post("/api/desks/east-desk/take")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "shift_taken")
    assert refused.json()["error"]["detail"]["by_name"].startswith("operator")
    assert second.post("/api/desks/east-desk/offer").status_code == 409
    assert other.post("/api/desks/east-desk/take").json()["error"]["code"] == "not_your_desk"
    assert "east-desk" in wall.parts.keeper.manned()

    events = [wall.event("east", severity=Severity.MEDIUM) for _ in range(3)]
    for event in events:
        wall.publish(event)
    routes = [(event.id, 0, Command(Do.ROUTE, desk="east-desk", due_at=1e12)) for event in events]
    wall.parts.alarms.take_each(routes, 1.0)
    first.post(f"/api/events/{events[0].id}/acknowledge", json={"own": True}).raise_for_status()
    wall.parts.alarms.take(events[1].id, [Command(Do.OWN)], Actor("third", "third"), 2.0)
    assert first.post("/api/desks/east-desk/offer", json={"note": "门口有施工"}).json()["note"] == "门口有施工"

    listed = second.get("/api/desks/east-desk/handover").json()
    assert [alarm["id"] for alarm in listed["alarms"]] == [event.id for event in events]
    ids = [event.id for event in events]
    unread = second.post("/api/desks/east-desk/take", json={"alarms": ids[:2]})
    assert (unread.status_code, unread.json()["error"]["detail"]["missing"]) == (409, 1)
    taken = second.post("/api/desks/east-desk/take", json={"alarms": ids}).json()
    me = second.get("/api/me").json()["id"]
    assert (taken["shift"]["holder"], taken["open"]) == (me, 3)
    owners = [wall.store.get(event.id).owner for event in events]
    assert owners == [me, "third", None]
    assert wall.store.get(events[0].id).state is AlarmState.ACKNOWLEDGED
    assert [step.comment for step in wall.parts.alarms.steps(events[0].id)][-1] == "门口有施工"
    assert {line.action for line in wall.accounts.audit_log()} >= {"shift.take", "shift.offer"}


def test_a_desk_elsewhere_does_not_exist(wall: Any) -> None:
    west = wall.client(regions=("west",))
    assert west.get("/api/desks/east-desk/handover").status_code == 404
    assert west.post("/api/desks/east-desk/take").status_code == 404
    assert wall.client(Role.ANALYST).get("/api/desks").status_code == 403
