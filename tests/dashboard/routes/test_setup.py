"""Setting up by page: who may, what a revision changes, what is refused, and that no password comes out."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from alerts.health import WorkerInfo
from configs.revision import OF_THE_MACHINE
from dashboard.policy import Role
from tests.dashboard.conftest import Wall

NEW = {"id": "west-9", "site": "site-west", "name": "新口", "main": {"url": "rtsp://10.9.8.9/main"}}


@pytest.fixture
def engineer(wall: Wall) -> httpx.Client:
    """Over a first revision, as the supervisor makes it."""
    tree = json.loads(wall.settings.model_dump_json(exclude_defaults=True))
    for key in OF_THE_MACHINE:
        tree.pop(key, None)
    tree["state_dir"] = str(wall.evidence.parent / "state")
    wall.parts.revisions.add(0, tree, by="-", by_name="-", why="county.yaml", kind="import")
    wall.parts.current.look()
    return wall.client(Role.ENGINEER)


def save(client: httpx.Client, base: int, why: str = "", **camera: Any) -> httpx.Response:
    return client.post("/api/setup/cameras", json={"base": base, "why": why, "camera": {**NEW, **camera}})


def test_a_camera_is_added_seen_everywhere_and_undone(wall: Wall, engineer: httpx.Client) -> None:
    saved = save(engineer, 1, "新装").raise_for_status().json()
    assert (saved["revision"]["number"], saved["added"], saved["restart"]) == (2, ["west-9"], [])
    assert "west-9" in {camera["id"] for camera in engineer.get("/api/node").json()["cameras"]}
    assert "west-9" in {camera["camera_id"] for camera in engineer.get("/api/cameras/health").json()}
    assert wall.parts.machine.plan.stops[-1].camera_id == "west-9"
    state = engineer.get("/api/setup").json()
    assert (state["revision"], state["cameras"][-1]["name"]) == (2, "新口")

    listed = engineer.get("/api/setup/revisions").json()["revisions"]
    assert [(each["number"], each["why"]) for each in listed] == [(2, "新装"), (1, "county.yaml")]
    undone = engineer.post("/api/setup/revisions/1/restore", json={"base": 2}).raise_for_status().json()
    assert (undone["revision"]["number"], undone["removed"]) == (3, ["west-9"])
    assert "west-9" not in {camera["id"] for camera in engineer.get("/api/node").json()["cameras"]}
    actions = [entry.action for entry in wall.accounts.audit_log()]
    assert {"settings.change", "settings.restore"} <= set(actions)


async def test_open_pages_hear_of_a_change_and_find_it(wall: Wall, engineer: httpx.Client) -> None:
    operator = wall.client()

    def cameras() -> set[str]:
        return {camera["id"] for camera in operator.get("/api/node").json()["cameras"]}

    async with asyncio.timeout(60), wall.feed(operator) as feed:
        assert (await feed.next("settings"))["revision"] == 1
        await asyncio.to_thread(save, engineer, 1)
        assert (await feed.next("settings"))["revision"] == 2
        assert "west-9" in await asyncio.to_thread(cameras)
        while "west-9" not in {each["camera_id"] for each in (await feed.next("health"))["cameras"]}:
            pass
        await asyncio.to_thread(engineer.delete, "/api/setup/cameras/west-9", params={"base": 2})
        assert (await feed.next("settings"))["revision"] == 3
        assert "west-9" not in await asyncio.to_thread(cameras)
        async with wall.feed(operator) as later:
            told = (await later.next("health"))["cameras"]
        assert "west-1" in {each["camera_id"] for each in told}
        assert "west-9" not in {each["camera_id"] for each in told}, "nobody is told of a camera that is gone"


async def test_desks_and_screens_of_a_revision_are_those_of_the_running_node(
    wall: Wall, engineer: httpx.Client
) -> None:
    leader = wall.client(Role.SHIFT_LEADER)
    newest = wall.parts.revisions.last()
    assert newest is not None
    tree = {
        **newest.tree,
        "title": "新名",
        "desks": [{"id": "night", "name": "夜班", "regions": ["county"]}],
        "screens": [{"id": "lobby", "name": "大厅", "regions": ["county"]}],
    }
    async with asyncio.timeout(60), wall.feed(leader) as feed:
        wall.parts.revisions.add(1, tree, by="-", by_name="-", why="county.yaml", kind="import")
        while (await feed.next("screen"))["screen"]["id"] != "lobby":
            pass
        told = {
            path: (await asyncio.to_thread(leader.get, f"/api/{path}")).json() for path in ("desks", "screens", "node")
        }
    assert [desk["id"] for desk in told["desks"]] == ["night"]
    assert [screen["id"] for screen in told["screens"]] == ["lobby"]
    assert told["node"]["title"] == "新名"
    eastern = wall.client(Role.ENGINEER, regions=("east",))
    undone = eastern.post("/api/setup/revisions/1/restore", json={"base": 2})
    assert undone.json()["error"]["code"] == "beyond_region", "desks are no business of one town's engineer"


def test_who_comes_second_is_told_who_was_first(wall: Wall, engineer: httpx.Client) -> None:
    save(engineer, 1).raise_for_status()
    refused = save(wall.client(Role.ADMINISTRATOR), 1, name="别名")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "settings_outdated")
    assert refused.json()["error"]["detail"]["revision"] == 2


def test_a_password_goes_in_and_never_out_and_an_undone_one_is_back(wall: Wall, engineer: httpx.Client) -> None:
    def kept() -> str | None:
        camera = wall.parts.settings.cameras[-1]
        return None if camera.credentials is None else camera.credentials.password.get_secret_value()

    save(engineer, 1, username="admin", password="first-word").raise_for_status()
    assert kept() == "first-word"
    save(engineer, 2, username="admin", password="second-word").raise_for_status()
    save(engineer, 3, username="root").raise_for_status()
    assert kept() == "second-word", "left out, it stays"
    engineer.post("/api/setup/revisions/2/restore", json={"base": 4}).raise_for_status()
    assert kept() == "first-word"
    told = [engineer.get(f"/api/setup{path}").text for path in ("", "/revisions", "/export")]
    assert "admin" in told[0]
    assert not any("-word" in text for text in told)
    assert not any("password_file" in text for text in told[:2])
    lost = save(engineer, 5, id="west-8", username="admin")
    assert lost.json()["error"]["code"] == "password_missing"


@pytest.mark.parametrize(
    ("camera", "code"),
    [
        ({"main": {"url": "rtsp://127.0.0.1:6379/"}}, "address_not_allowed"),
        ({"sub": {"url": "rtsp://[::ffff:169.254.169.254]/"}}, "address_not_allowed"),
        ({"main": {"url": "http://10.0.0.1/"}}, "invalid"),
        ({"main": {"url": "rtsp://admin:geheim@10.0.0.1/"}}, "invalid"),
        ({"site": "nowhere"}, "bad_settings"),
        ({"rules": [{"id": "r", "kind": "intrusion", "name": "r", "zone": "nowhere"}]}, "bad_settings"),
        ({"zones": [{"id": "z", "name": "z", "polygon": [(0, 0), (1, 1), (1, 0), (0, 1)]}]}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_has_changed(
    wall: Wall, engineer: httpx.Client, camera: dict[str, Any], code: str
) -> None:
    refused = save(engineer, 1, username="admin", password="kept-word", **camera)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, code), refused.text
    assert "geheim" not in refused.text
    assert engineer.get("/api/setup").json()["revision"] == 1
    secrets = wall.evidence.parent / "state" / "secrets"
    assert not secrets.is_dir() or not list(secrets.iterdir()), "no secret of a camera that is not there"


def test_nobody_sets_up_beyond_his_regions_or_without_the_right(wall: Wall, engineer: httpx.Client) -> None:
    eastern = wall.client(Role.ENGINEER, regions=("east",))
    assert {camera["site"] for camera in eastern.get("/api/setup").json()["cameras"]} == {"site-east"}
    for refused in (
        save(eastern, 1),
        eastern.delete("/api/setup/cameras/west-1", params={"base": 1}),
        save(eastern, 1, id="east-1"),
        eastern.get("/api/setup/export"),
    ):
        assert refused.status_code in (403, 404), refused.text
    save(eastern, 1, site="site-east").raise_for_status()
    operator = wall.client(Role.OPERATOR)
    assert operator.get("/api/setup").status_code == 403
    assert save(operator, 2).status_code == 403


def test_without_a_worker_a_probe_says_so(engineer: httpx.Client) -> None:
    asked = {"stream": {"url": "rtsp://10.9.8.9/main"}}
    assert engineer.post("/api/setup/probe", json=asked).json()["error"]["code"] == "worker_away"
    asked = {"stream": {"url": "rtsp://127.0.0.1/main"}}
    assert engineer.post("/api/setup/probe", json=asked).json()["error"]["code"] == "address_not_allowed"


def test_a_probe_is_sent_to_the_address_that_was_judged(wall: Wall, engineer: httpx.Client) -> None:
    asked = list[dict[str, Any]]()

    class Worker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"fault": null, "detail": ""}')

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Worker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        wall.redis.hset(
            "xl:workers",
            "w",
            WorkerInfo(url=f"http://127.0.0.1:{server.server_port}", pid=1, started_at=0.0).model_dump_json(),
        )

        def probe(url: str) -> str | None:
            answer = engineer.post("/api/setup/probe", json={"stream": {"url": url}}).raise_for_status().json()
            fault: str | None = answer["fault"]
            return fault

        assert probe("rtsp://10.9.8.9/main") is None
        assert probe("rtsp://[fd00::9]:8554/main") is None
        assert probe("rtsp://no-such-camera.invalid/main") == "unknown_host"
        server.shutdown()
    assert [each["address"] for each in asked] == ["10.9.8.9", "fd00::9"], "a name without an address is not opened"


def test_a_table_is_previewed_row_by_row_and_applied_only_when_told_to(wall: Wall, engineer: httpx.Client) -> None:
    rows = [
        "id,site,name,main_url,username,password",
        "west-7,site-west,七,rtsp://10.1.0.7/main,admin,sheet-word",
        "west-8,nowhere,八,rtsp://10.1.0.8/main,,",
        "west-9,site-west,九,rtsp://127.0.0.1/main,,",
        "west-10,site-west,十,rtsp://10.1.0.10/main,admin,",
        "west-1,site-west,一,rtsp://10.1.0.1/main,,",
    ]
    data = "\n".join(rows).encode()
    report = engineer.post("/api/setup/import", params={"base": 1}, content=data).raise_for_status().json()
    faults = {row["id"]: tuple(row["fault"].values()) for row in report["rows"] if row["fault"] is not None}
    assert faults == {
        "west-8": ("site", "unknown_site", "nowhere"),
        "west-9": ("main_url", "address_not_allowed", "127.0.0.1"),
        "west-10": ("password", "missing", ""),
    }
    assert [row["id"] for row in report["rows"] if not row["new"]] == ["west-1"]
    assert (report["good"], report["bad"], report["saved"]) == (2, 3, None)
    assert engineer.get("/api/setup").json()["revision"] == 1
    assert not (wall.evidence.parent / "state" / "secrets").exists()

    asked = {"base": 1, "apply": True}
    applied = engineer.post("/api/setup/import", params=asked, content=data).raise_for_status()
    saved = applied.json()["saved"]
    assert (saved["revision"]["number"], saved["added"], saved["changed"]) == (2, ["west-7"], ["west-1"])
    assert "sheet-word" not in applied.text
    kept = wall.parts.settings.cameras[-1].credentials
    assert kept is not None
    assert kept.password.get_secret_value() == "sheet-word"

    again = engineer.post("/api/setup/import", params=asked, content=data)
    assert again.json()["error"]["code"] == "settings_outdated"
    assert len(list((wall.evidence.parent / "state" / "secrets").iterdir())) == 1, "no secret of what was not applied"
    assert (
        engineer.post("/api/setup/import", params=asked, content=b"x").json()["error"]["detail"]["reason"] == "columns"
    )
    eastern = wall.client(Role.ENGINEER, regions=("east",))
    beyond = eastern.post("/api/setup/import", params={"base": 2}, content=data).json()["rows"][0]["fault"]
    assert (beyond["column"], beyond["code"]) == ("site", "beyond_region")
    assert engineer.get("/api/setup/template").content.startswith(b"\xef\xbb\xbfid,")
