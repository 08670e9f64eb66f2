"""What stands on the glass: a real Chromium shows a real node's wall, and the pictures themselves tell which they are.

Every simulated camera burns the number of each picture into it (:mod:`ingest.simulator.stamp`); a script in the page
reads it back from the video element whenever a new picture is presented. Nothing that the product says of itself
(capture times, ages, states) is believed without it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Page, sync_playwright

from alerts.storage.database import open_engine
from benchmarks import running
from benchmarks.running import CACHE, ROOT, NodeFailedError, NodeUnderTest
from configs.loader import load
from configs.schema import SCENES_ONLY, Camera, ModelSettings, PatrolPlan, Settings, StreamSettings
from dashboard.accounts import AccountStore
from dashboard.policy import Role
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource, scenes
from ingest.simulator.stamp import BITS, CELL_HEIGHT, CELL_WIDTH, StampedSource
from xueliang.demo.county import demo_settings
from xueliang.surroundings import database_url

ACCOUNT: Final = "glass"
PASSWORD: Final = "a-long-benchmark-password"
FPS: Final = Fraction(25, 2)
SUB: Final = Profile(640, 360, FPS, 400_000)
TOLD: Final = (
    "drawn scenes as sub streams of 640x360 at 12.5 fps and 400 kb/s with a key frame every 2 s, as in the demo"
)
_SCENES: Final = 4
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Glass:
    """A wall on show. ``cameras``: ids in the node's settings; ``names``: each one's name in the simulator."""

    page: Page
    node: NodeUnderTest
    simulator: SimulatorThread
    wall: str
    control: str
    cameras: tuple[str, ...]
    names: dict[str, str]

    def captured_at(self, camera: str, number: int, shown_at: float) -> float:
        """When the picture of this number, on the glass at ``shown_at``, was captured; UTC epoch seconds."""
        return self.simulator.captured_at(self.names[camera], number, shown_at)

    def ask(self, script: str, argument: Any = None) -> Any:
        """What the page's probe answers."""
        return self.page.evaluate(f"(argument) => window.__glass.{script}", argument)

    def until(self, condition: Callable[[], Any], seconds: float, what: str) -> Any:
        """The first true answer; raises :class:`NodeFailedError` by name when there is none in time."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise NodeFailedError(f"{what}: not within {seconds:g} s; the node's log is {self.node.log}")
            self.page.wait_for_timeout(50)
        return answer

    def rest(self, seconds: float) -> None:
        """Let time pass in the page."""
        self.page.wait_for_timeout(seconds * 1000)

    def processes(self) -> dict[str, int]:
        """Process id of each part."""
        told = httpx.get(f"{self.control}/health", timeout=5, trust_env=False).json()["processes"]
        return {name: part["pid"] for name, part in told.items()}

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """The API, logged in."""
        with httpx.Client(base_url=self.wall, trust_env=False, timeout=10) as client:
            client.post("/api/login", json={"username": ACCOUNT, "password": PASSWORD}).raise_for_status()
            yield client


@contextmanager
def glass(
    tiles: int,
    workdir: Path,
    *,
    cameras: int | None = None,
    change: Callable[[int, Camera], Camera] = lambda _, camera: camera.model_copy(update={"rules": ()}),
    patrol: Callable[[tuple[Camera, ...]], PatrolPlan] | None = None,
) -> Iterator[Glass]:
    """A wall of ``tiles``, all of them live, over ``cameras`` simulated ones; ``change`` makes the cameras' settings.

    Raises :class:`benchmarks.running.NodeFailedError`.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise NodeFailedError("no Chromium: make setup installs it (as root) or names the command")
    count = cameras or tiles
    names = [f"G{number}" for number in range(count)]
    simulated = [SimCamera(name, source) for name, source in zip(names, _sources(count), strict=True)]
    with SimulatorThread(simulated, CACHE, profiles=Profiles(main=SUB, sub=SUB)) as simulator:
        wanted = _cameras(simulator, names, change)
        with running.node(wanted, workdir, ModelSettings(id=SCENES_ONLY), patrol=(patrol or _standing)(wanted)) as node:
            ready = node.ready()
            _add_account(node.settings)
            with _page(program) as page:
                ids = tuple(camera.id for camera in wanted)
                mapped = dict(zip(ids, names, strict=True))
                shown = Glass(page, node, simulator, str(ready["wall"]), str(ready["control"]), ids, mapped)
                _open_wall(shown, tiles)
                yield shown


def _sources(count: int) -> list[StampedSource]:
    drawn = [SceneSource(seed=each.seed, kind=each.kind, width=640, height=360) for each in scenes(_SCENES)]
    return [StampedSource(drawn[number % _SCENES]) for number in range(count)]


def _cameras(
    simulator: SimulatorThread, names: Sequence[str], change: Callable[[int, Camera], Camera]
) -> tuple[Camera, ...]:
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    streams = [
        (StreamSettings(url=simulator.url(name, "main")), StreamSettings(url=simulator.url(name, "sub")))
        for name in names
    ]
    cameras = list(demo_settings(county, streams, state_dir=Path(), port=0).cameras)
    for number, (main, sub) in enumerate(streams[len(cameras) :]):  # more than the county has: its first sites get two
        second = {"id": f"{cameras[number].id}-2", "main": main, "sub": sub}
        cameras.append(cameras[number].model_copy(update=second))
    return tuple(change(number, camera) for number, camera in enumerate(cameras))


def _standing(cameras: tuple[Camera, ...]) -> PatrolPlan:
    """A patrol that stays where it is, so that tiles change only when they are told to."""
    return PatrolPlan(slots=1, dwell_s=3600, sites=(cameras[0].site,))


def _add_account(settings: Settings) -> None:
    engine = open_engine(database_url(settings))
    accounts = AccountStore(engine, time.time)
    accounts.migrate()
    accounts.add(ACCOUNT, PASSWORD, Role.OPERATOR, ("*",))
    engine.dispose()


@contextmanager
def _page(program: str) -> Iterator[Page]:
    geometry = {"bits": BITS, "width": float(CELL_WIDTH), "height": float(CELL_HEIGHT)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN", bypass_csp=True)
        page.set_default_timeout(30_000)
        page.add_init_script(f"({_PROBE})({json.dumps(geometry)});")
        yield page
        browser.close()


def _open_wall(shown: Glass, tiles: int) -> None:
    page = shown.page
    page.goto(shown.wall)
    page.get_by_test_id("login-username").fill(ACCOUNT)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.locator("[data-testid=tile-1]").wait_for()
    page.get_by_test_id(f"layout-{tiles}").click()
    shown.until(lambda: len(shown.ask("live()")) == tiles, 45, f"{tiles} live tiles")


_PROBE: Final = (Path(__file__).with_name("glass.js")).read_text("utf-8")
