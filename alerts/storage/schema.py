"""The tables of the event store, and their migrations.

Every index ends with the order in which pages are read (time, id), so that a filter's index always serves the order
too and SQLite's planner has no reason to walk the time index past all that does not match.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Connection, Float, Index, Integer, MetaData, String, Table, Text

from alerts.storage.database import Migration

metadata = MetaData()

QUARTER_S = 900
"""Histograms count by quarters of an hour, of which every time zone's hours and days are made."""

events = Table(
    "events",
    metadata,
    Column("id", String(36), primary_key=True),
    # The stream id as one number, ms << 20 | sequence: order of arrival on the bus.
    Column("position", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("camera_id", String(64), nullable=False),
    Column("site_id", String(64), nullable=False),
    Column("region_id", String(64), nullable=False),
    Column("occurred_at", Float(53), nullable=False),
    Column("quarter", Integer, nullable=False),
    # Stands in `alarms` too; here it serves the filter.
    Column("acknowledged", Boolean, nullable=False),
    Column("picture_kept", Boolean, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_time", "occurred_at", "id", "quarter", "kind"),
    Index("events_by_position", "position"),
    *(
        Index(f"events_by_{column}", column, "occurred_at", "id")
        for column in ("kind", "severity", "camera_id", "site_id", "region_id", "acknowledged")
    ),
)

alarms = Table(
    "alarms",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("comment", Text),
)

repeats = Table(
    "repeats",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("repeats", Integer, nullable=False),
)

purged = Table(
    "purged",
    metadata,
    # What retention removed, by range of positions: a reader with an old cursor is told how much is gone.
    Column("id", Integer, primary_key=True),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Index("purged_by_position", "last_position"),
)


def _first(connection: Connection) -> None:
    # The tables above are version 1. Whoever changes one adds a migration that alters it, and spells out here what
    # version 1 was.
    metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)
