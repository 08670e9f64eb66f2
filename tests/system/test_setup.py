"""Setting up a running node: a revision reaches the camera that it is about, and its neighbours go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from dashboard.policy import Role
from ingest.simulator.background import SimulatorThread
from tests.system.running import PASSWORD, RunningNode, account, county, running, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.system]

ENGINEER = "engineer"
WHOLE = {"id": "whole", "name": "全画面", "polygon": [(0, 0), (1, 0), (1, 1), (0, 1)]}
ANYBODY = {
    "id": "anybody",
    "kind": "intrusion",
    "name": "有人或车",
    "zone": "whole",
    "classes": ["person", "bicycle", "motorcycle", "car", "truck", "bus"],
}


@pytest.fixture(scope="module")
def node(cameras: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Two cameras, and somebody who may set up more."""
    folder: Path = tmp_path_factory.mktemp("setup")
    settings = county(cameras, ["S0", "S1"], folder / "state")
    with running(settings, folder) as started:
        account(settings, ENGINEER, Role.ENGINEER)
        yield started


@pytest.fixture
def engineer(node: RunningNode) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=node.wall, trust_env=False, timeout=60) as client:
        client.post("/api/login", json={"username": ENGINEER, "password": PASSWORD}).raise_for_status()
        yield client


def health(client: httpx.Client) -> dict[str, Any]:
    return {each["camera_id"]: each for each in client.get("/api/cameras/health").raise_for_status().json()}


def test_a_camera_is_tried_added_drawn_on_fires_and_is_undone_while_its_neighbours_go_on(
    node: RunningNode, engineer: httpx.Client, cameras: SimulatorThread
) -> None:
    neighbours = [camera.id for camera in node.settings.cameras]
    wait_for(lambda: all(health(engineer)[name]["phase"] == "live" for name in neighbours), 60, "the neighbours live")
    since = {name: health(engineer)[name]["since"] for name in neighbours}
    base = engineer.get("/api/setup").json()["revision"]

    stream = {"url": cameras.url("LOCKED", "sub")}
    wrong = {"stream": stream, "username": "admin", "password": "wrong"}
    assert engineer.post("/api/setup/probe", json=wrong).raise_for_status().json()["fault"] == "refused"
    asked = {**wrong, "password": "right"}
    report = engineer.post("/api/setup/probe", json=asked).raise_for_status().json()
    assert (report["fault"], report["codec"]) == (None, "h264")
    assert report["picture"].startswith("data:image/jpeg")

    camera: dict[str, Any] = {
        **{"id": "new-1", "site": node.settings.sites[0].id, "name": "新口", "main": stream},
        **{"username": "admin", "password": "right"},
    }
    saved = engineer.post("/api/setup/cameras", json={"base": base, "camera": camera}).raise_for_status().json()
    wait_for(lambda: engineer.get("/api/setup").json()["applied"] == base + 1, 60, "every worker follows")
    wait_for(lambda: health(engineer)["new-1"]["analysed"] > 0, 60, "the new camera is analysed")

    with_rule = {**camera, "password": None, "zones": [WHOLE], "rules": [ANYBODY]}
    with engineer.stream("POST", "/api/setup/rehearse", json={"camera": with_rule}) as lines:
        found = next(line for line in map(json.loads, lines.iter_lines()) if line["found"])
    assert found["found"][0]["rule_id"] == "anybody"
    base = saved["revision"]["number"]
    before = health(engineer)["new-1"]["since"]
    engineer.post("/api/setup/cameras", json={"base": base, "camera": with_rule}).raise_for_status()
    wait_for(
        lambda: engineer.get("/api/events", params={"camera": "new-1", "kind": "intrusion"}).json()["total"] > 0,
        40,
        "what was drawn fires",
    )
    assert health(engineer)["new-1"]["since"] == before, "drawing ends no picture"

    engineer.post("/api/setup/revisions/1/restore", json={"base": base + 1}).raise_for_status()
    wait_for(lambda: engineer.get("/api/setup").json()["applied"] == base + 2, 60, "every worker follows")
    assert "new-1" not in health(engineer)
    now = health(engineer)
    assert {name: now[name]["since"] for name in neighbours} == since
    exported = (node.settings.state_dir / "settings.yaml").read_text("utf-8")
    assert f"Revision {base + 2}" in exported
    assert "new-1" not in exported


