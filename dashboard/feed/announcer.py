"""Tells every wall that an alarm changed: into the event stream, in order, until it is told.

The change itself is already in the store. While Redis is away it waits here, bounded; what does not fit is counted
and logged, and the walls learn it from the store when they load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from alerts.records import AlarmChange
from dashboard.bus import Bus
from dashboard.errors import BusAway

log = structlog.get_logger(__name__)
LIMIT = 10_000
RETRY_S = 0.5


class Announcer:
    """``announce`` from the event loop; ``run`` until cancelled."""

    def __init__(self, bus: Bus, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._bus = bus
        self._sleep = sleep
        self._waiting: deque[AlarmChange] = deque()
        self._work = asyncio.Event()
        self._figures = dict.fromkeys(("announced", "retried", "overflowed"), 0)

    def figures(self) -> dict[str, int]:
        return {**self._figures, "waiting": len(self._waiting)}

    def announce(self, change: AlarmChange) -> None:
        if len(self._waiting) >= LIMIT:
            lost = self._waiting.popleft()
            self._figures["overflowed"] += 1
            log.error("alarm_change_not_announced", event_id=lost.event_id)
        self._waiting.append(change)
        self._work.set()

    async def run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                change = self._waiting[0]
                try:
                    await self._bus.append("alarm", change.model_dump_json())
                except BusAway:
                    self._figures["retried"] += 1
                    await self._sleep(RETRY_S)
                    continue
                self._figures["announced"] += 1
                if self._waiting and self._waiting[0] is change:
                    self._waiting.popleft()
