"""The wall in a real Chromium, and what a test asks of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.system.running import ACCOUNT, PASSWORD, RunningNode

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

START_LOOKING = "() => { window.__watched = new WeakMap(); }"

ALL_MOVE = """
(wanted) => {
    // Each video is known by its element: one that the rotation has just put there begins at nothing. What counts is
    // time that passed on the glass, so a jump to the live edge or to a new timeline adds nothing.
    const live = [...document.querySelectorAll('[data-testid^=tile-][data-state=live]')];
    const playing = live.filter((tile) => {
        const video = tile.querySelector('[data-testid=tile-video]');
        if (video === null) return false;
        const before = window.__watched.get(video) ?? { at: video.currentTime, shown: 0 };
        const step = video.currentTime - before.at;
        const now = { at: video.currentTime, shown: before.shown + (step > 0 && step < 1 ? step : 0) };
        window.__watched.set(video, now);
        return now.shown >= 0.5;
    });
    return playing.length === wanted;
}
"""


@contextmanager
def open_page() -> Iterator[Page]:
    """A page of 1920 × 1080 in a Chinese browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program is not None, "no Chromium: make setup installs it (as root) or names the command"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN", bypass_csp=True)
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def log_in(page: Page, node: RunningNode, account: str = ACCOUNT) -> None:
    """As an operator does; the wall follows. Every account of the tests has the same password."""
    page.goto(node.wall)
    page.get_by_test_id("login-username").fill(account)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


def wait_all_move(page: Page, tiles: int) -> None:
    """Return when ``tiles`` tiles are live at once, each having shown half a second of pictures since this call."""
    page.evaluate(START_LOOKING)
    page.wait_for_function(ALL_MOVE, arg=tiles, polling=100, timeout=60_000)
