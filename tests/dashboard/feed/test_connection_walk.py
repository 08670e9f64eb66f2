"""A connection that is lost and found again, as the page tells it in both languages; and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import WebSocketRoute, expect

from dashboard.policy import Role
from tests.system.browser import open_page
from tests.system.words import words
from xueliang.surroundings import web_dist

PASSWORD = "correct horse battery"
RESTART = 1012


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_lost_connection_is_said_and_what_came_meanwhile_is_marked(wall: Any, language: str) -> None:
    wall.accounts.add("op", PASSWORD, Role.OPERATOR, ("*",))
    said = words(language)
    sides: list[WebSocketRoute] = []
    cut = False

    def join(browser: WebSocketRoute) -> None:
        if cut:
            browser.close(code=RESTART)
        else:
            sides[:] = [browser, browser.connect_to_server()]

    with open_page() as page:
        page.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
        page.route_web_socket(lambda url: "/api/feed" in url, join)
        page.goto(wall.url)
        page.get_by_test_id("login-username").fill("op")
        page.get_by_test_id("login-password").fill(PASSWORD)
        page.get_by_test_id("login-submit").click()
        row = page.get_by_test_id("alarm-row")
        seen, missed = wall.event("east"), wall.event("west")
        wall.publish(seen)
        expect(row).to_have_count(1)

        cut = True
        for side in sides:
            side.close(code=RESTART)
        lost = page.get_by_test_id("connection-lost")
        expect(lost).to_contain_text(said("connection.lost", elapsed="|", attempt="|").split("|")[0])
        wall.publish(missed)
        cut = False
        expect(page.get_by_test_id("connection-gap")).to_contain_text(said("connection.missed", n=1))
        expect(lost).to_have_count(0)
        late = page.locator(f"[data-testid=alarm-row][data-event-id='{missed.id}']").get_by_test_id("mark-late")
        expect(late).to_have_text(said("alarms.late"))
        expect(page.get_by_test_id("mark-late")).to_have_count(1)

        page.keyboard.press("?")
        help_card = page.get_by_role("dialog", name=said("help.title"))
        expect(help_card).to_contain_text(said("help.acknowledge"))
        page.keyboard.press("Escape")
        expect(help_card).to_have_count(0)
