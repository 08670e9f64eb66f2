"""Tells everybody what people changed: into the event stream, in order, until it is told.

An alarm's change is already in the store, as is the correction that made an event of a hit. While Redis is away it
waits here, bounded; what does not fit is counted and logged, and the walls learn it from the store when they load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

import structlog

from alerts.event import Event
from alerts.records import AlarmChange
from alerts.situation_store import Correction
from dashboard.bus import Bus
from dashboard.errors import BusAway

log = structlog.get_logger(__name__)
LIMIT = 10_000
RETRY_S = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    type: Literal["alarm", "event", "correction"]
    event_id: str
    data: str


class Announcer:
    """``announce`` from the event loop; ``run`` until cancelled."""

    def __init__(self, bus: Bus, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._bus = bus
        self._sleep = sleep
        self._waiting: deque[_Entry] = deque()
        self._work = asyncio.Event()
        self._figures = dict.fromkeys(("announced", "retried", "overflowed"), 0)

    def figures(self) -> dict[str, int]:
        return {**self._figures, "waiting": len(self._waiting)}

    def announce(self, change: AlarmChange) -> None:
        """The change of an alarm."""
        self._append(_Entry("alarm", change.event_id, change.model_dump_json()))

    def announce_event(self, event: Event) -> None:
        """A hit that was found to be an event; the historian stores it."""
        self._append(_Entry("event", event.id, event.model_dump_json()))

    def announce_correction(self, done: Correction) -> None:
        """What an analyst made of two events, or took back."""
        self._append(_Entry("correction", done.other_id, done.model_dump_json()))

    async def run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                entry = self._waiting[0]
                try:
                    await self._bus.append(entry.type, entry.data)
                except BusAway:
                    self._figures["retried"] += 1
                    await self._sleep(RETRY_S)
                    continue
                self._figures["announced"] += 1
                if self._waiting and self._waiting[0] is entry:
                    self._waiting.popleft()

    def _append(self, entry: _Entry) -> None:
        if len(self._waiting) >= LIMIT:
            lost = self._waiting.popleft()
            self._figures["overflowed"] += 1
            log.error("change_not_announced", type=lost.type, event_id=lost.event_id)
        self._waiting.append(entry)
        self._work.set()
