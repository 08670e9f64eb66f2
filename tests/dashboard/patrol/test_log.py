"""Visits come to the store once each, whatever is away meanwhile, and are counted there."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts.delivery.connection import connect
from alerts.storage.database import open_engine
from dashboard.bus import Bus, open_redis
from dashboard.patrol.driver import Driver
from dashboard.patrol.log import VisitLog
from dashboard.patrol.recorder import Recorder
from dashboard.patrol.rotation import Machine, Plan, RotationState, Stop, Visit
from dashboard.patrol.visits import Kept

PLAN = Plan("p", None, 2, 600.0, 30.0, tuple(Stop("s", f"c{index}") for index in range(6)))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def test_visits_are_tallied_by_camera_and_told_twice_count_once(engine: Engine) -> None:
    log = VisitLog(engine)
    log.migrate()
    visits = [
        Visit(camera_id="a", at=10.0, due=1, slack_s=5.0),
        Visit(camera_id="a", at=20.0, due=1, slack_s=0.0),
        Visit(camera_id="a", at=90.0, due=3, slack_s=-45.5),
        Visit(camera_id="b", at=20.0, due=1, slack_s=7.0),
    ]
    log.add(visits[:3])
    log.add(visits)
    log.add([])
    assert log.tally(10.0) == {"a": Kept(5, 2, -45.5), "b": Kept(1, 1, 7.0)}
    assert log.tally(20.5) == {"a": Kept(3, 0, -45.5)}
    assert log.first_at() == 10.0
    assert (log.forget(20.0), log.first_at()) == (1, 20.0)


@pytest.fixture
async def bus(wall_redis: Any) -> AsyncIterator[Bus]:
    client = connect(wall_redis.launch.url, name="test")
    client.flushall()
    client.close()
    opened = Bus(open_redis(wall_redis.launch.url))
    yield opened
    await opened.close()


async def test_a_visit_waits_in_the_rotation_until_it_is_stored(bus: Bus, wall_store: Any) -> None:
    machine = Machine(PLAN)
    driver = Driver(bus, machine, "a", time.time, lambda _: None)
    log = VisitLog(wall_store[0].engine)
    for _ in range(8):
        await driver.skip()
    again = Driver(bus, machine, "b", time.time, lambda _: None)
    recorder = Recorder(bus, again, log, 86400.0, time.time)
    await recorder.record()
    await recorder.record()
    tallied = log.tally(0.0)
    assert sum(kept.due for kept in tallied.values()) == sum(kept.kept for kept in tallied.values()) > 0
    assert recorder.figures()["recorded"] == sum(kept.due for kept in tallied.values())
    state = RotationState.model_validate_json(await bus.rotation())
    assert state.visits == ()
    assert len(state.unseen_since) == 4
