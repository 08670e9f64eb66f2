"""An alarm's whole life by keyboard alone, with a second operator looking on; desks and shifts; merging. Real browsers
over a running dashboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from alerts.event import SituationUpdate
from alerts.recording.evidence import Evidence
from alerts.situation_store import SituationStore
from dashboard.policy import Role
from tests.system.browser import open_page
from xueliang.surroundings import web_dist

PASSWORD = "correct horse battery"
WORDS = {
    "zh": {
        "acknowledged": "已确认 · 1 号席",
        "held": "挂起 · 1 号席",
        "false": "误报",
        "lost": "已由 1 号席 于",
        "hint": "再按一键",
        "merged": "归入",
        "peak": "峰值 9.5 秒",
    },
    "en": {
        "acknowledged": "Acknowledged · 1 号席",
        "held": "On hold · 1 号席",
        "false": "False alarm",
        "lost": "1 号席 was first",
        "hint": "One more key",
        "merged": "part of",
        "peak": "peak 9.5 s",
    },
}


@pytest.fixture(autouse=True)
def built(tmp_path: Path) -> None:
    """The real page in the place where the dashboard of these tests looks for it."""
    (tmp_path / "dist").symlink_to(web_dist())


@pytest.fixture(params=["zh", "en"])
def words(request: pytest.FixtureRequest) -> dict[str, str]:
    return {**WORDS[request.param], "language": request.param}


@pytest.fixture
def browser_page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def another(page: Page) -> Page:
    """A second operator's browser."""
    assert page.context.browser is not None
    return page.context.browser.new_context(viewport={"width": 1920, "height": 1080}, bypass_csp=True).new_page()


def enter(page: Page, wall: Any, name: str, role: Role = Role.OPERATOR, language: str = "zh") -> None:
    wall.accounts.add(name, PASSWORD, role, ("*",), name)
    page.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
    page.goto(wall.url)
    page.get_by_test_id("login-username").fill(name)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    expect(page.get_by_test_id("figure-unacknowledged")).to_be_visible()


def in_hand(page: Page, event_id: str) -> Locator:
    return page.locator(f"[data-testid=alarm-in-hand][data-event-id='{event_id}']")


def row(page: Page, event_id: str) -> Locator:
    return page.locator(f"[data-testid=alarm-row][data-event-id='{event_id}']")


@pytest.mark.browser
def test_an_alarm_is_worked_by_keys_alone_while_another_operator_looks_on(
    wall: Any, browser_page: Page, words: dict[str, str]
) -> None:
    first, second = browser_page, another(browser_page)
    enter(first, wall, "1 号席", language=words["language"])
    enter(second, wall, "2 号席", language=words["language"])
    event = wall.event("east")
    wall.publish(event)
    hand, seen = in_hand(first, event.id), row(second, event.id)
    expect(hand).to_have_attribute("data-state", "new")
    expect(seen).to_have_attribute("data-state", "new")

    # Three actions: the comment's key, the comment, Enter.
    first.keyboard.press("c")
    first.keyboard.type("去看看")
    first.keyboard.press("Enter")
    expect(hand).to_have_attribute("data-state", "acknowledged")
    expect(hand.get_by_test_id("alarm-standing")).to_contain_text(words["acknowledged"])
    expect(seen).to_have_attribute("data-state", "acknowledged")
    expect(seen).to_contain_text("1 号席")
    taken = wall.store.get(event.id)
    assert (taken.owner_name, taken.comment) == ("1 号席", "去看看")

    # The happening goes on: without a reload its peak and its clip are there.
    for told in (
        SituationUpdate(event_id=event.id, at=time.time(), phase="update", measured=8.5, peak=9.5, hits=3),
        Evidence(event_id=event.id, camera_id=event.camera_id, missing="disk_full"),
    ):
        kind = "evidence" if isinstance(told, Evidence) else "update"
        wall.redis.xadd("xl:events", {"type": kind, "data": told.model_dump_json()})
    expect(hand.get_by_test_id("alarm-course")).to_contain_text(words["peak"])

    first.keyboard.press("h")
    expect(hand).to_have_attribute("data-state", "on_hold")
    expect(hand.get_by_test_id("alarm-standing")).to_contain_text(words["held"])
    expect(seen).to_have_attribute("data-state", "on_hold")

    # Closing asks for a second key, and Escape leaves.
    actions = hand.get_by_test_id("alarm-actions")
    first.keyboard.press("x")
    expect(actions).to_have_attribute("data-armed", "close")
    expect(hand.get_by_test_id("alarm-notice")).to_contain_text(words["hint"])
    first.keyboard.press("Escape")
    expect(actions).to_have_attribute("data-armed", "")
    first.keyboard.press("f")
    first.keyboard.press("x")
    first.keyboard.press("f")
    expect(hand).to_have_attribute("data-state", "closed")
    expect(seen).to_have_attribute("data-state", "closed")
    expect(seen).to_contain_text(words["false"])
    commands = [step.command.value for step in wall.parts.alarms.steps(event.id)]
    assert commands == ["acknowledge", "own", "hold", "close"]


