"""Brings the patrol's visits from the rotation's state in Redis to the store, where they can be counted.

The state holds them until they are stored, so that neither a restart of the dashboard nor a database that is away loses
one; the store knows a visit by camera and time, so that none counts twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from dashboard.bus import Bus
from dashboard.errors import BusAway
from dashboard.patrol.driver import Contended, Driver
from dashboard.patrol.log import VisitLog
from dashboard.patrol.rotation import RotationState

log = structlog.get_logger(__name__)

EVERY_S = 5.0
FORGET_EVERY_S = 3600.0


class Recorder:
    """Works while ``driver`` drives. ``kept_s``: how long visits are kept."""

    def __init__(
        self,
        bus: Bus,
        driver: Driver,
        visits: VisitLog,
        kept_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._driver = driver
        self._visits = visits
        self._kept_s = kept_s
        self._clock = clock
        self._sleep = sleep
        self._forgot_at = 0.0
        self._figures = dict.fromkeys(("recorded", "unrecorded", "forgotten", "interruptions"), 0)

    def figures(self) -> dict[str, int]:
        """Visits since the start; ``unrecorded``: since the patrol began."""
        return dict(self._figures)

    async def run(self) -> None:
        """Until cancelled. What cannot be stored now waits in the state."""
        while True:
            try:
                if self._driver.driving:
                    await self.record()
                    await self._forget()
            except (BusAway, Contended, DBAPIError) as error:
                self._figures["interruptions"] += 1
                log.warning("visits_wait", cause=type(error).__name__)
            await self._sleep(EVERY_S)

    async def record(self) -> None:
        """Store what waits."""
        try:
            state = RotationState.model_validate_json(await self._bus.rotation() or "{}")
        except ValidationError:
            return  # the driver logs it and starts anew
        self._figures["unrecorded"] = state.unrecorded
        if not state.visits:
            return
        await run_in_threadpool(self._visits.add, state.visits)
        stored = frozenset((visit.camera_id, visit.at) for visit in state.visits)

        def without(now: RotationState) -> RotationState:
            left = tuple(visit for visit in now.visits if (visit.camera_id, visit.at) not in stored)
            return now.model_copy(update={"visits": left})

        await self._driver.apply(without)
        self._figures["recorded"] += len(stored)

    async def _forget(self) -> None:
        now = self._clock()
        if 0 <= now - self._forgot_at < FORGET_EVERY_S:
            return
        self._figures["forgotten"] += await run_in_threadpool(self._visits.forget, now - self._kept_s)
        self._forgot_at = now
