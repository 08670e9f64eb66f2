"""Tables of accounts, sessions and the audit log, in the same database as the events."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

from alerts.storage.database import Migration

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("display_name", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("regions", Text, nullable=False),  # JSON list of region ids
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Float(53), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # SHA-256 of the cookie's value, hexadecimal
    Column("account_id", String(36), ForeignKey("accounts.id"), nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("seen_at", Float(53), nullable=False),
    Column("address", String(64), nullable=False),
    Index("sessions_account", "account_id"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("action", String(32), nullable=False),
    Column("username", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("target", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_at", "at"),
)


def _first(connection: Connection) -> None:
    # The tables above are version 1. Whoever changes one adds a migration, and spells out here what version 1 was.
    metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)
