"""Drives the rotation from one of several dashboards: whoever holds the lease steps the state in Redis.

The state is replaced by compare-and-set, so that "next" from another dashboard is never lost, and so is the position
in the event stream that the rotation has heeded: a restart resumes both. Waiting for events is the driver's timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from pydantic import ValidationError

from alerts.alarms.life import AlarmState
from alerts.event import Event
from alerts.records import AlarmChange
from dashboard.bus import Bus, Entry, StreamId
from dashboard.errors import BusAway
from dashboard.patrol.rotation import Machine, RotationState, Stop
from dashboard.patrol.visits import booked

log = structlog.get_logger(__name__)

LEASE_MS = 3000
LOOK_S = 0.5
RETRY_S = 0.5
_TRIES = 8


class Contended(Exception):
    """Others were faster too often."""


class Driver:
    """``stored`` is told each state that this process has written, as JSON."""

    def __init__(
        self,
        bus: Bus,
        machine: Machine,
        owner: str,
        clock: Callable[[], float],
        stored: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._machine = machine
        self._owner = owner
        self._clock = clock
        self._stored = stored
        self._sleep = sleep
        self._figures = dict.fromkeys(("steps", "stored", "contended", "alarms_called", "interruptions"), 0)
        self.driving = False

    def figures(self) -> dict[str, int]:
        return {**self._figures, "driving": int(self.driving)}

    async def run(self) -> None:
        """Until cancelled; the lease is given back then."""
        try:
            while True:
                try:
                    self.driving = await self._bus.hold_lease(self._owner, LEASE_MS)
                    if self.driving:
                        await self.step(LOOK_S)
                    else:
                        await self._sleep(LOOK_S)
                except BusAway:
                    self.driving = False
                    self._figures["interruptions"] += 1
                    await self._sleep(RETRY_S)
                except Contended:
                    await self._sleep(0)
        finally:
            await self._give_back()

    async def step(self, patience_s: float) -> None:
        """One look at the stream, waiting at most ``patience_s`` for an entry or the next switch; then one write."""
        self._figures["steps"] += 1
        raw = await self._bus.rotation()
        state = self._taken_up(raw)
        if state.seen is None:
            state = state.model_copy(update={"seen": str(await self._bus.last_id())})
        due = self._machine.next_due(state)
        wait_s = patience_s if due is None else min(patience_s, max(0.0, due - self._clock()))
        position = StreamId.parse(state.seen or "") or await self._bus.last_id()
        await self._store(raw, state)
        entries = await self._bus.read(position, block_ms=max(1, round(wait_s * 1000)))
        await self.apply(lambda state: self._heed(state, entries))

    async def skip(self) -> RotationState:
        """ "Next", from any dashboard, whether it drives or not."""
        return await self.apply(lambda state: self._machine.skip(state, self._clock()))

    async def apply(self, change: Callable[[RotationState], RotationState]) -> RotationState:
        """Reads, changes and stores the state, again when another was faster. Raises :class:`Contended`."""
        for _ in range(_TRIES):
            raw = await self._bus.rotation()
            state = self._taken_up(raw)
            state = booked(state, change(state), self._clock(), self._machine.plan.revisit_s)
            if await self._store(raw, state):
                return state
        raise Contended

    async def _store(self, raw: str, state: RotationState) -> bool:
        text = state.model_dump_json()
        if text == raw:
            return True
        if not await self._bus.replace_rotation(raw, text):
            self._figures["contended"] += 1
            return False
        self._figures["stored"] += 1
        self._stored(text)
        return True

    def _taken_up(self, raw: str) -> RotationState:
        now = self._clock()
        if raw:
            try:
                before = RotationState.model_validate_json(raw)
                return booked(before, self._machine.resume(before, now), now, self._machine.plan.revisit_s)
            except ValidationError as error:
                log.warning("undecodable_rotation", faults=error.error_count())
        return self._machine.start(now)

    def _heed(self, state: RotationState, entries: list[Entry]) -> RotationState:
        seen = StreamId.parse(state.seen or "")
        for entry in entries:
            if seen is None or entry.id > seen:
                state = self._heed_one(state, entry)
                seen = entry.id
        return state if seen is None else state.model_copy(update={"seen": str(seen)})

    def _heed_one(self, state: RotationState, entry: Entry) -> RotationState:
        """An alarm calls its camera up, unless it is already older than the hold or has no picture to show."""
        now = self._clock()
        try:
            if entry.type == "alarm":
                change = AlarmChange.model_validate_json(entry.data)
                if change.state is AlarmState.NEW:
                    return state  # a desk was found for it, or somebody wrote a comment: it still calls
                return self._machine.release(state, change.event_id, now)
            event = Event.model_validate_json(entry.data)
        except ValidationError:
            return state  # the hub reads the same entries, and counts and logs this one
        hold_s = self._machine.plan.alarm_hold_s
        if event.kind == "camera_offline" or now - event.detected_at >= hold_s:
            return state
        self._figures["alarms_called"] += 1
        return self._machine.alarm(state, event.id, Stop(event.site_id, event.camera_id), now)

    async def _give_back(self) -> None:
        """So that another dashboard drives on at once; when Redis is away, the lease runs out by itself."""
        if not self.driving:
            return
        self.driving = False
        try:
            await asyncio.shield(self._bus.release_lease(self._owner))
        except BusAway:
            log.info("lease_not_released", expires_ms=LEASE_MS)
