"""What the page shows of floods and of the alarm load, in a real browser over a running dashboard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from alerts.alarms.life import Actor, Command, Do
from configs.rules import Severity
from dashboard.policy import Role
from tests.system.browser import open_page
from xueliang.surroundings import web_dist

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


def enter(page: Page, wall: Any) -> None:
    wall.accounts.add("op", PASSWORD, Role.OPERATOR, ("*",))
    page.goto(wall.url)
    page.get_by_test_id("login-username").fill("op")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


@pytest.mark.browser
@pytest.mark.parametrize("wall", ["desks"], indirect=True)
def test_a_flood_is_one_row_with_its_number_and_unfolds_to_all(wall: Any) -> None:
    events = [wall.event("east", severity=Severity.MEDIUM) for _ in range(14)]
    with open_page() as page:
        enter(page, wall)
        expect(page.get_by_test_id("figure-unacknowledged")).to_be_visible()
        while "east-desk" not in wall.parts.keeper.connected:  # before it, alarms go to the desk above
            page.wait_for_timeout(20)
        for event in events:
            wall.publish(event)
        group = page.get_by_test_id("alarm-group")
        expect(group).to_contain_text("共 4 条", timeout=60_000)
        rows = page.get_by_test_id("alarm-row")
        expect(rows).to_have_count(11)
        group.focus()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(14)
        expect(group).to_have_attribute("aria-expanded", "true")
        # What somebody takes up leaves the group, and shows its new state.
        taken = wall.store.get(events[13].id)
        who = Actor("2", "2 号席")
        for change in wall.parts.alarms.take(taken.id, [Command(Do.ACKNOWLEDGE), Command(Do.START)], who, time.time()):
            wall.redis.xadd("xl:events", {"type": "alarm", "data": change.model_dump_json()})
        expect(group).to_contain_text("共 3 条")
        row = page.locator(f"[data-event-id='{taken.id}']")
        expect(row).to_have_attribute("data-state", "in_progress")
        expect(row).to_contain_text("处置中")
        expect(row).to_contain_text("2 号席")


@pytest.mark.browser
def test_the_load_of_the_desks_is_a_page_in_both_languages(wall: Any) -> None:
    with open_page() as page:
        enter(page, wall)
        expect(page.get_by_test_id("figure-online")).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("l")
        expect(page.get_by_test_id("notice-empty")).to_contain_text("没有报警")
        now = time.time()
        for number in range(12):
            wall.publish(wall.event("east", occurred_at=now - number))
        page.reload()
        figures = page.get_by_test_id("load-figure")
        expect(figures.nth(2)).to_contain_text("12")
        expect(figures.nth(2)).to_contain_text("难以应付")
        expect(page.get_by_test_id("load-source").first).to_contain_text("区域入侵")
        page.get_by_test_id("language").click()
        expect(figures.nth(2)).to_contain_text("hard to cope with")
        expect(page.get_by_test_id("load-bars")).to_have_attribute("aria-label", "Alarms an hour, 12 in all, target 6")
