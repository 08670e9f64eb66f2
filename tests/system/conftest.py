from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from tests.system.browser import open_page
from tests.system.running import CACHE, RunningNode, county, running, sources

CAMERAS = 9


@pytest.fixture(scope="session")
def cameras() -> Iterator[SimulatorThread]:
    """Cameras S0 to S8, and LOCKED, which asks for a password; their video is prepared once and kept."""
    small = Profiles(main=Profile(640, 360, Profiles().main.fps, 500_000))
    found = sources(CAMERAS)
    simulated = [
        *(SimCamera(f"S{n}", source) for n, source in enumerate(found)),
        SimCamera("LOCKED", found[0], username="admin", password="right"),
    ]
    with SimulatorThread(simulated, CACHE, profiles=small) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def node(cameras: SimulatorThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """``xueliang up`` on the nine cameras, with an operator's account; one for the tests of a module."""
    folder: Path = tmp_path_factory.mktemp("node")
    settings = county(cameras, [f"S{n}" for n in range(CAMERAS)], folder / "state")
    with running(settings, folder) as started:
        yield started


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """One open browser for the tests of a module."""
    with open_page() as opened:
        yield opened
