"""Wall screens over a running dashboard: let in by a code, driven from desks, told by the feed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from dashboard.policy import Role
from dashboard.screens.enrolment import TRIES

pytestmark = [pytest.mark.parametrize("wall", ["desks"], indirect=True)]
EAST = {"kind": "scene", "layout": "1", "tiles": ["east-1"], "name": "东门"}


def code_for(wall: Any, screen: str = "hall") -> str:
    made: str = wall.client(Role.SHIFT_LEADER).post(f"/api/screens/{screen}/code").raise_for_status().json()["code"]
    return made


def enrolled(wall: Any, screen: str = "hall") -> httpx.Client:
    """The screen's own browser."""
    browser: httpx.Client = wall.client(login=False)
    code = code_for(wall, screen)
    browser.post(f"/api/screens/{screen}/enrol", json={"code": f"{code[:4]} {code[4:]}"}).raise_for_status()
    return browser


def shown(client: httpx.Client, screen: str = "hall") -> dict[str, Any]:
    found: dict[str, Any] = {each["id"]: each for each in client.get("/api/screens").json()}[screen]
    return found


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_screen_is_let_in_once_by_a_leaders_code(wall: Any) -> None:
    code = code_for(wall)
    browser = wall.client(login=False)
    me = browser.post("/api/screens/hall/enrol", json={"code": code}).raise_for_status().json()
    assert (me["role"], me["screen"], me["display_name"]) == ("wall_screen", "hall", "大厅")
    assert browser.get("/api/me").json()["screen"] == "hall"
    assert shown(browser)["enrolled"]
    again = wall.client(login=False).post("/api/screens/hall/enrol", json={"code": code})
    assert refusal(again) == (401, "wrong_code")
    assert wall.client(Role.OPERATOR).post("/api/screens/hall/code").status_code == 403
    # The screen decides nothing, and sees its own region only.
    assert browser.post("/api/screens/hall/push", json={"content": EAST}).status_code == 403
    east = enrolled(wall, "east-hall")
    assert [each["id"] for each in east.get("/api/screens").json()] == ["east-hall"]
    assert {each["id"] for each in east.get("/api/node").json()["cameras"]} == {"east-1", "east-2"}


def test_a_code_is_void_after_wrong_ones(wall: Any) -> None:
    code = code_for(wall)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    browser = wall.client(login=False)
    for _ in range(TRIES):
        assert refusal(browser.post("/api/screens/hall/enrol", json={"code": wrong}))[0] in (401, 429)
        wall.parts.guard.succeeded("screen:hall", "127.0.0.1")  # the wait for guessers is tested at the login
    assert refusal(browser.post("/api/screens/hall/enrol", json={"code": code})) == (401, "wrong_code")


async def test_what_is_pushed_reaches_the_screen_and_says_who_drives(wall: Any) -> None:
    screen, desk = enrolled(wall), wall.client(Role.SHIFT_LEADER, regions=("county",))
    async with wall.feed(screen) as feed, wall.feed(desk) as over:
        first = (await feed.next("screen"))["screen"]
        assert (first["id"], first["state"]["content"]) == ("hall", None)
        while not (await over.next("screen"))["screen"]["connected"]:
            pass
        desk.post("/api/screens/hall/push", json={"content": EAST}).raise_for_status()
        state = (await feed.next("screen"))["screen"]["state"]
        while state["content"] is None:  # it was told that it is there
            state = (await feed.next("screen"))["screen"]["state"]
        assert (state["content"], state["driver"]["desk_name"], state["version"]) == (EAST, "县", 1)
    # A screen that comes back is told the same.
    async with wall.feed(screen) as feed:
        assert (await feed.next("screen"))["screen"]["state"] == state
    desk.post("/api/screens/hall/clear").raise_for_status()
    assert shown(desk)["state"]["driver"] is None


def test_who_takes_over_has_been_told_from_whom(wall: Any) -> None:
    first, second = wall.client(), wall.client()
    first.post("/api/screens/hall/push", json={"content": EAST}).raise_for_status()
    refused = second.post("/api/screens/hall/push", json={"content": {"kind": "overview"}})
    assert refusal(refused) == (409, "screen_driven")
    told = refused.json()["error"]["detail"]
    name = first.get("/api/me").json()["display_name"]
    assert (told["by_name"], told["version"]) == (shown(first)["state"]["driver"]["desk_name"] or name, 1)
    assert refusal(second.post("/api/screens/hall/clear")) == (409, "screen_driven")
    first.post("/api/screens/hall/push", json={"content": {**EAST, "name": "另一"}}).raise_for_status()
    stale = second.post("/api/screens/hall/push", json={"content": {"kind": "overview"}, "seen": told["version"]})
    assert refusal(stale) == (409, "screen_changed")
    taken = second.post("/api/screens/hall/push", json={"content": {"kind": "overview"}, "seen": 2}).raise_for_status()
    assert taken.json()["state"]["version"] == 3
    assert refusal(first.post("/api/screens/hall/clear")) == (409, "screen_driven")


def test_nothing_is_pushed_that_the_pusher_or_the_screen_may_not_show(wall: Any) -> None:
    county, east, west = (wall.client(regions=(region,)) for region in ("county", "east", "west"))
    west_camera = {"kind": "scene", "layout": "1", "tiles": ["west-1"], "name": None}
    assert refusal(east.post("/api/screens/hall/push", json={"content": EAST})) == (404, "not_found")
    assert [each["id"] for each in east.get("/api/screens").json()] == ["east-hall"]
    assert west.get("/api/screens").json() == []
    assert refusal(east.post("/api/screens/east-hall/push", json={"content": west_camera})) == (404, "not_found")
    assert refusal(county.post("/api/screens/east-hall/push", json={"content": west_camera})) == (
        409,
        "not_of_the_screen",
    )
    event = wall.event("west")
    wall.publish(event)
    alarm = {"kind": "alarm", "event_id": event.id}
    assert refusal(county.post("/api/screens/east-hall/push", json={"content": alarm})) == (409, "not_of_the_screen")
    county.post("/api/screens/hall/push", json={"content": alarm}).raise_for_status()
    assert shown(county)["state"]["content"] == alarm
    assert refusal(county.post("/api/screens/nowhere/push", json={"content": EAST})) == (404, "not_found")
    assert county.post("/api/screens/hall/push", json={"content": {"kind": "else"}}).status_code == 422


async def test_a_revoked_screen_is_out_at_once(wall: Any) -> None:
    screen, leader = enrolled(wall), wall.client(Role.SHIFT_LEADER)
    async with wall.socket("/api/feed", screen) as socket:
        await socket.recv()
        leader.delete("/api/screens/hall/enrolment").raise_for_status()
        assert await wall.close_code(socket) == 4401
    assert screen.get("/api/me").status_code == 401
    assert not shown(leader)["enrolled"]


def test_a_state_of_another_release_shows_nothing_and_is_replaced(wall: Any) -> None:
    wall.redis.hset("xl:screens", "hall", '{"v": 9}')
    client = wall.client()
    client.post("/api/screens/hall/push", json={"content": EAST}).raise_for_status()
    assert shown(client)["state"]["content"] == EAST