def test_by_hand_and_eye_a_camera_is_added_a_zone_drawn_seen_to_fire_saved_and_undone(
    node: RunningNode, page: Page, engineer: httpx.Client, cameras: SimulatorThread
) -> None:
    page.goto(f"{node.wall}/setup")
    page.get_by_test_id("login-username").fill(ENGINEER)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    first = node.settings.cameras[0]
    page.get_by_test_id("setup-search").fill("bxjnk")  # 步行街南口
    expect(page.get_by_test_id("setup-camera")).to_have_count(1)
    expect(page.get_by_test_id("setup-camera")).to_have_attribute("data-camera", first.id)
    page.get_by_test_id("setup-search").fill("")
    browser = page.context.browser
    assert browser is not None
    elsewhere = browser.new_page(storage_state=page.context.storage_state())  # where somebody has begun to write
    elsewhere.goto(f"{node.wall}/setup")
    elsewhere.get_by_test_id("setup-camera").first.click()
    elsewhere.get_by_test_id("setup-name").fill("正在改")

    page.get_by_test_id("setup-add").click()
    page.get_by_test_id("setup-name").fill("东巷口")
    page.get_by_test_id("setup-url").fill(cameras.url("LOCKED", "sub"))
    page.get_by_test_id("setup-username").fill("admin")
    page.get_by_test_id("setup-password").fill("wrong")
    page.get_by_test_id("setup-probe").click()
    expect(page.get_by_test_id("probe-report")).to_contain_text("用户名或密码不正确")
    page.get_by_test_id("setup-password").fill("right")
    page.get_by_test_id("setup-probe").click()
    expect(page.get_by_test_id("probe-report")).to_contain_text("H.264")
    expect(page.get_by_test_id("probe-picture")).to_be_visible()
    page.get_by_test_id("setup-save").click()
    note = page.get_by_test_id("setup-note")
    expect(note).to_contain_text("已生效")
    expect(elsewhere.get_by_test_id("setup-camera").filter(has_text="东巷口")).to_have_count(1)
    expect(elsewhere.get_by_test_id("setup-name")).to_have_value("正在改")
    elsewhere.close()

    page.get_by_test_id("tab-rules").click()
    surface = page.get_by_test_id("draw-surface")
    page.get_by_test_id("draw-zone").click()
    box = surface.bounding_box()
    assert box is not None
    for x, y in ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("drawn-place")).to_have_count(1)
    corner = page.get_by_test_id("corner").first
    before = float(corner.get_attribute("cx") or 0)
    corner.press("ArrowRight")
    assert float(corner.get_attribute("cx") or 0) > before
    page.get_by_test_id("zone-way").click()
    end = page.get_by_test_id("way-end").last
    before = float(end.get_attribute("cx") or 0)
    end.press("ArrowRight")
    assert float(end.get_attribute("cx") or 0) > before
    page.get_by_test_id("zone-area").fill("120")
    page.get_by_test_id("add-rule").click()
    page.get_by_test_id("setup-rule").get_by_role("button", name="人", exact=False).first.click()
    page.get_by_role("option", name="人和车").click()
    expect(page.get_by_test_id("would-fire").first).to_contain_text("此刻会触发", timeout=60_000)

    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("would-fire").first).to_contain_text("Would fire")
    page.get_by_test_id("setup-save").click()
    expect(note).to_contain_text("applied")
    added = engineer.get("/api/setup").json()["cameras"][-1]
    assert (added["name"], len(added["zones"]), added["rules"][0]["kind"]) == ("东巷口", 1, "intrusion")
    (zone,) = added["zones"]
    assert zone["area_m2"] == 120
    assert zone["way"][1][0] > zone["way"][0][0]
    page.get_by_test_id("tab-revisions").click()
    expect(page.get_by_test_id("revision").first).to_contain_text("东巷口")
    page.get_by_test_id("undo").click()
    expect(note).to_contain_text("applied")
    assert engineer.get("/api/setup").json()["cameras"][-1]["zones"] == []
    expect(page.get_by_test_id("drawn-place")).to_have_count(0)

    page.get_by_test_id("setup-import").click()
    heads, row = "id,site,name,main_url", f"sheet-1,{first.site},表一,{cameras.url('S1', 'sub')}"
    table = f"{heads}\n{row}\nsheet-2,nowhere,表二,rtsp://127.0.0.1/x\n"
    page.get_by_test_id("import-file").set_input_files(
        {"name": "cameras.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    expect(page.get_by_test_id("import-row").first).to_contain_text("no site is called “nowhere”")
    page.get_by_test_id("import-apply").click()
    expect(note).to_contain_text("applied")
    assert engineer.get("/api/setup").json()["cameras"][-1]["id"] == "sheet-1"
