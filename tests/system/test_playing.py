"""The wall played with: layouts, an enlarged tile, replay and back, an arrangement that lasts; in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.system.browser import log_in, wait_all_move
from tests.system.running import RunningNode

TILES = {"2": 4, "5": 25, "6": 6, "8": 8, "1": 1, "3": 9}
"""By key."""
SAID = {"zh": ("回放", "比实时晚"), "en": ("Replay", "behind live")}
PNG = b"\x89PNG\r\n\x1a\n"


def focus_first(page: Page) -> None:
    page.locator("[data-tile='1']").focus()


def enlarged_by_key(page: Page) -> Locator:
    """The first tile, large and on its main stream; its picture never went away meanwhile."""
    tile = page.get_by_test_id("tile-1")
    expect(tile).to_have_attribute("data-state", "live")
    focus_first(page)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("tile-tools")).to_be_visible()
    assert tile.get_attribute("data-state") == "live", "the sub stream goes on until main has a picture"
    expect(tile).to_have_attribute("data-stream", "main", timeout=30_000)
    expect(tile).to_have_attribute("data-state", "live")
    return tile


@pytest.mark.browser
@pytest.mark.system
@pytest.mark.timeout(170)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_operator_arranges_enlarges_replays_and_comes_back(node: RunningNode, page: Page, language: str) -> None:
    if page.url == "about:blank":
        log_in(page, node)
    page.evaluate("language => localStorage.setItem('xueliang.language', language)", language)
    page.reload()
    expect(page.locator("[data-place]").first).to_be_visible()

    for key, tiles in TILES.items():
        page.keyboard.press(key)
        expect(page.locator("[data-place]")).to_have_count(tiles)
    wait_all_move(page, 9)

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
    moved = tile.get_attribute("data-camera")
    for key in ("y", "ArrowDown", "y"):
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
