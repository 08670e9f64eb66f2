"""Visits of the patrol, in a table of their own beside the events. Synchronous: called from the thread pool."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    case,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from alerts.storage.database import Migration, migrate, reading, writing
from dashboard.patrol.rotation import Visit
from dashboard.patrol.visits import Kept

PART = "patrol"

_metadata = MetaData()
_visits = Table(
    "patrol_visits",
    _metadata,
    Column("camera_id", String(64), primary_key=True),
    Column("at", Float(53), primary_key=True),
    Column("due", Integer, nullable=False),
    Column("slack_s", Float(53), nullable=False),
    # Holds all that a tally reads.
    Index("patrol_visits_by_time", "at", "camera_id", "due", "slack_s"),
)


def _first(connection: Connection) -> None:
    # Version 1 is the table above. Whoever changes it adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


class VisitLog:
    """``engine`` as the :class:`alerts.store.EventStore` has it. ``clock`` and times: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def migrate(self) -> int:
        """Make or bring up to date the table; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def add(self, visits: Iterable[Visit]) -> None:
        """Keep them, once each however often they are told."""
        rows = [visit.model_dump() for visit in visits]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(self._insert(_visits).on_conflict_do_nothing(), rows)

    def tally(self, since: float) -> dict[str, Kept]:
        """Visits at ``since`` or later, by camera; one without any is absent."""
        on_time = func.sum(case((_visits.c.slack_s >= 0, 1), else_=0))
        statement = (
            select(_visits.c.camera_id, func.sum(_visits.c.due), on_time, func.min(_visits.c.slack_s))
            .where(_visits.c.at >= since)
            .group_by(_visits.c.camera_id)
        )
        with reading(self._engine) as connection:
            return {camera: Kept(due, kept, least) for camera, due, kept, least in connection.execute(statement)}

    def first_at(self) -> float | None:
        """Of the oldest visit that is kept."""
        with reading(self._engine) as connection:
            return connection.execute(select(func.min(_visits.c.at))).scalar()

    def forget(self, before: float) -> int:
        """Remove what was before; returns how many."""
        with writing(self._engine) as connection:
            return connection.execute(delete(_visits).where(_visits.c.at < before)).rowcount
