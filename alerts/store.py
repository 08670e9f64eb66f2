"""The event store: what happened. One code for SQLite and PostgreSQL. What people do about it stands in the same
database, in the hands of :mod:`alerts.alarms.store`.

Synchronous; safe to use from several threads and processes. Every method is one transaction (:meth:`EventStore.purge`:
one a chunk). Failures are SQLAlchemy's, and ``sqlalchemy.exc.OperationalError`` is worth another try. A stream id is
Redis' ``ms-seq``.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Select, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alerts.alarms.life import AlarmState
from alerts.event import Event, EventKind
from alerts.records import (
    EventFilter,
    EventPage,
    EventRow,
    HistogramBucket,
    Purged,
    Totals,
)
from alerts.storage import situations
from alerts.storage.database import migrate, reading, writing
from alerts.storage.migrations import MIGRATIONS
from alerts.storage.queries import (
    bucket_starts,
    conditions,
    cursor_of,
    page_query,
    parts,
    position_of,
    row_of,
    rows_query,
    stream_id_of,
)
from alerts.storage.schema import QUARTER_S, alarm_steps, alarms, events, purged, repeats

PART = "alerts"
PURGE_CHUNK = 1000
"""Events removed in one transaction, so that nobody waits long for the lock."""


class UnknownEvent(LookupError):
    """The store has no such event: it is past retention, or its entry has not come through the historian yet."""


class EventStore:
    """``engine`` comes from :func:`alerts.storage.database.open_engine`; the caller disposes of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    @property
    def engine(self) -> Engine:
        """The database, for what else lives in it."""
        return self._engine

    def migrate(self, clock: Callable[[], float] = time.time) -> int:
        """Make or bring up to date the tables; every process calls it before anything else. Returns migrations run."""
        done = migrate(self._engine, PART, MIGRATIONS, clock)
        return done + migrate(self._engine, situations.PART, situations.MIGRATIONS, clock)

    def append(self, entries: Sequence[tuple[str, Event]], ordered_at: Mapping[str, float] | None = None) -> int:
        """Store events with their stream ids; an event that is there already stays as it is. Returns how many are new.

        ``ordered_at`` says by event id where one stands in the order whose own time is wrong (UTC epoch seconds), so
        that a clock that is wrong puts nothing at the top of the list for ever. The event keeps what it was told.
        Where the database refuses one (:func:`alerts.storage.database.refuses`), none is stored.
        """
        places = ordered_at or {}
        fresh = {
            event.id: _columns(stream_id, event, places.get(event.id, event.occurred_at))
            for stream_id, event in reversed(entries)
        }
        if not fresh:
            return 0
        with writing(self._engine) as connection:
            known = connection.scalars(select(events.c.id).where(events.c.id.in_(fresh))).all()
            for event_id in known:
                del fresh[event_id]
            if fresh:
                connection.execute(self._insert(events).on_conflict_do_nothing(), list(reversed(fresh.values())))
        return len(fresh)

    def get(self, event_id: str) -> EventRow:
        """One event. Raises :class:`UnknownEvent`."""
        with reading(self._engine) as connection:
            found = connection.execute(rows_query().where(events.c.id == event_id)).one_or_none()
        if found is None:
            raise UnknownEvent(event_id)
        return row_of(found)

    def query(self, wanted: EventFilter, cursor: str | None = None, limit: int = 100) -> EventPage:
        """A page, newest first. Raises :class:`alerts.storage.queries.BadCursor`."""
        with reading(self._engine) as connection:
            found = connection.execute(page_query(wanted, cursor, limit + 1)).all()
        more, found = len(found) > limit, found[:limit]
        next_cursor = cursor_of(found[-1].ordered_at, found[-1].id) if more and found else None
        return EventPage(rows=tuple(row_of(each) for each in found), next_cursor=next_cursor)

    def count(self, wanted: EventFilter, at_most: int | None = None) -> int:
        """How many events the filter matches; counting ends at ``at_most``."""
        matching = select(events.c.id).where(*conditions(wanted))
        with reading(self._engine) as connection:
            number: int = connection.execute(_count_of(matching.limit(at_most))).scalar_one()
            if wanted.whole:
                number -= connection.execute(_count_of(matching.where(parts()))).scalar_one()
        return number

    def histogram(self, wanted: EventFilter, bucket: Literal["hour", "day"], zone: ZoneInfo) -> list[HistogramBucket]:
        """Counts by bucket of local time and kind, empty buckets included. The filter must set ``since`` and ``until``,
        and the first and last bucket count only what lies between; raises ``ValueError`` otherwise, and for more
        buckets than anyone can look at.
        """
        if wanted.since is None or wanted.until is None:
            raise ValueError("histogram: want both since and until")
        starts = bucket_starts(wanted.since, wanted.until, bucket, zone)
        counted: list[dict[EventKind, int]] = [{} for _ in starts]
        statement = (
            select(events.c.quarter, events.c.kind, func.count().label("events"))
            .where(*conditions(wanted))
            .group_by(events.c.quarter, events.c.kind)
        )
        with reading(self._engine) as connection:
            found = [(1, row) for row in connection.execute(statement)]
            if wanted.whole:
                found += [(-1, row) for row in connection.execute(statement.where(parts()))]
        for sign, (quarter, kind, number) in found:
            counts = counted[bisect_right(starts, quarter * QUARTER_S) - 1]
            counts[kind] = counts.get(kind, 0) + sign * number
        return [HistogramBucket(start=start, counts=counts) for start, counts in zip(starts, counted, strict=True)]

    def after_stream_id(self, stream_id: str, limit: int) -> list[EventRow]:
        """What arrived on the bus after this entry, in order. Raises :class:`alerts.storage.queries.BadCursor`."""
        statement = (
            rows_query()
            .where(events.c.position > position_of(stream_id))
            .order_by(events.c.position, events.c.id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [row_of(found) for found in connection.execute(statement)]

    def count_after(self, stream_id: str) -> int:
        """How many stored events arrived after this entry. Raises :class:`alerts.storage.queries.BadCursor`."""
        later = select(func.count()).where(events.c.position > position_of(stream_id))
        with reading(self._engine) as connection:
            return connection.execute(later).scalar_one()

    def gone_after(self, stream_id: str) -> int:
        """How many events that arrived after this entry are past retention (at most; exact to a purge's chunk)."""
        later = select(func.sum(purged.c.events)).where(purged.c.last_position > position_of(stream_id))
        with reading(self._engine) as connection:
            return int(connection.execute(later).scalar() or 0)

    def last_stream_id(self) -> str | None:
        """The newest stored entry; ``None`` in an empty store."""
        with reading(self._engine) as connection:
            position = connection.execute(select(func.max(events.c.position))).scalar()
        return None if position is None else stream_id_of(position)

    def set_repeats(self, counts: Mapping[str, int]) -> None:
        """Set how many repeats were merged into each event; a count never falls."""
        if not counts:
            return
        statement: Any = self._insert(repeats)
        statement = statement.on_conflict_do_update(
            index_elements=[repeats.c.event_id],
            set_={"repeats": statement.excluded.repeats},
            where=repeats.c.repeats < statement.excluded.repeats,
        )
        rows = [{"event_id": event_id, "repeats": number} for event_id, number in counts.items()]
        with writing(self._engine) as connection:
            connection.execute(statement, rows)

    def forget_pictures(self, before: float) -> int:
        """Say of events that occurred before (UTC epoch seconds) that their picture is gone; returns of how many."""
        old = update(events).where(events.c.occurred_at < before, events.c.picture_kept.is_(True))
        with writing(self._engine) as connection:
            return connection.execute(old.values(picture_kept=False)).rowcount

    def purge(self, before: float) -> Purged:
        """Remove events that occurred before (UTC epoch seconds), with their alarms and repeats; counts each."""
        removed = Purged()
        while (chunk := self._purge_chunk(before)).events:
            removed = Purged(
                events=removed.events + chunk.events,
                alarms=removed.alarms + chunk.alarms,
                repeats=removed.repeats + chunk.repeats,
            )
        return removed

    def totals(self) -> Totals:
        """What the store holds."""
        whole = select(func.count(), func.min(events.c.occurred_at), func.max(events.c.occurred_at))
        untouched = select(func.count()).where(events.c.state == AlarmState.NEW.value)
        with reading(self._engine) as connection:
            number, oldest, newest = connection.execute(whole).one()
            new = connection.execute(untouched).scalar_one()
        return Totals(events=number, new=new, oldest_at=oldest, newest_at=newest)

    def _purge_chunk(self, before: float) -> Purged:
        oldest = (
            select(events.c.id, events.c.position)
            .where(events.c.occurred_at < before)
            .order_by(events.c.occurred_at, events.c.id)
            .limit(PURGE_CHUNK)
        )
        with writing(self._engine) as connection:
            found = connection.execute(oldest).all()
            if not found:
                return Purged()
            ids, positions = [row.id for row in found], [row.position for row in found]
            counts = [
                connection.execute(delete(table).where(column.in_(ids))).rowcount
                for table, column in ((events, events.c.id), (alarms, alarms.c.event_id), (repeats, repeats.c.event_id))
            ]
            connection.execute(delete(alarm_steps).where(alarm_steps.c.event_id.in_(ids)))
            ledger = {"first_position": min(positions), "last_position": max(positions), "events": counts[0]}
            connection.execute(insert(purged).values(ledger))
        return Purged(events=counts[0], alarms=counts[1], repeats=counts[2])


def _count_of(matching: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(matching.subquery())


def _columns(stream_id: str, event: Event, occurred_at: float) -> dict[str, Any]:
    return {
        "id": event.id,
        "position": position_of(stream_id),
        "kind": event.kind,
        "severity": event.severity.value,
        "camera_id": event.camera_id,
        "site_id": event.site_id,
        "region_id": event.region_id,
        "occurred_at": occurred_at,
        "quarter": int(occurred_at // QUARTER_S),
        "state": AlarmState.NEW.value,
        "picture_kept": event.snapshot is not None,
        "data": event.model_dump_json(),
    }
