"""What a tile claims about its picture, in a real browser on a real node: never an old one as if it were live."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ingest.simulator.background import SimulatorThread
from tests.system.browser import log_in, wait_all_move
from tests.system.running import RunningNode

STAND_STILL = """
async () => {
    const until = performance.now() + 2500;
    while (performance.now() < until);
    // The first frame afterwards was asked for before and has its time.
    const seen = [];
    for (let frame = 0; frame < 3; frame++) {
        await new Promise(requestAnimationFrame);
        seen.push(getComputedStyle(document.querySelector('[data-testid=hung-veil]')).opacity);
    }
    return seen;
}
"""
UNCOVERED = "() => getComputedStyle(document.querySelector('[data-testid=hung-veil]')).opacity === '0'"


@pytest.mark.browser
@pytest.mark.system
def test_a_picture_that_stopped_is_marked_and_its_neighbours_are_not(
    cameras: SimulatorThread, node: RunningNode, page: Page
) -> None:
    log_in(page, node)
    wait_all_move(page, 9)
    frozen = page.locator(f"[data-testid^=tile-][data-camera='{node.settings.cameras[0].id}']")
    cameras.set_fault("S0", "frozen")
    try:
        expect(frozen).to_have_attribute("data-state", "stale", timeout=60_000)
        expect(frozen).to_contain_text("画面停滞")
        page.get_by_test_id("language").click()
        expect(frozen).to_contain_text("Stale")
        page.get_by_test_id("language").click()
        neighbours = page.locator("[data-testid^=tile-][data-state=live]")
        expect(neighbours).to_have_count(8, timeout=60_000)
    finally:
        cameras.set_fault("S0", "none")
    expect(frozen).to_have_attribute("data-state", "live", timeout=60_000)


@pytest.mark.browser
@pytest.mark.system
def test_what_is_drawn_over_the_pictures_goes_by_keys_and_buttons_and_a_page_that_hangs_covers_them(
    node: RunningNode, page: Page
) -> None:
    page.goto(node.wall)
    wait_all_move(page, 9)
    zones = page.get_by_test_id("tile-zones")
    expect(zones).to_have_count(0)
    page.keyboard.press("z")
    expect(zones.first).to_be_visible()
    page.reload()
    expect(zones.first).to_be_visible()
    button = page.get_by_test_id("layer-zones")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(zones).to_have_count(0)
    expect(button).to_have_attribute("aria-pressed", "false")

    assert "1" in page.evaluate(STAND_STILL)
    page.wait_for_function(UNCOVERED)
    wait_all_move(page, 9)
