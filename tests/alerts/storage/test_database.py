"""Opening and migrating databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import SchemaTooNew, migrate, open_engine, reading, refuses, writing


def make_table(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE things (name VARCHAR(4) PRIMARY KEY)"))


def add_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE things ADD COLUMN weight INTEGER"))


def fail(_: Connection) -> None:
    raise RuntimeError("half way")


def test_migrations_run_once_and_in_order(database_url: str) -> None:
    engine = open_engine(database_url)
    assert migrate(engine, "things", [make_table]) == 1
    assert migrate(engine, "things", [make_table, add_column]) == 1
    assert migrate(engine, "things", [make_table, add_column]) == 0
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO things (name, weight) VALUES ('a', 1)"))
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    engine = open_engine(database_url)
    with pytest.raises(RuntimeError, match="half way"):
        migrate(engine, "things", [make_table, fail])
    assert migrate(engine, "things", [make_table]) == 1
    engine.dispose()


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    engines = [open_engine(database_url) for _ in range(4)]
    together = threading.Barrier(len(engines))

    def start(index: int) -> int:
        together.wait(60)
        return migrate(engines[index], "things", [make_table, add_column])

    with ThreadPoolExecutor(len(engines)) as pool:
        assert sorted(pool.map(start, range(len(engines)))) == [0, 0, 0, 2]
    for engine in engines:
        engine.dispose()


def test_a_database_of_a_newer_release_is_not_touched(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine, "things", [make_table, add_column])
    with pytest.raises(SchemaTooNew, match="version 2 of 'things' and this release knows 1"):
        migrate(engine, "things", [make_table])
    engine.dispose()


def test_values_never_taken_are_told_from_a_failure(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine, "things", [make_table])
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO things (name) VALUES ('a')"))
    with pytest.raises(DBAPIError) as twice, writing(engine) as connection:
        connection.execute(text("INSERT INTO things (name) VALUES ('a')"))
    assert refuses(twice.value)
    with pytest.raises(DBAPIError) as missing, reading(engine) as connection:
        connection.execute(text("SELECT * FROM nothing"))
    assert not refuses(missing.value)
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["mysql://user:secret@host/db", "not an address secret", "postgresql://u:secret@host:port/db"]
)
def test_an_address_that_is_none_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="database_url") as refused:
        open_engine(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_sqlite_keeps_what_was_committed(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    engine.dispose()
