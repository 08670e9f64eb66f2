"""The tables of situations: how events went on, which hits were merged into them, and what analysts corrected."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Float, Index, Integer, MetaData, String, Table, Text

from alerts.storage.database import Migration

PART = "situations"

metadata = MetaData()

situations = Table(
    "situations",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("measured", Float(53), nullable=False),
    Column("peak", Float(53), nullable=False),
    Column("hits", Integer, nullable=False),
    Column("ended_at", Float(53)),
    Column("late_s", Float(53)),
    Column("clock_suspect", Boolean, nullable=False),
    Column("merged_into", String(36)),
    Index("situations_by_merged", "merged_into"),
    Index("situations_by_at", "at"),
)

hits = Table(
    "situation_hits",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("split", Boolean, nullable=False),
    Column("data", Text, nullable=False),
    Index("situation_hits_by_event", "event_id", "id"),
)

corrections = Table(
    "situation_corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", String(16), nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("other_id", String(36), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", Text, nullable=False),
    Column("comment", Text),
    Column("undone_at", Float(53)),
    Column("undone_by", String(64)),
    Column("undone_by_name", Text),
    Index("situation_corrections_by_event", "event_id"),
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)
