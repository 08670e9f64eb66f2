"""The pictures of docs/screens.md: the demo on drawn scenes, looked at in Chromium in both languages.

``make screens``, or ``python docs/screens/draw.py NAME…`` for some of them; pictures are written beside it. It takes
some four minutes: the demo runs until its first alarms have come.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from tests.system.browser import FLAGS, wait_all_move
from xueliang.preflight import free_ports

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DESK, WALL_4K, VIDEO_WALL = (1920, 1080), (3840, 2160), (5760, 1080)
WIDEST = 1920
"""px. Larger pictures are halved until they are no wider than twice this."""
EVENTS, EVENTS_S = 8, 240.0
SCREEN, NOBODY = "hall-left", ""


@dataclass(frozen=True, slots=True)
class Running:
    """The demo."""

    wall: str
    passwords: dict[str, str]


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture ``name-LANGUAGE.jpg`` of ``path`` as ``account`` sees it; ``act``: what is done first."""

    name: str
    path: str
    account: str = "operator"
    size: tuple[int, int] = DESK
    languages: tuple[str, ...] = ("zh", "en")
    act: Callable[[Page, Running], None] = lambda _page, _running: None


@contextmanager
def demo(folder: Path) -> Iterator[Running]:
    """Runs on drawn scenes until the block ends; waits for its first alarms."""
    (port,) = free_ports(1)
    environ = {**os.environ, "PORT": str(port), "STATE_DIR": str(folder), "VIDEO": "scenes"}
    process = subprocess.Popen(
        [sys.executable, "-m", "xueliang.cli", "demo"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("wall ready: "):
                break
        wall = line.removeprefix("wall ready: ").strip()
        running = Running(wall, json.loads((folder / "demo-accounts.json").read_text("utf-8")))
        _wait_for_events(running)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@contextmanager
def client_of(running: Running, account: str) -> Iterator[httpx.Client]:
    """Logged in."""
    with httpx.Client(base_url=running.wall, trust_env=False, timeout=10) as client:
        login = {"username": account, "password": running.passwords[account]}
        client.post("/api/login", json=login).raise_for_status()
        yield client


def _wait_for_events(running: Running) -> None:
    with client_of(running, "operator") as client:
        deadline = time.monotonic() + EVENTS_S
        while time.monotonic() < deadline:
            rows = client.get("/api/events", params={"limit": 50}).json()["rows"]
            if len(rows) >= EVENTS and len({row["kind"] for row in rows}) >= 3:
                return
            time.sleep(1)
    raise SystemExit(f"the demo made fewer than {EVENTS} events of three kinds in {EVENTS_S:g} s")


def all_live(page: Page, _: Running) -> None:
    """Nine tiles move."""
    wait_all_move(page, 9)


def oldest_open(page: Page, _: Running) -> None:
    """The second alarm of the list in hand, taken up."""
    wait_all_move(page, 9)
    page.keyboard.press("ArrowDown")


def replayed(page: Page, _: Running) -> None:
    """The enlarged tile plays its last half minute."""
    wait_all_move(page, 9)
    page.get_by_test_id("tile-2").dblclick()
    page.wait_for_timeout(3_000)
    page.keyboard.press("r")
    page.wait_for_timeout(3_000)


def first_row(page: Page, _: Running) -> None:
    """The newest event with its facts."""
    page.get_by_test_id("history-row").first.click()
    page.wait_for_timeout(1_000)


def counted(page: Page, _: Running) -> None:
    """What is counted over time has begun: coverage, a curve, and the first visit that was due."""
    for first in ("[data-testid=overview-coverage]", "[data-testid=overview-crowd]", "[data-testid=overview-patrol] b"):
        page.locator(first).first.wait_for(timeout=180_000)


def by_day(page: Page, running: Running) -> None:
    """The day's theme."""
    counted(page, running)
    page.keyboard.press("t")


def let_in(page: Page, running: Running) -> None:
    """The screen's browser is let in, and four cameras are pushed to it."""
    with client_of(running, "leader") as client:
        cameras = [camera["id"] for camera in client.get("/api/node").json()["cameras"]]
        content = {"kind": "scene", "layout": "4", "tiles": cameras[:4]}
        client.post(f"/api/screens/{SCREEN}/push", json={"content": content}).raise_for_status()
        code = client.post(f"/api/screens/{SCREEN}/code").raise_for_status().json()["code"]
    page.get_by_test_id("screen-code").fill(code)
    page.locator("[data-testid^=tile-][data-state=live]").first.wait_for()  # the page begins anew when it is let in
    wait_all_move(page, 4)


def set_up(page: Page, _: Running) -> None:
    """A camera of the tree, with what is drawn on it."""
    page.get_by_test_id("setup-camera").first.click()
    page.get_by_test_id("tab-rules").click()
    page.wait_for_timeout(2_500)


SHOTS = (
    Shot("wall", "/", act=all_live),
    Shot("alarm", "/", act=oldest_open),
    Shot("replay", "/", act=replayed),
    Shot("history", "/history", act=first_row),
    Shot("load", "/load"),
    Shot("overview", "/overview", act=counted),
    Shot("overview-day", "/overview", languages=("zh",), act=by_day),
    Shot("overview-4k", "/overview", size=WALL_4K, languages=("zh",), act=counted),
    Shot("overview-video-wall", "/overview", size=VIDEO_WALL, languages=("zh",), act=counted),
    Shot("map", "/overview?region=shiqiao", languages=("zh",), act=counted),
    Shot("setup", "/setup", account="admin", act=set_up),
    Shot("screen", f"/wall/{SCREEN}", account=NOBODY, languages=("zh",), act=let_in),
    Shot("health", "/health", account="engineer"),
)


def draw(browser: Browser, running: Running, shot: Shot, language: str) -> None:
    """One picture."""
    context = browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        locale={"zh": "zh-CN", "en": "en-GB"}[language],
        bypass_csp=True,
    )
    context.add_init_script(f"localStorage.setItem('xueliang.language', '{language}')")
    page = context.new_page()
    page.set_default_timeout(30_000)
    if shot.account != NOBODY:
        page.goto(f"{running.wall}/login")
        page.get_by_test_id("login-username").fill(shot.account)
        page.get_by_test_id("login-password").fill(running.passwords[shot.account])
        page.get_by_test_id("login-submit").click()
        page.wait_for_url(f"{running.wall}/")
    if shot.path != "/":
        page.goto(running.wall + shot.path)
    page.wait_for_timeout(2_500)
    shot.act(page, running)
    page.wait_for_timeout(1_000)
    pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    context.close()
    while pixels.shape[1] > 2 * WIDEST:
        pixels = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    encoded, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert encoded
    (HERE / f"{shot.name}-{language}.jpg").write_bytes(jpeg.tobytes())


def main(wanted: list[str]) -> None:
    """Draw all, or those named."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no Chromium: make setup installs it (as root) or names the command")
    shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder)) as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for shot in shots:
            for language in shot.languages:
                draw(browser, running, shot, language)
                sys.stdout.write(f"{shot.name}-{language}\n")
                sys.stdout.flush()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
