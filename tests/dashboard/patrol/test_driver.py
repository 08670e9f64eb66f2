"""Several dashboards, one rotation, over a real Redis server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.event import Event
from alerts.event_id import new_event_id
from alerts.records import AlarmChange
from configs.schema import Severity
from dashboard.bus import Bus, open_redis
from dashboard.patrol.driver import Driver
from dashboard.patrol.rotation import Machine, Plan, RotationState, Stop

MACHINE = Machine(Plan("p", None, 2, 600.0, 30.0, tuple(Stop("s", f"c{index}") for index in range(6))))


@pytest.fixture
def patrol_redis(wall_redis: Any) -> Any:
    client = connect(wall_redis.launch.url, name="test")
    client.flushall()
    yield client
    client.close()


@asynccontextmanager
async def a_driver(wall_redis: Any, name: str) -> AsyncIterator[Driver]:
    bus = Bus(open_redis(wall_redis.launch.url))
    try:
        yield Driver(bus, MACHINE, name, time.time, lambda _: None)
    finally:
        await bus.close()


def stored(client: Any) -> RotationState:
    return RotationState.model_validate_json(client.get("xl:rotation"))


def raise_alarm(client: Any, camera: str, **values: Any) -> str:
    now = time.time()
    fields: dict[str, Any] = {"kind": "intrusion", "detected_at": now, **values}
    event = Event(
        id=new_event_id(),
        severity=Severity.HIGH,
        camera_id=camera,
        site_id="s",
        region_id="r",
        rule_id="r",
        rule_name="r",
        occurred_at=now,
        measured=1,
        limit=1,
        unit="s",
        **fields,
    )
    client.xadd(EVENTS_KEY, {"type": "event", "data": event.model_dump_json()})
    return event.id


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0)


async def test_one_drives_and_the_other_takes_over(wall_redis: Any, patrol_redis: Any) -> None:
    async with a_driver(wall_redis, "a") as a, a_driver(wall_redis, "b") as b:
        first = asyncio.create_task(a.run())
        await until(lambda: a.driving)
        second = asyncio.create_task(b.run())
        await until(lambda: a.figures()["steps"] > 2)
        assert not b.driving
        before = stored(patrol_redis).slots
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await until(lambda: b.driving)
        assert stored(patrol_redis).slots == before
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert patrol_redis.get("xl:rotation:lease") is None


async def test_alarms_come_and_go_and_a_restart_heeds_what_it_missed(wall_redis: Any, patrol_redis: Any) -> None:
    async with a_driver(wall_redis, "a") as driver:
        await driver.step(0.01)
        missed = raise_alarm(patrol_redis, "c5")
    async with a_driver(wall_redis, "b") as driver:
        await driver.step(0.5)
        held = [slot for slot in stored(patrol_redis).slots if slot.reason == "alarm"]
        assert [(slot.camera_id, slot.event_id) for slot in held] == [("c5", missed)]
        await driver.step(0.01)
        assert stored(patrol_redis).figures.preempted == 1
        change = AlarmChange(event_id=missed, by="a", by_name="a", at=time.time())
        patrol_redis.xadd(EVENTS_KEY, {"type": "alarm", "data": change.model_dump_json()})
        await driver.step(0.5)
        assert all(slot.reason == "patrol" for slot in stored(patrol_redis).slots)


async def test_what_has_no_picture_or_is_long_past_calls_nothing_up(wall_redis: Any, patrol_redis: Any) -> None:
    async with a_driver(wall_redis, "a") as driver:
        await driver.step(0.01)
        raise_alarm(patrol_redis, "c5", kind="camera_offline", fault="unreachable")
        raise_alarm(patrol_redis, "c4", detected_at=time.time() - 31)
        patrol_redis.xadd(EVENTS_KEY, {"type": "event", "data": "not an event"})
        await driver.step(0.5)
        assert all(slot.reason == "patrol" for slot in stored(patrol_redis).slots)


async def test_a_stop_is_never_swallowed(wall_redis: Any, patrol_redis: Any) -> None:
    """Whatever the driver is doing when it is told to stop."""
    async with a_driver(wall_redis, "a") as driver:
        for turns in range(60):
            running = asyncio.create_task(driver.run())
            for _ in range(turns):
                await asyncio.sleep(0)
            running.cancel()
            async with asyncio.timeout(60):
                await asyncio.gather(running, return_exceptions=True)


async def test_next_from_any_dashboard_is_never_lost(wall_redis: Any, patrol_redis: Any) -> None:
    async with a_driver(wall_redis, "a") as a, a_driver(wall_redis, "b") as b:
        driving = asyncio.create_task(a.run())
        await until(lambda: a.driving and patrol_redis.get("xl:rotation"))
        visits = stored(patrol_redis).figures.visits
        for _ in range(20):
            await b.skip()
        assert stored(patrol_redis).figures.visits == visits + 20
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)


async def test_a_state_of_another_version_starts_anew(wall_redis: Any, patrol_redis: Any) -> None:
    patrol_redis.set("xl:rotation", '{"v": 9}')
    async with a_driver(wall_redis, "a") as driver:
        await driver.step(0.01)
    assert len(stored(patrol_redis).slots) == 2
