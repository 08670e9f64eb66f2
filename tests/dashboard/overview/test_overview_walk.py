"""The big screen in a real browser: alarms come onto the map by themselves, down and up by mouse and keys, day and
night; and with the drawing that a browser without WebGL gets."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from alerts.storage.samples import CameraSample, CrowdSample, SampleStore
from alerts.storage.schema import QUARTER_S
from dashboard.policy import Role
from tests.system.browser import open_page
from xueliang.surroundings import web_dist

PASSWORD = "correct horse battery"
WORDS = {
    "zh": {"towns": ["柳河镇", "石桥镇", "东岭镇"], "villages": ["集市村", "桥头村", "国道村"], "kind": "越线"},
    "en": {
        "towns": ["Liuhe Town", "Shiqiao Town", "Dongling Town"],
        "villages": ["Jishi Village", "Qiaotou Village", "Guodao Village"],
        "kind": "Line crossing",
    },
}
NO_WEBGL = """
    const real = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
    };
"""


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


@pytest.fixture
def browser_page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def counted_for_a_minute(wall: Any) -> None:
    """What the historian has noted of two cameras; of the next quarter too, in case today ends meanwhile."""
    now = time.time()
    quarter = int(now // QUARTER_S)
    SampleStore(wall.store.engine).add(
        [CameraSample(quarter, "C-0101", now - 60, 60.0, 60.0), CameraSample(quarter, "C-0203", now - 60, 60.0, 30.0)],
        [CrowdSample(each, "C-0101", "crowd", 60, 240, 7) for each in (quarter, quarter + 1)],
    )


@pytest.mark.browser
@pytest.mark.parametrize("wall", ["county"], indirect=True)
@pytest.mark.parametrize(("language", "ground"), [("zh", "moving"), ("en", "still")])
def test_the_overview_shows_alarms_where_they_are_and_goes_down_and_up(
    wall: Any, browser_page: Page, language: str, ground: str
) -> None:
    page, words = browser_page, WORDS[language]
    wall.accounts.add("screen", PASSWORD, Role.OPERATOR, ("*",), "大屏")
    page.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
    if ground == "still":
        page.add_init_script(NO_WEBGL)
    counted_for_a_minute(wall)
    page.goto(f"{wall.url}/overview")
    page.get_by_test_id("login-username").fill("screen")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    overview, regions = page.get_by_test_id("overview"), page.get_by_test_id("map-region")
    expect(overview).to_have_attribute("data-region", "hedong")
    expect(page.get_by_test_id("map")).to_have_attribute("data-ground", ground)
    expect(regions).to_have_text(words["towns"])
    expect(page.get_by_test_id("overview-coverage")).to_contain_text("75")
    expect(page.locator("[data-testid=overview-crowd][data-camera=C-0101] canvas")).to_be_visible()

    where = {"camera_id": "C-0203", "site_id": "s12", "region_id": "shiqiao-jishi"}
    event = wall.event().model_copy(update={**where, "kind": "line_crossing"})
    wall.publish(event)
    expect(page.locator(f"[data-testid=overview-alarm][data-event-id='{event.id}']")).to_contain_text(words["kind"])
    site = page.locator("[data-testid=map-site][data-site=s12]")
    expect(site).to_have_attribute("data-alarms", "1")
    expect(page.get_by_test_id("overview-new")).to_have_text("1")

    regions.nth(1).click()
    expect(overview).to_have_attribute("data-region", "shiqiao")
    expect(regions).to_have_text(words["villages"])
    page.keyboard.press("1")
    expect(overview).to_have_attribute("data-region", "shiqiao-jishi")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(overview).to_have_attribute("data-region", "hedong")
    page.keyboard.press("t")
    expect(overview).to_have_class(re.compile(r"\bday\b"))

    page.goto(f"{wall.url}/overview?event={event.id}")
    expect(page.get_by_test_id("map-event")).to_contain_text(words["kind"])
    expect(overview).to_have_attribute("data-region", "shiqiao-jishi")
    expect(overview).to_have_class(re.compile(r"\bday\b"))
