"""How a database of any release comes to the tables of ``schema.py``. A migration once released is never changed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from alerts.storage.database import Migration


def _first(connection: Connection) -> None:
    """Events, who acknowledged them, repeats, and what retention removed: release 0.1."""
    then = MetaData()
    Table(
        "events",
        then,
        Column("id", String(36), primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("kind", String(32), nullable=False),
        Column("severity", String(16), nullable=False),
        Column("camera_id", String(64), nullable=False),
        Column("site_id", String(64), nullable=False),
        Column("region_id", String(64), nullable=False),
        Column("occurred_at", Float(53), nullable=False),
        Column("quarter", Integer, nullable=False),
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
    Table(
        "alarms",
        then,
        Column("event_id", String(36), primary_key=True),
        Column("state", String(16), nullable=False),
        Column("by", String(64), nullable=False),
        Column("by_name", Text, nullable=False),
        Column("at", Float(53), nullable=False),
        Column("comment", Text),
    )
    Table(
        "repeats",
        then,
        Column("event_id", String(36), primary_key=True),
        Column("repeats", Integer, nullable=False),
    )
    Table(
        "purged",
        then,
        Column("id", Integer, primary_key=True),
        Column("first_position", BigInteger, nullable=False),
        Column("last_position", BigInteger, nullable=False),
        Column("events", Integer, nullable=False),
        Index("purged_by_position", "last_position"),
    )
    then.create_all(connection)


_LIFE = (
    "ALTER TABLE events ADD COLUMN state VARCHAR(16) DEFAULT 'new' NOT NULL",
    "UPDATE events SET state = 'acknowledged' WHERE acknowledged",
    "DROP INDEX events_by_acknowledged",
    "ALTER TABLE events DROP COLUMN acknowledged",
    "CREATE INDEX events_by_state ON events (state, occurred_at, id)",
    "ALTER TABLE alarms RENAME TO alarms_before",
    """CREATE TABLE alarms (
        event_id VARCHAR(36) PRIMARY KEY, state VARCHAR(16) NOT NULL, version INTEGER NOT NULL,
        acknowledged_by VARCHAR(64), acknowledged_by_name TEXT, acknowledged_at DOUBLE PRECISION, comment TEXT,
        owner VARCHAR(64), owner_name TEXT, shelved_until DOUBLE PRECISION, shelved_from VARCHAR(16),
        closing VARCHAR(16), returned_at DOUBLE PRECISION, desk VARCHAR(64), priority VARCHAR(16),
        due_at DOUBLE PRECISION,
        escalations INTEGER NOT NULL)""",
    "CREATE INDEX alarms_by_shelf ON alarms (shelved_until)",
    "CREATE INDEX alarms_by_due ON alarms (due_at)",
    "CREATE INDEX alarms_by_desk ON alarms (desk, state)",
    """CREATE TABLE alarm_steps (
        event_id VARCHAR(36) NOT NULL, version INTEGER NOT NULL, "at" DOUBLE PRECISION NOT NULL,
        "by" VARCHAR(64) NOT NULL, by_name TEXT NOT NULL, command VARCHAR(16) NOT NULL, "before" VARCHAR(16) NOT NULL,
        "after" VARCHAR(16) NOT NULL, comment TEXT, "until" DOUBLE PRECISION, closing VARCHAR(16), desk VARCHAR(64),
        owner VARCHAR(64), PRIMARY KEY (event_id, version))""",
    """CREATE TABLE shifts (
        desk VARCHAR(64) PRIMARY KEY, holder VARCHAR(64), holder_name TEXT, since DOUBLE PRECISION,
        offered_at DOUBLE PRECISION, note TEXT)""",
    """INSERT INTO alarms
        (event_id, state, version, acknowledged_by, acknowledged_by_name, acknowledged_at, comment, escalations)
        SELECT event_id, 'acknowledged', 1, "by", by_name, "at", comment, 0 FROM alarms_before""",
    """INSERT INTO alarm_steps (event_id, version, "at", "by", by_name, command, "before", "after", comment)
        SELECT event_id, 1, "at", "by", by_name, 'acknowledge', 'new', 'acknowledged', comment FROM alarms_before""",
    "DROP TABLE alarms_before",
)


def _second(connection: Connection) -> None:
    """An alarm has a life (``alerts/alarms/life.py``): who had acknowledged it keeps that as its first step."""
    for statement in _LIFE:
        connection.execute(text(statement))


def _third(connection: Connection) -> None:
    """Alarms that came in a flood are marked with their group."""
    connection.execute(text("ALTER TABLE alarms ADD COLUMN flood VARCHAR(36)"))
    connection.execute(text("CREATE INDEX alarms_by_flood ON alarms (flood)"))


MIGRATIONS: tuple[Migration, ...] = (_first, _second, _third)