@pytest.mark.browser
def test_who_was_slower_is_told_who_was_faster_and_sees_how_it_stands(
    wall: Any, browser_page: Page, words: dict[str, str]
) -> None:
    first, second = browser_page, another(browser_page)
    enter(first, wall, "1 号席", language=words["language"])
    enter(second, wall, "2 号席", language=words["language"])
    event = wall.event("east")
    wall.publish(event)
    expect(in_hand(first, event.id)).to_be_visible()
    expect(in_hand(second, event.id)).to_be_visible()

    def slower(route: Route) -> None:
        """While the second's step is on its way, the first takes theirs."""
        first.keyboard.press(" ")
        expect(in_hand(first, event.id)).to_have_attribute("data-state", "acknowledged")
        route.continue_()

    second.route("**/acknowledge", slower)
    second.keyboard.press(" ")
    expect(in_hand(second, event.id).get_by_test_id("alarm-notice")).to_contain_text(words["lost"])
    expect(in_hand(second, event.id)).to_have_attribute("data-state", "acknowledged")
    assert wall.store.get(event.id).owner_name == "1 号席"


@pytest.mark.browser
def test_the_alarm_in_hand_stays_and_the_list_stands_still_under_the_pointer(wall: Any, browser_page: Page) -> None:
    page = browser_page
    enter(page, wall, "1 号席")
    old, new = wall.event("east"), wall.event("west")
    wall.publish(old)
    expect(in_hand(page, old.id)).to_be_visible()
    row(page, old.id).hover()
    place = row(page, old.id).bounding_box()
    wall.publish(new)
    expect(page.get_by_test_id("alarms-waiting")).to_contain_text("1")
    assert row(page, old.id).bounding_box() == place
    expect(in_hand(page, old.id)).to_be_visible()
    # Space acknowledges what was read, and only the next one calls the newcomer up.
    page.keyboard.press(" ")
    expect(in_hand(page, old.id)).to_have_attribute("data-state", "acknowledged")
    page.keyboard.press(" ")
    expect(in_hand(page, new.id)).to_have_attribute("data-state", "new")


@pytest.mark.browser
def test_a_shelf_asks_how_long_and_why(wall: Any, browser_page: Page) -> None:
    page = browser_page
    enter(page, wall, "1 号席")
    event = wall.event("east")
    wall.publish(event)
    expect(in_hand(page, event.id)).to_be_visible()
    page.keyboard.press("q")
    page.keyboard.press("1")
    expect(page.get_by_test_id("ack-comment")).to_be_focused()
    page.keyboard.press("Enter")  # without a word nothing happens
    page.keyboard.type("施工")
    page.keyboard.press("Enter")
    expect(row(page, event.id)).to_have_attribute("data-state", "shelved")
    shelved = wall.store.get(event.id)
    assert shelved.comment == "施工"
    assert abs(shelved.shelved_until - time.time() - 900) < 60


@pytest.mark.browser
@pytest.mark.parametrize("wall", ["desks"], indirect=True)
def test_a_shift_changes_hands_with_every_open_alarm(wall: Any, browser_page: Page) -> None:
    first, second = browser_page, another(browser_page)
    enter(first, wall, "1 号席")
    enter(second, wall, "2 号席")
    while "east-desk" not in wall.parts.keeper.connected:
        first.wait_for_timeout(20)
    first.get_by_test_id("desk-open").click()
    first.get_by_test_id("desk-take").click()
    first.get_by_test_id("handover-take").press("Enter")
    expect(first.get_by_test_id("desk-own")).to_contain_text("1 号席 当班")
    event = wall.event("east", severity="medium")
    wall.publish(event)
    expect(row(first, event.id)).to_be_visible()
    first.keyboard.press("Escape")
    first.keyboard.press(" ")
    expect(row(first, event.id)).to_have_attribute("data-state", "acknowledged")

    first.get_by_test_id("desk-open").click()
    first.get_by_test_id("desk-offer").click()
    first.keyboard.type("东门在修")
    first.keyboard.press("Enter")
    expect(first.get_by_test_id("desk-keep")).to_be_visible()

    second.get_by_test_id("desk-open").click()
    expect(second.get_by_test_id("desk-own")).to_contain_text("东门在修")
    second.get_by_test_id("desk-take").click()
    expect(second.get_by_test_id("handover-row")).to_have_count(1)
    second.get_by_test_id("handover-take").click()
    expect(second.get_by_test_id("desk-own")).to_contain_text("2 号席 当班")
    expect(row(first, event.id)).to_contain_text("2 号席")


@pytest.mark.browser
def test_two_events_are_made_one_and_two_again(wall: Any, browser_page: Page, words: dict[str, str]) -> None:
    page = browser_page
    holder, part = wall.event("east"), wall.event("east", 2)
    now = time.time()
    for event in (holder, part):
        wall.publish(event)
    SituationStore(wall.store.engine).begin([(now, holder), (now, part)], now)
    enter(page, wall, "班长", Role.SHIFT_LEADER, words["language"])
    expect(row(page, part.id)).to_be_visible()
    page.goto(f"{wall.url}/history?event={holder.id}")
    listed = page.get_by_test_id("history-row")
    expect(listed).to_have_count(2)
    page.keyboard.press("e")
    page.locator(f"[data-testid=history-row][data-event-id='{part.id}']").click()
    expect(page.get_by_test_id("history-merging")).to_contain_text(words["merged"])
    page.get_by_test_id("history-merge-do").click()
    expect(listed).to_have_count(1)
    expect(page.get_by_test_id("figure-unacknowledged")).to_have_text("1")
    page.get_by_test_id("situation-part").click()
    expect(page.get_by_test_id("history-holder")).to_be_visible()
    page.get_by_test_id("history-holder").click()
    page.get_by_test_id("situation-undo").click()
    expect(listed).to_have_count(2)
    expect(page.get_by_test_id("figure-unacknowledged")).to_have_text("2")
