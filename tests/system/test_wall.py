"""An operator's first minute, in a real browser, on a real node."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.system.browser import log_in, wait_all_move
from tests.system.running import RunningNode


@pytest.mark.browser
@pytest.mark.system
def test_an_operator_watches_is_alarmed_acknowledges_and_finds_it_again(node: RunningNode, page: Page) -> None:
    log_in(page, node)
    wait_all_move(page, 9)

    before = [slot.get_attribute("data-site") for slot in page.get_by_test_id("rotation-slot").all()]
    page.wait_for_function(
        """(before) => [...document.querySelectorAll('[data-testid=rotation-slot]')]
            .some((slot, index) => slot.dataset.site !== before[index])""",
        arg=before,
    )

    row = page.locator("[data-testid=alarm-row][data-state=new]").first
    expect(row).to_be_visible(timeout=60_000)
    row.hover()  # under the hand the list stands still: what is clicked is what was read
    event = row.get_attribute("data-event-id")
    mine = page.locator(f"[data-testid=alarm-row][data-event-id='{event}']")
    mine.click()
    page.get_by_test_id("ack-button").click()
    expect(mine).to_have_attribute("data-state", "acknowledged")

    page.goto(f"{node.wall}/history")
    expect(page.get_by_test_id("history-row").first).to_be_visible()
    page.locator(f"[data-testid=history-row][data-event-id='{event}']").click()
    picture = page.get_by_test_id("history-snapshot")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
