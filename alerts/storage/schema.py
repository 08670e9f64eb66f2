"""The tables of the event store as they are now; how older databases come to them stands in ``migrations.py``.

Every index ends with the order in which pages are read (time, id), so that a filter's index always serves the order
too and SQLite's planner has no reason to walk the time index past all that does not match.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

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
    Column("state", String(16), nullable=False, server_default="new"),
    Column("picture_kept", Boolean, nullable=False),
    Column("data", Text, nullable=False),
    Index("events_by_time", "occurred_at", "id", "quarter", "kind"),
    Index("events_by_position", "position"),
    *(
        Index(f"events_by_{column}", column, "occurred_at", "id")
        for column in ("kind", "severity", "camera_id", "site_id", "region_id", "state")
    ),
)

# Where an alarm stands: a row from the first step on. The columns are the fields of `alerts.alarms.life.Standing`.
alarms = Table(
    "alarms",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("acknowledged_by", String(64)),
    Column("acknowledged_by_name", Text),
    Column("acknowledged_at", Float(53)),
    Column("comment", Text),
    Column("owner", String(64)),
    Column("owner_name", Text),
    Column("shelved_until", Float(53)),
    Column("shelved_from", String(16)),
    Column("closing", String(16)),
    Column("returned_at", Float(53)),
    Column("desk", String(64)),
    Column("priority", String(16)),
    Column("due_at", Float(53)),
    Column("escalations", Integer, nullable=False),
    Column("flood", String(36)),
    Index("alarms_by_shelf", "shelved_until"),
    Index("alarms_by_due", "due_at"),
    Index("alarms_by_desk", "desk", "state"),
    Index("alarms_by_flood", "flood"),
)

# The history of every alarm, comments included: only ever added to.
alarm_steps = Table(
    "alarm_steps",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", Text, nullable=False),
    Column("command", String(16), nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("comment", Text),
    Column("until", Float(53)),
    Column("closing", String(16)),
    Column("desk", String(64)),
    Column("owner", String(64)),
)

# Who has the shift at a desk.
shifts = Table(
    "shifts",
    metadata,
    Column("desk", String(64), primary_key=True),
    Column("holder", String(64)),
    Column("holder_name", Text),
    Column("since", Float(53)),
    Column("offered_at", Float(53)),
    Column("note", Text),
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
