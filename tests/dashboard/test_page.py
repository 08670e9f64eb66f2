"""What the page shows of cameras' health, in a real browser, over whatever a worker may report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.policy import Role
from tests.system.browser import open_page
from xueliang.surroundings import web_dist

PASSWORD = "correct horse battery"
BOXES = """() => [...document.querySelectorAll('.grid > [data-testid], .view, .head')]
    .map((element) => JSON.stringify(element.getBoundingClientRect()))"""


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


@contextmanager
def reporting(report: Callable[[], None]) -> Iterator[None]:
    """A worker that says it twice a second, as long as the block lasts."""
    done = threading.Event()

    def repeat() -> None:
        while not done.is_set():
            report()
            done.wait(0.5)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def enter(page: Page, wall: Any) -> None:
    wall.accounts.add("op", PASSWORD, Role.OPERATOR, ("*",))
    page.goto(wall.url)
    page.get_by_test_id("login-username").fill("op")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()


@pytest.mark.browser
def test_the_wall_says_what_is_not_analysed_and_on_demand_what_becomes_of_all_pictures(wall: Any) -> None:
    def report() -> None:
        counts = {"received": 1000, "fps_received": 12.5, "detector": "xueliang_scenes"}
        wall.report(
            "east-1", **counts, unanalysed="detector_error", unanalysed_since=1.0, dropped={"detector_error": 400}
        )
        wall.report("east-2", **counts, gate="shut", dropped={"gated": 900})
        wall.report("west-1", **counts, level="floor", dropped={"shed": 990})
        wall.report("west-2", **counts, fps_analysed=4.0, gate="open", dropped={"rate": 680})

    with reporting(report), open_page() as page:
        enter(page, wall)

        def tile(camera: str, what: str) -> Any:
            return page.locator(f"[data-camera={camera}]").get_by_test_id(what)

        expect(tile("east-1", "tile-unanalysed")).to_have_text("未分析 · 检测出错")
        expect(tile("west-1", "tile-unanalysed")).to_have_text("过载：偶尔查看")
        for camera in ("east-2", "west-2"):  # resting by its gate is no failure
            expect(tile(camera, "tile-unanalysed")).to_have_count(0)
        expect(page.get_by_test_id("scenes-only")).to_contain_text("仅识别演示场景")

        expect(page.get_by_test_id("tile-facts")).to_have_count(0)
        expect(page.get_by_test_id("rotation-slot").first).to_be_visible()  # it decides who is on which tile
        before = page.evaluate(BOXES)
        page.keyboard.press("i")
        expect(tile("east-2", "tile-facts")).to_contain_text("静止待命")
        expect(tile("east-2", "tile-facts")).to_contain_text("画面静止 90%")
        expect(tile("west-2", "tile-facts")).to_contain_text("收 12.5 / 析 4.0 帧/秒 · 有活动")
        assert page.evaluate(BOXES) == before

        page.get_by_test_id("language").click()
        expect(tile("west-2", "tile-facts")).to_contain_text("in 12.5 / analysed 4.0 fps")
        expect(tile("east-1", "tile-unanalysed")).to_have_text("Not analysed · detector fails")
        page.reload()
        expect(tile("west-2", "tile-facts")).to_be_visible()
        page.keyboard.press("i")
        expect(page.get_by_test_id("tile-facts")).to_have_count(0)

        page.keyboard.press("g")
        page.keyboard.press("d")
        row = page.get_by_test_id("health-row").first
        expect(row).to_have_attribute("data-camera", "east-1")
        expect(row).to_have_attribute("data-phase", "unanalysed")
        expect(row).to_contain_text("Not analysed")
        expect(row).to_contain_text("see the worker's log")
