"""Scenes over a running dashboard: made, found by who covers their region, and never showing more than one may see."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.policy import Role
from dashboard.scenes.scene import Arrangement


def draft(**change: Any) -> dict[str, Any]:
    return {"name": "东门", "region": "east", "layout": "4", "tiles": ["east-1", "east-2", None, None], **change}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("layout", "tiles", "why"),
    [
        ("4", ("a",), "a tile too few"),
        ("1", ("a", "b"), "a tile too many"),
        ("4", (None,) * 4, "nothing to show"),
        ("4", ("a", "b", "a", None), "a camera twice"),
    ],
)
def test_an_arrangement_fits_its_layout(layout: Any, tiles: Any, why: str) -> None:
    with pytest.raises(ValidationError):
        Arrangement(layout=layout, tiles=tiles)


def test_a_scene_is_made_changed_and_deleted(wall: Any) -> None:
    client = wall.client(regions=("east",))
    made = client.post("/api/scenes", json=draft()).raise_for_status().json()
    assert made["made_by_name"] == client.get("/api/me").json()["display_name"]
    assert client.get("/api/scenes").json() == [made]
    assert code(client.post("/api/scenes", json=draft())) == (409, "scene_exists")
    other = client.post("/api/scenes", json=draft(name="西门")).raise_for_status().json()
    assert code(client.put(f"/api/scenes/{other['id']}", json=draft())) == (409, "scene_exists")
    changed = draft(layout="1+5", tiles=["east-2", None, None, "east-1", None, None])
    client.put(f"/api/scenes/{made['id']}", json=changed).raise_for_status()
    assert client.get("/api/scenes").json()[0]["tiles"] == changed["tiles"]
    client.delete(f"/api/scenes/{made['id']}").raise_for_status()
    assert [scene["id"] for scene in client.get("/api/scenes").json()] == [other["id"]]
    assert code(client.delete(f"/api/scenes/{made['id']}")) == (404, "not_found")


def test_a_scene_holds_only_what_its_maker_may_watch(wall: Any) -> None:
    east = wall.client(regions=("east",))
    assert code(east.post("/api/scenes", json=draft(tiles=["east-1", "west-1", None, None]))) == (404, "not_found")
    assert code(east.post("/api/scenes", json=draft(tiles=["east-1", "nowhere", None, None]))) == (404, "not_found")
    assert code(east.post("/api/scenes", json=draft(region="west"))) == (404, "not_found")
    assert wall.client(Role.ANALYST).get("/api/scenes").status_code == 403
    assert wall.client(Role.ENGINEER).post("/api/scenes", json=draft()).status_code == 403


def test_who_opens_it_sees_only_what_they_may(wall: Any) -> None:
    county, east, west = (wall.client(regions=(region,)) for region in ("county", "east", "west"))
    mixed = draft(tiles=["east-1", "west-1", None, "west-2"])
    made = county.post("/api/scenes", json=mixed).raise_for_status().json()
    (seen,) = east.get("/api/scenes").json()
    assert (seen["tiles"], seen["hidden"]) == (["east-1", None, None, None], 2)
    assert west.get("/api/scenes").json() == []
    # Saving what they see would drop what they do not.
    assert code(east.put(f"/api/scenes/{made['id']}", json=draft())) == (409, "scene_not_whole")
    assert code(east.delete(f"/api/scenes/{made['id']}")) == (409, "scene_not_whole")
    assert code(west.delete(f"/api/scenes/{made['id']}")) == (404, "not_found")
