"""The clips of events, or why there is none, in a table of their own beside the events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    MetaData,
    String,
    Table,
    Text,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from alerts.recording.evidence import PAST, Evidence
from alerts.storage.database import Migration, migrate, reading, writing

PART = "evidence"
_metadata = MetaData()
_evidence = Table(
    "evidence",
    _metadata,
    Column("event_id", String(36), primary_key=True),
    Column("stored_at", Float(53), nullable=False),
    Column("camera_id", String(64), nullable=False),
    Column("path", Text),
    Column("sha256", String(64)),
    Column("begins_at", Float(53)),
    Column("ends_at", Float(53)),
    Column("bytes", BigInteger, nullable=False),
    Column("missing", String(64)),
    Index("evidence_by_time", "stored_at"),
)


def _first(connection: Connection) -> None:
    # Version 1 is the table above. Whoever changes it adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


class EvidenceStore:
    """Like :class:`alerts.store.EventStore`, in the same database. ``clock``: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def migrate(self) -> int:
        """Make or bring up to date the table; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def append(self, found: Sequence[Evidence]) -> None:
        """Store what is told of clips, as often as it is told; that there is none replaces one that is there only
        where it was removed (:data:`~alerts.recording.evidence.PAST`)."""
        if not found:
            return
        now = self._clock()
        with writing(self._engine) as connection:
            for each in found:
                row = {**each.model_dump(exclude={"v"}), "stored_at": now}
                kept = {name: value for name, value in row.items() if name not in ("event_id", "stored_at")}
                statement = self._insert(_evidence).values(row)
                connection.execute(
                    statement.on_conflict_do_update(
                        index_elements=[_evidence.c.event_id],
                        set_=kept,
                        where=None if each.path is not None or each.missing == PAST else _evidence.c.path.is_(None),
                    )
                )

    def get(self, event_id: str) -> Evidence | None:
        """Of one event; ``None`` where nothing was told of it, yet or ever."""
        columns = [column for column in _evidence.c if column.name != "stored_at"]
        with reading(self._engine) as connection:
            row = connection.execute(select(*columns).where(_evidence.c.event_id == event_id)).one_or_none()
        return None if row is None else Evidence.model_validate(row._asdict())

    def forget(self, clips_before: float, rows_before: float) -> None:
        """Clips that began before ``clips_before`` are gone, and rows stored before ``rows_before``; UTC epoch s."""
        with writing(self._engine) as connection:
            gone = update(_evidence).where(_evidence.c.path.is_not(None), _evidence.c.begins_at < clips_before)
            connection.execute(gone.values(path=None, sha256=None, bytes=0, missing=PAST))
            connection.execute(delete(_evidence).where(_evidence.c.stored_at < rows_before))
