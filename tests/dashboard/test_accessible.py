"""Every page by axe in both languages, and the wall by Tab alone, in a real browser over a running dashboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from configs.revision import OF_THE_MACHINE
from configs.rules import Severity
from dashboard.policy import Role
from tests.system.axe import assert_accessible
from tests.system.browser import open_page
from xueliang.surroundings import web_dist

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("wall", ["manned"], indirect=True)]

PASSWORD = "correct horse battery"
BOTH = pytest.mark.parametrize("language", ["zh", "en"])
FEW = '{"layout":"4","pins":[]}'
WHERE = {"camera_id": "C-0101", "site_id": "s01", "region_id": "liuhe-heyan-1"}
ZONE = {"id": "z", "name": "广场", "polygon": [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]}
RULE = {"id": "r", "kind": "crowding", "name": "聚集", "zone": "z", "limit": 6}
FOCUSED = """
() => {
    const at = document.activeElement;
    if (at === document.body) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    const parts = { header: '.header', tiles: '[data-place]', patrol: '.strip', alarms: '.column' };
    const [part] = Object.entries(parts).find(([, where]) => at.closest(where)) ?? [at.outerHTML.slice(0, 120)];
    return { part, ringed: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 };
}
"""


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


def enter(page: Page, wall: Any, role: Role, language: str, path: str = "") -> None:
    wall.accounts.add("somebody", PASSWORD, role, ("*",), "1 号席")
    page.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
    page.add_init_script(f"localStorage.setItem('xueliang.wall', '{FEW}')")
    page.goto(f"{wall.url}{path}")
    page.get_by_test_id("login-username").fill("somebody")
    assert_accessible(page, "login")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


def three_alarms(wall: Any) -> list[str]:
    """One that is new, one that somebody works on, one that is closed."""
    severities = (Severity.CRITICAL, Severity.HIGH, Severity.LOW)
    events = [wall.event().model_copy(update={**WHERE, "severity": severity}) for severity in severities]
    for event in events:
        wall.publish(event)
    new, taken, closed = (event.id for event in events)
    leader = wall.client(Role.SHIFT_LEADER)
    for event in (taken, closed):
        leader.post(f"/api/events/{event}/acknowledge", json={"own": True}).raise_for_status()
    leader.post(f"/api/events/{closed}/close", json={"closing": "test"}).raise_for_status()
    return [new, taken, closed]


@BOTH
def test_the_wall_and_its_alarms_are_accessible(wall: Any, page: Page, language: str) -> None:
    enter(page, wall, Role.SHIFT_LEADER, language)
    expect(page.get_by_test_id("notice-empty")).to_be_visible()
    assert_accessible(page, "a wall without alarms")
    new, taken, closed = three_alarms(wall)
    for event, state in ((new, "new"), (taken, "acknowledged"), (closed, "closed")):
        row = page.locator(f"[data-testid=alarm-row][data-event-id='{event}']")
        expect(row).to_have_attribute("data-state", state)
        row.click()
        expect(page.get_by_test_id("alarm-in-hand")).to_have_attribute("data-event-id", event)
        assert_accessible(page, f"an alarm that is {state}")
    page.locator(f"[data-testid=alarm-row][data-event-id='{taken}']").click()
    actions = page.get_by_test_id("alarm-actions")
    for key, armed in (("x", "close"), ("q", "shelve")):
        page.keyboard.press(key)
        expect(actions).to_have_attribute("data-armed", armed)
        assert_accessible(page, armed)
        page.keyboard.press("Escape")
        expect(actions).to_have_attribute("data-armed", "")


@BOTH
def test_the_panels_over_the_wall_are_accessible(wall: Any, page: Page, language: str) -> None:
    enter(page, wall, Role.SHIFT_LEADER, language)
    expect(page.get_by_test_id("notice-empty")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page, "help")
    page.keyboard.press("Escape")
    page.get_by_test_id("desk-open").click()
    expect(page.get_by_test_id("desk-own")).to_be_visible()
    assert_accessible(page, "desks and shifts")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    expect(page.get_by_test_id("screen-row-hall-left")).to_be_visible()
    assert_accessible(page, "wall screens and scenes")
    page.get_by_test_id("screens-panel").locator("button[aria-haspopup=listbox]").first.click()
    expect(page.get_by_role("listbox")).to_be_visible()
    assert_accessible(page, "a list of choices")


@BOTH
def test_the_pages_behind_the_wall_are_accessible(wall: Any, page: Page, language: str) -> None:
    new, *_ = three_alarms(wall)
    enter(page, wall, Role.SHIFT_LEADER, language, f"/history?event={new}")
    expect(page.get_by_test_id("history-row")).to_have_count(3)
    expect(page.locator("article.detail")).to_be_visible()
    assert_accessible(page, "history")
    pages = {"/load": "[data-testid=load-figure]", "/health": "[data-testid=health-row]", "/nowhere": "h2"}
    for path, there in pages.items():
        page.goto(f"{wall.url}{path}")
        expect(page.locator(there).first).to_be_visible()
        assert_accessible(page, path)

    page.goto(f"{wall.url}/overview")
    for theme in ("night", "day"):
        expect(page.locator(f"[data-testid=overview].{theme} [data-testid=overview-alarm]").first).to_be_visible()
        expect(page.get_by_test_id("map")).to_have_attribute("data-ground", "moving")
        assert_accessible(page, f"overview by {theme}")
        page.keyboard.press("t")


@BOTH
def test_a_wall_screen_is_accessible_whatever_it_shows(wall: Any, page: Page, language: str) -> None:
    new, *_ = three_alarms(wall)
    desk = wall.client(Role.SHIFT_LEADER)
    page.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
    page.goto(f"{wall.url}/wall/hall-left")
    expect(page.get_by_test_id("screen-code")).to_be_visible()
    assert_accessible(page, "the code")
    page.get_by_test_id("screen-code").fill(desk.post("/api/screens/hall-left/code").raise_for_status().json()["code"])
    screen = page.get_by_test_id("screen")
    expect(screen).to_have_attribute("data-kind", "none")
    assert_accessible(page, "nothing pushed")
    contents: list[dict[str, Any]] = [
        {"kind": "scene", "layout": "4", "tiles": ["C-0101", "C-0103", None, None]},
        {"kind": "alarm", "event_id": new},
        {"kind": "overview"},
    ]
    shows = ("[data-camera]", "[data-testid=screen-alarm]", "[data-testid=overview-alarm]")
    for content, there in zip(contents, shows, strict=True):
        desk.post("/api/screens/hall-left/push", json={"content": content}).raise_for_status()
        expect(screen).to_have_attribute("data-kind", content["kind"])
        expect(page.locator(there).first).to_be_visible()
        assert_accessible(page, f"pushed: {content['kind']}")


@BOTH
def test_setting_up_is_accessible_panel_by_panel(wall: Any, page: Page, language: str) -> None:
    tree = json.loads(wall.settings.model_dump_json(exclude_defaults=True))
    for key in OF_THE_MACHINE:
        tree.pop(key, None)
    tree["state_dir"] = str(wall.evidence.parent / "state")
    tree["cameras"][0] |= {"zones": [ZONE], "rules": [RULE]}
    wall.parts.revisions.add(0, tree, by="-", by_name="-", why="county.yaml", kind="import")
    wall.parts.current.look()
    enter(page, wall, Role.ENGINEER, language, "/setup")
    expect(page.get_by_test_id("setup-camera").first).to_be_visible()
    assert_accessible(page, "set-up")
    page.get_by_test_id("setup-camera").first.click()
    expect(page.get_by_test_id("setup-name")).to_be_visible()
    assert_accessible(page, "a camera")
    for tab, there in (("rules", "setup-rule"), ("revisions", "revision")):
        page.get_by_test_id(f"tab-{tab}").click()
        expect(page.get_by_test_id(there).first).to_be_visible()
        assert_accessible(page, tab)
    page.get_by_test_id("setup-import").click()
    table = b"id,site,name,main_url\nx-1,nowhere,x,rtsp://10.9.8.7/x\n"
    page.get_by_test_id("import-file").set_input_files({"name": "c.csv", "mimeType": "text/csv", "buffer": table})
    expect(page.get_by_test_id("import-row")).to_be_visible()
    assert_accessible(page, "a table with a fault")
    page.get_by_test_id("setup-add").click()
    expect(page.get_by_test_id("setup-url")).to_be_visible()
    assert_accessible(page, "a new camera")


def test_tab_goes_from_the_header_over_tiles_and_patrol_to_the_alarms_and_is_always_seen(wall: Any, page: Page) -> None:
    enter(page, wall, Role.SHIFT_LEADER, "zh")
    three_alarms(wall)
    expect(page.get_by_test_id("alarm-row")).to_have_count(3)
    page.reload()  # Tab begins at the top
    expect(page.get_by_test_id("alarm-row")).to_have_count(3)
    expect(page.locator("[data-tile]").first).to_be_visible()
    parts: list[str] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused["ringed"], focused
        if parts[-1:] != [focused["part"]]:
            parts.append(focused["part"])
    assert parts == ["header", "tiles", "patrol", "alarms"]
