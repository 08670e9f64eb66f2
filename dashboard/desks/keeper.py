"""Keeps alarms moving while nobody acts: to the desk on duty, up the tree when the reaction clock ends, off the shelf.

Everything it decides from lies in the store and in Redis, so a restart goes on, and every decision is a step on record.
Several dashboards may do this at once: a step is taken only on the version that it was decided on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from alerts.alarms.flood import Arrival, grouped
from alerts.alarms.life import Command, Do
from alerts.alarms.load import WINDOW_S
from alerts.alarms.shifts import ShiftStore
from alerts.alarms.store import AlarmStore
from alerts.records import AlarmChange, EventRow
from configs.desks import Desk
from configs.schema import Settings
from dashboard.access.viewer import Viewer
from dashboard.bus import Bus
from dashboard.desks.routing import Priorities, Tree
from dashboard.errors import BusAway
from dashboard.policy import Action

log = structlog.get_logger(__name__)

LOOK_S = 1.0
GRACE_S = 15.0
"""A desk counts as manned so long after its last browser was seen: a reload, or a restart of the dashboard."""

BACK_S = 86400.0
"""Alarms that are older were never for this shift; they are found in the list and the history."""

BATCH = 500


def is_member(desk: Desk, viewer: Viewer) -> bool:
    """Whether an account belongs to a desk: by name, or by role and region (:class:`configs.desks.Desk`)."""
    if viewer.account.username in desk.accounts:
        return True
    if desk.accounts and not desk.roles:
        return False
    role = not desk.roles or viewer.role.value in desk.roles
    return role and any(viewer.may(Action.ALARM_ACKNOWLEDGE, region) for region in desk.regions)


class Keeper:
    """``run`` until cancelled; ``announce`` is told each step, in the event loop."""

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        alarms: AlarmStore,
        shifts: ShiftStore,
        viewers: Callable[[], Iterable[Viewer]],
        announce: Callable[[AlarmChange], None],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.follow(settings)
        self._bus = bus
        self._alarms = alarms
        self._shifts = shifts
        self._viewers = viewers
        self._announce = announce
        self._clock = clock
        self._sleep = sleep
        self.connected: frozenset[str] = frozenset()
        self._figures = dict.fromkeys(("routed", "escalated", "unshelved", "interruptions"), 0)

    def follow(self, settings: Settings) -> None:
        """By these desks, priorities and reaction times from now on. Any thread; each is replaced as a whole."""
        self.tree = Tree.of(settings)
        self._priorities = Priorities.of(settings)
        self._reaction = settings.alarms.reaction

    def figures(self) -> dict[str, int]:
        """Counters since the start, and desks ``connected`` now."""
        return {**self._figures, "connected": len(self.connected)}

    async def run(self) -> None:
        """Until cancelled. While Redis is away, who was there last counts; while the store is, nothing is decided."""
        while True:
            await self._look_around()
            try:
                changes = await run_in_threadpool(self.step)
            except DBAPIError as error:
                self._figures["interruptions"] += 1
                log.warning("desks_wait_for_the_store", cause=type(error.orig).__name__)
                changes = []
            for change in changes:
                self._announce(change)
            await self._sleep(LOOK_S)

    async def _look_around(self) -> None:
        if not self.tree.desks:
            return
        now = self._clock()
        viewers = {viewer.account.id: viewer for viewer in self._viewers()}.values()
        here = [desk.id for desk in self.tree.desks.values() if any(is_member(desk, viewer) for viewer in viewers)]
        try:
            await self._bus.say_present(here, now)
            self.connected = await self._bus.present_since(now - GRACE_S)
        except BusAway:
            self._figures["interruptions"] += 1

    def manned(self) -> frozenset[str]:
        """Desks where somebody is connected, or has the shift."""
        held = {desk for desk, shift in self._shifts.all().items() if shift.holder is not None}
        return self.connected | held

    def step(self) -> list[AlarmChange]:
        """One look at what is due; the steps that were taken."""
        now = self._clock()
        back = [
            (row.id, row.version, Command(Do.UNSHELVE, "the shelf has ended"))
            for row in self._alarms.shelf_ended(now, BATCH)
        ]
        changes = self._take("unshelved", back, now)
        if not self.tree.desks:
            return changes
        new = self._alarms.unrouted(now - BACK_S, BATCH)
        overdue = self._alarms.overdue(now, BATCH)
        if new or overdue:
            manned = self.manned()
            changes += self._take("routed", self._routes(new, manned, now), now)
            changes += self._take("escalated", [self._escalate(row, manned, now) for row in overdue], now)
        return changes

    def _take(self, figure: str, wanted: list[tuple[str, int, Command]], now: float) -> list[AlarmChange]:
        taken = self._alarms.take_each(wanted, now) if wanted else []
        self._figures[figure] += len(taken)
        return taken

    def _routes(self, rows: list[EventRow], manned: frozenset[str], now: float) -> list[tuple[str, int, Command]]:
        """Each to its desk, with its priority and reaction clock; in a flood marked with its group."""
        desks = {row.id: desk.id for row in rows if (desk := self.tree.route(row.region_id, manned)) is not None}
        arrivals = [Arrival(row.id, desks[row.id], row.site_id, row.kind) for row in rows if row.id in desks]
        marks = grouped(arrivals, self._alarms.lately(now - WINDOW_S)) if arrivals else {}
        wanted = []
        for row in rows:
            priority = self._priorities.of_event(row)
            due_at = now + self._reaction.of(priority)
            command = Command(
                Do.ROUTE, desk=desks.get(row.id), priority=priority, due_at=due_at, flood=marks.get(row.id)
            )
            wanted.append((row.id, row.version, command))
        return wanted

    def _escalate(self, row: EventRow, manned: frozenset[str], now: float) -> tuple[str, int, Command]:
        """Up one; at the top the clock stops, and the alarm stays there as new."""
        above = self.tree.escalated(row.desk, row.region_id, manned)
        due_at = None if above is None else now + self._reaction.of(row.priority or row.severity)
        desk = row.desk if above is None else above.id
        return row.id, row.version, Command(Do.ESCALATE, "nobody acknowledged in time", desk=desk, due_at=due_at)
