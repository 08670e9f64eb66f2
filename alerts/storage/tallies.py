"""Counts over stored events for whoever looks at many regions at once. One code for SQLite and PostgreSQL.

What a call reads is bounded: hours by a span of time, over an index that holds all it needs; what is open or closed by
the newest ``SCANNED`` of each state. Failures are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, Integer, cast, func, select

from alerts.alarms.life import AlarmState, Closing
from alerts.storage.database import reading
from alerts.storage.schema import alarms, events
from configs.schema import Severity

SCANNED = 10_000
"""Alarms of one state that are looked at, the newest first."""

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class OpenCount:
    """Open alarms (:func:`alerts.alarms.life.still_open`) of one place, urgency and state."""

    region_id: str
    site_id: str
    urgency: Severity
    state: AlarmState
    alarms: int


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """``complete``: no state holds more alarms than were looked at."""

    counts: tuple[OpenCount, ...]
    complete: bool


HourCounts = dict[tuple[str, int], int]
"""Events by region and hour: UTC epoch seconds, shifted by what zones lie off the full hour, in whole hours."""


class Tallies:
    """``engine`` as the :class:`alerts.store.EventStore` has it, which also migrates the tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hours(self, regions: Collection[str], since: float, shift_s: int) -> HourCounts:
        """Events since then (UTC epoch seconds) in these regions; an hour without any is absent."""
        hour = (events.c.occurred_at + shift_s) / HOUR_S
        # A cast cuts off in SQLite and rounds in PostgreSQL; SQLite has no floor() everywhere.
        whole = cast(hour if self._engine.dialect.name == "sqlite" else func.floor(hour), Integer).label("hour")
        statement = (
            select(events.c.region_id, whole, func.count().label("events"))
            .where(events.c.region_id.in_(list(regions)), events.c.occurred_at >= since)
            .group_by(events.c.region_id, "hour")
        )
        with reading(self._engine) as connection:
            return {(region, hour): number for region, hour, number in connection.execute(statement)}

    def oldest_at(self) -> float | None:
        """When the oldest stored event occurred, UTC epoch seconds; ``None`` in an empty store."""
        with reading(self._engine) as connection:
            return connection.execute(select(func.min(events.c.occurred_at))).scalar()

    def open_alarms(self) -> OpenCounts:
        """Open alarms by place, urgency and state."""
        counts: list[OpenCount] = []
        complete = True
        for state in AlarmState:
            if state is AlarmState.CLOSED:
                continue
            newest = (
                select(events.c.id, events.c.region_id, events.c.site_id, events.c.severity)
                .where(events.c.state == state.value)
                .order_by(events.c.occurred_at.desc(), events.c.id.desc())
                .limit(SCANNED)
                .subquery()
            )
            urgency = func.coalesce(alarms.c.priority, newest.c.severity).label("urgency")
            over = alarms.c.returned_at.is_not(None).label("over")
            statement = (
                select(newest.c.region_id, newest.c.site_id, urgency, over, func.count().label("alarms"))
                .select_from(newest.outerjoin(alarms, alarms.c.event_id == newest.c.id))
                .group_by(newest.c.region_id, newest.c.site_id, urgency, over)
            )
            with reading(self._engine) as connection:
                found = connection.execute(statement).all()
            complete &= sum(row.alarms for row in found) < SCANNED
            # Acknowledged and over: nothing is left to do.
            counts += [
                OpenCount(row.region_id, row.site_id, Severity(row.urgency), state, row.alarms)
                for row in found
                if not (state is AlarmState.ACKNOWLEDGED and row.over)
            ]
        return OpenCounts(tuple(counts), complete)

    def closings(self, since: float) -> dict[tuple[str, Closing], int]:
        """What alarms that occurred since then (UTC epoch seconds) turned out to be, by region."""
        newest = (
            select(events.c.id, events.c.region_id)
            .where(events.c.state == AlarmState.CLOSED.value, events.c.occurred_at >= since)
            .order_by(events.c.occurred_at.desc(), events.c.id.desc())
            .limit(SCANNED)
            .subquery()
        )
        statement = (
            select(newest.c.region_id, alarms.c.closing, func.count())
            .select_from(newest.join(alarms, alarms.c.event_id == newest.c.id))
            .where(alarms.c.closing.is_not(None))
            .group_by(newest.c.region_id, alarms.c.closing)
        )
        with reading(self._engine) as connection:
            return {(region, Closing(word)): number for region, word, number in connection.execute(statement)}
