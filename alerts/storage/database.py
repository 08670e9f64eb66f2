"""The database: SQLite by default, PostgreSQL for real sites, and ordered migrations for the parts that keep tables.

SQLite runs in WAL mode with ``synchronous=FULL``: a commit is on the disk before it returns, so neither a kill nor a
power cut loses what was confirmed. (``NORMAL`` would survive the kill and lose the last commits to a power cut; the
store commits in batches, so the flush costs little.) A writer takes the lock when its transaction begins and waits for
up to ``BUSY_S``; readers never wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_S = 5.0
MIGRATION_LOCK = 0x786C
"""Key of the advisory lock that lets one process migrate a PostgreSQL database at a time."""

Migration = Callable[[Connection], None]

_versions = Table(
    "schema_versions",
    MetaData(),
    Column("part", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("applied_at", Float(53), nullable=False),
)


class SchemaTooNew(RuntimeError):
    """The database was written by a newer release."""


def open_engine(url: SecretStr | str) -> Engine:
    """An engine for ``sqlite:////path/file.db`` or ``postgresql+pg8000://...``; connects at first use.

    ``postgresql://`` means pg8000 too. Raises ``ValueError``, without the URL, for anything else.
    """
    secret = url.get_secret_value() if isinstance(url, SecretStr) else url
    try:
        parsed = make_url(secret)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+pg8000")
    except (ArgumentError, ValueError):
        raise ValueError("database_url: not an address of a database; want sqlite:// or postgresql://") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql+pg8000":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    raise ValueError(f"database_url: {parsed.drivername} is not supported; want sqlite:// or postgresql://")


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # sqlite3's own handling of transactions begins them late and never IMMEDIATE: _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end of the block, rolled back on an exception."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads; its queries see one state (SQLite) or each the newest (PostgreSQL)."""
    with engine.connect() as connection:
        yield connection


def refuses(error: DBAPIError) -> bool:
    """Whether the database will never take these values, so that another try is no use.

    pg8000 tells its errors apart by their SQLSTATE alone (PostgreSQL's documentation, appendix A): class 22 is a data
    exception, 23 an integrity violation.
    """
    if isinstance(error, DataError | IntegrityError):
        return True
    told = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return isinstance(told, dict) and str(told.get("C", ""))[:2] in ("22", "23")


def migrate(engine: Engine, part: str, migrations: Sequence[Migration], clock: Callable[[], float] = time.time) -> int:
    """Bring the tables of ``part`` to ``len(migrations)``: run those that were not run, in order, in one transaction.

    A migration once released is never changed. Several processes may call this at once. Returns how many ran; raises
    :class:`SchemaTooNew` where the database is ahead.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        _versions.create(connection, checkfirst=True)
        newest = select(func.max(_versions.c.version)).where(_versions.c.part == part)
        done = connection.execute(newest).scalar() or 0
        if done > len(migrations):
            raise SchemaTooNew(
                f"the database has version {done} of {part!r} and this release knows {len(migrations)}: "
                "run the newer release, or restore the copy from before it"
            )
        for version, migration in enumerate(migrations[done:], start=done + 1):
            migration(connection)
            connection.execute(insert(_versions).values(part=part, version=version, applied_at=clock()))
        return len(migrations) - done
