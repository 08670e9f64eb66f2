"""An operator's first minute, in a real browser, on a real node."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.system.conftest import PASSWORD, RunningNode

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def page() -> Iterator[Page]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program is not None, "no Chromium: make setup installs it (as root) or names the command"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN", bypass_csp=True)
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def log_in(page: Page, node: RunningNode) -> None:
    page.goto(node.wall)
    page.get_by_test_id("login-username").fill(node.account)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


def moving(page: Page) -> int:
    """How many tiles show a picture whose time advances within a second."""
    return int(
        page.evaluate(
            """async () => {
                const videos = [...document.querySelectorAll('[data-testid^=tile-][data-state=live] video')];
                const times = videos.map((video) => video.currentTime);
                await new Promise((done) => setTimeout(done, 1500));
                return videos.filter((video, index) => video.currentTime > times[index]).length;
            }"""
        )
    )


@pytest.mark.browser
@pytest.mark.system
@pytest.mark.timeout(170)
def test_an_operator_watches_is_alarmed_acknowledges_and_finds_it_again(node: RunningNode, page: Page) -> None:
    log_in(page, node)
    page.wait_for_function("document.querySelectorAll('[data-testid^=tile-][data-state=live]').length >= 8")
    # A tile that the rotation switches in this very second has no earlier time to compare with: look again.
    assert any(moving(page) >= 8 for _ in range(5))

    before = [slot.get_attribute("data-site") for slot in page.get_by_test_id("rotation-slot").all()]
    page.wait_for_function(
        """(before) => [...document.querySelectorAll('[data-testid=rotation-slot]')]
            .some((slot, index) => slot.dataset.site !== before[index])""",
        arg=before,
    )

    row = page.locator("[data-testid=alarm-row][data-state=new]").first
    expect(row).to_be_visible(timeout=60_000)
    row.click()
    event = row.get_attribute("data-event-id")
    page.get_by_test_id("ack-button").click()
    expect(page.locator(f"[data-testid=alarm-row][data-event-id='{event}']")).to_have_attribute(
        "data-state", "acknowledged"
    )

    page.goto(f"{node.wall}/history")
    expect(page.get_by_test_id("history-row").first).to_be_visible()
    page.locator(f"[data-testid=history-row][data-event-id='{event}']").click()
    picture = page.get_by_test_id("history-snapshot")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
