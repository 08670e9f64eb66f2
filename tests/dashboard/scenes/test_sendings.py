"""A scene from desk to desk over a running dashboard: told to both, answered once."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.policy import Role

pytestmark = [pytest.mark.parametrize("wall", ["desks"], indirect=True)]
OFFER = {"layout": "4", "tiles": ["east-1", "west-1", None, None], "name": "夜巡", "word": "请关注"}


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_desk_gets_a_scene_and_answers(wall: Any) -> None:
    county, east = wall.client(Role.SHIFT_LEADER, regions=("county",)), wall.client(regions=("east",))
    async with wall.feed(county) as over, wall.feed(east) as feed:
        await over.next("hello")
        await feed.next("hello")
        sent = county.post("/api/desks/east-desk/scenes", json=OFFER).raise_for_status().json()
        told = (await feed.next("sending"))["sending"]
        assert told == sent
        # What lies outside the desk's regions does not come along.
        assert (told["tiles"], told["hidden"]) == (["east-1", None, None, None], 1)
        assert (told["sender"]["id"], told["receiver"]["id"], told["answer"]) == ("county-desk", "east-desk", None)
        refuse = {"accept": False, "word": "正在处置"}
        assert refusal(county.post(f"/api/sendings/{sent['id']}/answer", json=refuse)) == (404, "not_found")
        east.post(f"/api/sendings/{sent['id']}/answer", json=refuse).raise_for_status()
        answer = (await over.next("sending"))["sending"]["answer"]
        while answer is None:
            answer = (await over.next("sending"))["sending"]["answer"]
        assert (answer["accepted"], answer["word"]) == (False, "正在处置")
        again = east.post(f"/api/sendings/{sent['id']}/answer", json={"accept": True})
        assert refusal(again) == (409, "already_answered")
    # Who comes back finds it as it stands.
    async with wall.feed(east) as feed:
        assert (await feed.next("sending"))["sending"]["answer"] == answer


def test_a_scene_goes_only_to_desks_of_regions_that_one_covers(wall: Any) -> None:
    county, east = wall.client(Role.SHIFT_LEADER, regions=("county",)), wall.client(regions=("east",))
    assert refusal(east.post("/api/desks/county-desk/scenes", json=OFFER)) == (404, "not_found")
    assert refusal(county.post("/api/desks/nowhere/scenes", json=OFFER)) == (404, "not_found")
    west_only = {**OFFER, "tiles": ["west-1", None, None, None]}
    assert refusal(county.post("/api/desks/east-desk/scenes", json=west_only)) == (409, "not_of_the_desk")
    assert wall.client(Role.ENGINEER).post("/api/desks/east-desk/scenes", json=OFFER).status_code == 403
    deskless = wall.client(Role.ADMINISTRATOR)
    assert refusal(deskless.post("/api/desks/east-desk/scenes", json=OFFER)) == (403, "not_your_desk")
