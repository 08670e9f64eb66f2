"""The feed over real websockets: at once, resumed without loss or doubles, and honest about what is away."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from alerts.event import SituationUpdate
from alerts.health import HealthBoard, RecordingStatus, WorkerInfo
from alerts.recording.evidence import Evidence
from dashboard.policy import Role


@pytest.fixture(autouse=True)
async def deadline() -> Any:
    async with asyncio.timeout(60):
        yield


async def test_an_event_and_its_acknowledgement_reach_an_open_wall(wall: Any) -> None:
    client = wall.client()
    async with wall.feed(client) as feed:
        hello = await feed.next("hello")
        assert (hello["cursor"], hello["missed"], hello["gone"]) == ("none", 0, 0)
        assert abs(hello["server_time"] - time.time()) < 5
        event = wall.event()
        stream_id = wall.publish(event)
        item = await feed.next("event")
        assert (item["id"], item["late"], item["row"]["id"], item["row"]["state"]) == (
            stream_id,
            False,
            event.id,
            "new",
        )
        await asyncio.to_thread(client.post, f"/api/events/{event.id}/acknowledge", json={"comment": "ok"})
        change = (await feed.next("alarm"))["change"]
        assert (change["event_id"], change["state"], change["comment"]) == (event.id, "acknowledged", "ok")
        await feed.socket.send(json.dumps({"type": "ping", "t": 12.5}))
        assert (await feed.next("pong"))["t"] == 12.5


async def test_how_a_happening_goes_on_reaches_an_open_wall_newest_word_only(wall: Any) -> None:
    def tell(kind: str, told: Any) -> None:
        wall.redis.xadd("xl:events", {"type": kind, "data": told.model_dump_json()})

    event, elsewhere = wall.event(), wall.event("west")
    client = wall.client(regions=("east",))
    async with wall.feed(client) as feed:
        hello = await feed.next("hello")
        wall.publish(event)
        wall.publish(elsewhere)
        await feed.next("event")
        updates = [
            SituationUpdate(event_id=each.id, at=n, phase="update", measured=n, peak=n, hits=n)
            for n in range(1, 40)
            for each in (elsewhere, event)
        ]
        for told in updates:
            tell("update", told)
        tell("evidence", Evidence(event_id=event.id, camera_id=event.camera_id, missing="disk_full"))
        seen: list[dict[str, Any]] = []
        while not seen or seen[-1]["hits"] < 39:
            seen.append(await feed.next("situation"))
        assert {item["event_id"] for item in seen} == {event.id}
        assert [item["hits"] for item in seen] == sorted(item["hits"] for item in seen)
        assert seen[-1]["peak"] == 39
        clip = await feed.next("clip")
        assert (clip["event_id"], clip["kept"]) == (event.id, False)
    # Who comes back to all of it is told the last word once.
    async with wall.feed(client, wall.redis.xrange("xl:events")[0][0].decode()) as feed:
        await feed.next("hello")
        assert (await feed.next("situation"))["hits"] == 39
        await feed.next("clip")
    assert hello["missed"] == 0


async def test_a_merge_is_told_and_its_part_leaves_the_lists(wall: Any) -> None:
    leader = wall.client(Role.SHIFT_LEADER)
    holder, part = wall.event(), wall.event(number=2)
    now = time.time()
    for each in (holder, part):
        wall.publish(each)
    wall.parts.situations.begin([(now, holder), (now, part)], now)
    async with wall.feed(leader) as feed:
        await feed.next("hello")
        path = f"/api/events/{holder.id}"
        done = await asyncio.to_thread(leader.post, f"{path}/merge", json={"other_id": part.id})
        told = (await feed.next("correction"))["correction"]
        assert (told["action"], told["other_id"], told["undone_at"]) == ("merge", part.id, None)
        page = (await asyncio.to_thread(leader.get, "/api/events")).json()
        assert ([row["id"] for row in page["rows"]], page["total"]) == ([holder.id], 1)
        assert (await asyncio.to_thread(leader.get, f"/api/events/{part.id}")).json()["situation"]["merged_into"]
        await asyncio.to_thread(leader.post, f"{path}/corrections/{done.json()['id']}/undo")
        assert (await feed.next("correction"))["correction"]["undone_at"] is not None
        assert (await asyncio.to_thread(leader.get, "/api/events")).json()["total"] == 2


async def test_a_returning_browser_gets_everything_it_missed_once(wall: Any) -> None:
    client = wall.client()
    async with wall.feed(client) as feed:
        await feed.next("hello")
        first = wall.event()
        wall.publish(first)
        await feed.next("event")
        last_id = feed.last_id
    missed = [wall.event() for _ in range(450)]
    for event in missed:
        wall.publish(event, record=False)
    async with wall.feed(client, last_id) as feed:
        hello = await feed.next("hello")
        live = wall.event()
        wall.publish(live, record=False)
        assert (hello["cursor"], hello["resumed_from"], hello["missed"], hello["reload"]) == (
            "resumed",
            last_id,
            450,
            False,
        )
        items = [await feed.next("event") for _ in range(451)]
    assert [item["row"]["id"] for item in items] == [event.id for event in [*missed, live]]
    assert [item["late"] for item in items] == [True] * 450 + [False]


async def test_what_the_stream_no_longer_holds_comes_from_the_store_and_what_is_gone_is_told(wall: Any) -> None:
    client = wall.client()
    old = [wall.event(occurred_at=1000.0), *(wall.event() for _ in range(3))]
    ids = [wall.publish(event) for event in old]
    wall.redis.xtrim("xl:events", maxlen=1, approximate=False)
    wall.store.purge(2000.0)
    async with wall.feed(client, "1-0") as feed:
        hello = await feed.next("hello")
        assert (hello["missed"], hello["gone"], hello["reload"]) == (3, 1, True)
        items = [await feed.next("event") for _ in range(3)]
        assert [item["id"] for item in items] == ids[1:]
        assert feed.last_id == ids[-1]


@pytest.mark.parametrize("cursor", ["rubbish", "99999999999999-0", "9999999999999-0", "1-99999999", "%00", "0"])
async def test_a_cursor_that_is_not_ours_is_told_and_no_reason_to_close(wall: Any, cursor: str) -> None:
    async with wall.feed(wall.client(), cursor) as feed:
        hello = await feed.next("hello")
        assert (hello["cursor"], hello["resumed_from"], hello["reload"]) == ("unknown", None, True)
        event = wall.event()
        wall.publish(event)
        assert (await feed.next("event"))["row"]["id"] == event.id


async def test_each_account_sees_its_regions_and_its_role(wall: Any) -> None:
    wall.report("east-1")
    wall.report("west-1")
    east, analyst = wall.client(regions=("east",)), wall.client(Role.ANALYST)
    wall.publish(wall.event("west"))
    async with wall.feed(east, "1-0") as narrow, wall.feed(analyst) as wide:
        assert (await narrow.next("hello"))["missed"] == 0
        await wide.next("hello")
        await narrow.next("rotation")
        cameras = {each["camera_id"] for each in (await narrow.next("health"))["cameras"]}
        assert cameras <= {"east-1", "east-2"}
        west, mine = wall.event("west"), wall.event("east")
        wall.publish(west)
        wall.publish(mine)
        assert (await narrow.next("event"))["row"]["id"] == mine.id
        assert [(await wide.next("event"))["row"]["id"] for _ in range(2)] == [west.id, mine.id]


async def test_rotation_health_and_time_come_by_themselves(wall: Any) -> None:
    async with wall.feed(wall.client()) as feed:
        rotation = (await feed.next("rotation"))["rotation"]
        assert [slot["slot"] for slot in rotation["slots"]] == [0, 1]
        wall.report("west-2", received=7)
        while True:
            cameras = (await feed.next("health"))["cameras"]
            found = [each for each in cameras if each["camera_id"] == "west-2" and each["received"] == 7]
            if found:
                break
        assert not found[0]["silent"]
        await feed.next("time")
        wall.publish(wall.event("west", 2))
        while True:
            rotation = (await feed.next("rotation"))["rotation"]
            called = [slot for slot in rotation["slots"] if slot["reason"] == "alarm"]
            if called:
                break
        assert called[0]["camera_id"] == "west-2"


async def test_no_session_no_right_and_another_site_get_nothing(wall: Any) -> None:
    async with wall.socket("/api/feed") as socket:
        assert await wall.close_code(socket) == 4401
    async with wall.socket("/api/live/east-1", wall.client(Role.ANALYST)) as socket:
        assert await wall.close_code(socket) == 4403
    with pytest.raises(InvalidStatus) as refused:
        async with wall.socket("/api/feed", wall.client(), Origin="http://evil.example"):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("how", ["logout", "disabled"])
async def test_the_end_of_a_session_closes_its_feed(wall: Any, how: str) -> None:
    client = wall.client()
    username = client.get("/api/me").json()["username"]
    async with wall.feed(client) as feed:
        await feed.next("hello")
        if how == "logout":
            await asyncio.to_thread(client.post, "/api/logout")
        else:
            wall.accounts.set_disabled(username, disabled=True)
        assert await wall.close_code(feed.socket) == 4401


async def test_leaving_frees_the_place(wall: Any) -> None:
    client = wall.client()
    async with wall.feed(client) as feed:
        await feed.next("hello")
        assert wall.parts.hub.figures()["clients"] == 1
    async with wall.feed(client) as feed:
        await feed.next("hello")
        while wall.parts.hub.figures()["clients"] != 1:
            await asyncio.sleep(0)


async def test_a_slow_browser_is_let_go_and_blocks_nobody(wall: Any) -> None:
    client = wall.client()
    wall.parts.hub.queue_limit = 3
    async with wall.feed(client) as slow, wall.feed(client) as quick:
        await slow.next("hello")
        await quick.next("hello")
        sent = 0
        while wall.parts.hub.figures()["too_slow"] == 0:
            text = wall.event(place_name="x" * 3_000_000)
            wall.publish(text, record=False)
            assert (await quick.next("event"))["row"]["id"] == text.id
            sent += 1
        assert 3 < sent < 100
        assert wall.parts.hub.figures()["clients"] == 1


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ('{"type":"subscribe"}', 1008, "unknown message"),
        ("not json", 1008, "unknown message"),
        (b"\x00", 1003, "binary"),
        ('{"type":"ping","t":1' + "0" * 300 + "}", 1009, "too big"),
        ("x" * 70_000, 1009, None),
        ('{"type":"ping","t":1}', 1008, "out of order"),
    ],
)
async def test_what_no_page_says_closes_that_feed_alone_with_a_reason(
    wall: Any, said: str | bytes, code: int, reason: str | None
) -> None:
    client = wall.client()
    async with wall.feed(client) as good, wall.feed(client) as bad:
        await good.next("hello")
        await bad.next("hello")
        await bad.socket.send('{"type":"ping","t":5}')
        assert (await bad.next("pong"))["t"] == 5
        await bad.socket.send(said)
        assert await wall.close_code(bad.socket) == code
        if reason is not None:  # a frame that is larger than any message is refused before anybody reads it
            assert bad.socket.close_reason == reason
            assert wall.parts.hub.figures()["bad_messages"] == 1
        event = wall.event()
        wall.publish(event)
        assert (await good.next("event"))["row"]["id"] == event.id


async def test_redis_away_is_told_and_nothing_is_lost_or_doubled(wall: Any, wall_redis: Any) -> None:
    client = wall.client()
    async with wall.feed(client) as feed:
        await feed.next("hello")
        before = wall.event()
        wall.publish(before)
        assert (await feed.next("event"))["row"]["id"] == before.id
        await asyncio.to_thread(wall_redis.kill)
        try:
            trouble = await feed.next("trouble")
            assert (trouble["part"], trouble["over"]) == ("redis", False)
            away = await asyncio.to_thread(client.get, "/api/rotation")
            assert (away.status_code, away.json()["error"]["code"]) == (503, "redis_away")
            async with wall.feed(client, feed.last_id) as late:
                assert (await late.next("trouble"))["over"] is False
                await asyncio.to_thread(wall_redis.start)
                assert (await late.next("hello"))["missed"] == 0
        finally:
            if wall_redis.process is None:
                await asyncio.to_thread(wall_redis.start)
        assert (await feed.next("trouble"))["over"] is True
        after = wall.event()
        wall.publish(after)
        assert (await feed.next("event"))["row"]["id"] == after.id


async def test_a_disk_of_recordings_that_fills_is_told_and_taken_back(wall: Any) -> None:
    disk = RecordingStatus(used_bytes=9, budget_bytes=10, free_bytes=1, warning="nearly_full")
    worker = WorkerInfo(url="http://127.0.0.1:1", pid=1, started_at=1.0, recording=disk)
    board = HealthBoard(wall.redis)
    async with wall.feed(wall.client()) as feed:
        await feed.next("hello")
        board.register("w", worker)
        assert (await feed.next("trouble"))["part"] == "disk"
        async with wall.feed(wall.client()) as late:
            assert (await late.next("trouble", part="disk"))["over"] is False
        board.register("w", worker.model_copy(update={"recording": disk.model_copy(update={"warning": None})}))
        assert (await feed.next("trouble", part="disk"))["over"] is True
