"""Every process of a node is killed while people watch: the wall goes on, and no event is lost or doubled."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from alerts.event_id import new_event_id
from ingest.simulator.background import SimulatorThread
from tests.system.browser import log_in, wait_all_move
from tests.system.conftest import CAMERAS
from tests.system.running import REARM_S, RunningNode, county, running, stored, wait_for, wait_gone

pytestmark = [pytest.mark.browser, pytest.mark.system]

NEWER_ALARM = """
(id) => [...document.querySelectorAll('[data-testid=alarm-row]')].some((row) => row.dataset.eventId > id)
"""


@pytest.fixture(scope="module")
def wall(node: RunningNode, page: Page) -> Page:
    """Opened once, marked, and never loaded again: nine tiles live and an alarm there."""
    log_in(page, node)
    wait_all_move(page, CAMERAS)
    expect(page.get_by_test_id("alarm-row").first).to_be_visible(timeout=60_000)
    page.evaluate("() => { window.__neverReloaded = true; }")
    return page


@pytest.fixture(scope="module")
def session(node: RunningNode) -> Iterator[httpx.Client]:
    """A login that must outlive everything."""
    with node.client() as client:
        yield client


@pytest.mark.parametrize("name", ["worker-1", "worker-2", "historian", "redis", "dashboard"])
def test_a_killed_process_is_back_and_the_open_wall_goes_on(
    node: RunningNode, wall: Page, session: httpx.Client, name: str
) -> None:
    before = stored(session)
    node.kill(name)
    # Ids are ordered by time: what is newer than this one happened after the restart.
    restarted = new_event_id()

    wait_all_move(wall, CAMERAS)
    wall.wait_for_function(NEWER_ALARM, arg=restarted, polling=100, timeout=60_000)
    expect(wall.get_by_test_id("connection-lost")).to_have_count(0)
    expect(wall.get_by_test_id("server-trouble")).to_have_count(0)
    assert wall.evaluate("() => window.__neverReloaded") is True

    wait_for(lambda: any(row["id"] > restarted for row in stored(session)), 60, f"an event stored after {name}'s end")
    after = stored(session)
    assert {row["id"] for row in before} <= {row["id"] for row in after}
    assert_each_once(after)
    assert all(told["trouble"] is None for told in node.processes().values())


def assert_each_once(rows: list[dict[str, Any]]) -> None:
    """No event twice, and of one camera's rule none within the time in which it makes one alarm of its repeats."""
    assert len({row["id"] for row in rows}) == len(rows)
    told: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in rows:
        told[row["camera_id"], row["rule_id"], row["direction"]].append(row["detected_at"])
    for happening, times in told.items():
        times.sort()
        gaps = [late - early for early, late in pairwise(times)]
        assert all(gap >= REARM_S - 0.05 for gap in gaps), (happening, gaps)


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_start_has_every_event(
    cameras: SimulatorThread, tmp_path: Path
) -> None:
    settings = county(cameras, [f"S{n}" for n in range(CAMERAS)], tmp_path / "state")
    with running(settings, tmp_path) as node, node.client() as client:
        before = wait_for(lambda: stored(client), 60, "an event")
        pids = node.pids()
        assert len(pids) == 6  # supervisor, redis, two workers, historian, dashboard
        os.kill(node.supervisor.pid, signal.SIGKILL)
        node.supervisor.wait(60)

        # At once, as a service manager does: what is left of the old node is waited for, not met.
        with running(settings, tmp_path) as again:
            wait_gone(pids, 1)
            with again.client() as fresh:
                assert {row["id"] for row in before} <= {row["id"] for row in stored(fresh)}
                started = new_event_id()
                wait_for(lambda: any(row["id"] > started for row in stored(fresh)), 60, "an event after the restart")
                assert_each_once(stored(fresh))
            pids = again.pids()
    wait_gone(pids, 1)
