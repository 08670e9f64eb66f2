"""The wall played with: layouts, an enlarged tile, replay and back, an arrangement that lasts; in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.system.browser import log_in
from tests.system.running import RunningNode

TILES = {"2": 4, "5": 25, "6": 6, "8": 8, "1": 1, "3": 9}
"""By key."""
SAID = {"zh": ("回放", "比实时晚"), "en": ("Replay", "behind live")}
REMEMBER_STATES = """
(tile) => {
    window.__states = [tile.dataset.state];
    const look = new MutationObserver(() => window.__states.push(tile.dataset.state));
    look.observe(tile, { attributeFilter: ["data-state"] });
}
"""
PNG = b"\x89PNG\r\n\x1a\n"


def focus_first(page: Page) -> None:
    page.locator("[data-tile='1']").focus()


def enlarged_by_key(page: Page) -> Locator:
    """The first tile, large and on its main stream; its picture never went away meanwhile."""
    tile = page.get_by_test_id("tile-1")
    focus_first(page)
    page.keyboard.press("j")
    expect(tile).to_have_attribute("data-pinned", "true")  # the rotation goes past it from now on
    expect(tile).to_have_attribute("data-state", "live")
    tile.evaluate(REMEMBER_STATES)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("tile-tools")).to_be_visible()
    expect(tile).to_have_attribute("data-stream", "main", timeout=60_000)
    expect(tile).to_have_attribute("data-state", "live")
    assert "connecting" not in tile.evaluate("() => window.__states"), "the sub stream stays until main has a picture"
    return tile


@pytest.mark.browser
@pytest.mark.system
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_operator_arranges_enlarges_replays_and_comes_back(node: RunningNode, page: Page, language: str) -> None:
    if page.url == "about:blank":
        log_in(page, node)
    expect(page.locator("[data-place]").first).to_be_visible()
    page.evaluate("language => localStorage.setItem('xueliang.language', language)", language)
    page.reload()
    expect(page.locator("[data-place]").first).to_be_visible()

    for key, tiles in TILES.items():
        page.keyboard.press(key)
        expect(page.locator("[data-place]")).to_have_count(tiles)
    tile = enlarged_by_key(page)
    page.keyboard.press("+")
    expect(page.get_by_test_id("tile-zoom")).to_have_text("1.3×")
    page.keyboard.press("0")
    expect(page.get_by_test_id("tile-zoom")).to_have_text("1.0×")
    with page.expect_download() as download:
        page.keyboard.press("s")
    camera = tile.get_attribute("data-camera")
    assert re.fullmatch(rf"{camera}_\d{{8}}-\d{{6}}\.png", download.value.suggested_filename)
    assert download.value.path().read_bytes().startswith(PNG)

    page.keyboard.press("r")
    replay, band = page.get_by_test_id("replay"), page.get_by_test_id("replay-band")
    for words in SAID[language]:
        expect(band).to_contain_text(words)
    expect(tile).to_have_attribute("data-state", "replay")
    expect(replay).to_have_attribute("data-state", "playing")
    shown = page.get_by_test_id("replay-video")
    began = shown.evaluate("video => video.currentTime")
    page.wait_for_function(
        "began => document.querySelector('[data-testid=replay-video]').currentTime > began + 0.5", arg=began
    )
    page.keyboard.press("k")
    expect(replay).to_have_attribute("data-state", "paused")

    page.keyboard.press("Escape")
    expect(replay).to_have_count(0)
    expect(tile).to_have_attribute("data-state", "live")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("tile-tools")).to_have_count(0)
    expect(tile).to_have_attribute("data-stream", "sub")

    page.keyboard.press("2")
    focus_first(page)
    page.keyboard.press("y")
    moved = tile.get_attribute("data-camera")  # what is picked up stays, whatever the rotation does
    for key in ("ArrowDown", "y"):
        page.keyboard.press(key)
    third = page.get_by_test_id("tile-3")
    for _ in range(2):
        expect(third).to_have_attribute("data-camera", str(moved))
        expect(third).to_have_attribute("data-pinned", "true")
        expect(page.locator("[data-place]")).to_have_count(4)
        page.reload()
    page.get_by_test_id("wall-free").click()
    expect(third).not_to_have_attribute("data-pinned", "true")
    page.keyboard.press("3")


@pytest.mark.browser
@pytest.mark.system
def test_a_browser_that_cannot_decode_gets_single_pictures_and_says_so(node: RunningNode, page: Page) -> None:
    page.add_init_script("MediaSource.isTypeSupported = () => false")
    if page.url == "about:blank":
        log_in(page, node)
    else:
        page.reload()
    tile = page.get_by_test_id("tile-1")
    expect(tile).to_have_attribute("data-state", "live", timeout=60_000)
    expect(tile.get_by_test_id("tile-stills")).to_be_visible()
    focus_first(page)
    with page.expect_download() as download:
        page.keyboard.press("s")
    assert download.value.path().read_bytes().startswith(PNG)
