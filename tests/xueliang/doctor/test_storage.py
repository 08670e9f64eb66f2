"""State folder, disk and database: judged, and never changed by being looked at."""

from __future__ import annotations

import socket
import sqlite3
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.storage.database import open_engine
from alerts.store import EventStore
from configs.schema import Retention, Settings
from dashboard.accounts import AccountStore
from xueliang.doctor import storage
from xueliang.doctor.finding import Finding, Level, Node
from xueliang.surroundings import database_url

PASSWORD = "a-db-password"


def node(**changes: object) -> Node:
    return Node(Settings.model_validate(changes), {}, Path("/nowhere"))


def look(settings: Node) -> Finding:
    (found,) = storage.look_at_database(settings)
    return found


@pytest.fixture
def migrated(tmp_path: Path) -> Node:
    """A node whose SQLite database was made by this release."""
    made = node(state_dir=tmp_path)
    engine = open_engine(database_url(made.settings))
    EventStore(engine).migrate()
    AccountStore(engine, time.time).migrate()
    engine.dispose()
    return made


@pytest.mark.parametrize(
    ("free", "cameras", "level"),
    [
        pytest.param(50_000_000_000, 24, Level.OK, id="room for a county"),
        pytest.param(5_000_000_000, 24, Level.WARNING, id="full before retention removes anything"),
        pytest.param(100_000_000, 0, Level.FAULT, id="no room at all"),
    ],
)
def test_free_space_is_judged_by_the_retention(free: int, cameras: int, level: Level) -> None:
    assert storage.disk(free, cameras, Retention()).level is level


def test_more_days_of_pictures_need_more_space() -> None:
    free = 20_000_000_000
    assert storage.disk(free, 24, Retention(snapshots_days=30)).level is Level.OK
    assert storage.disk(free, 24, Retention(snapshots_days=365)).level is Level.WARNING


def test_sqlite_on_a_network_disk_is_a_fault_and_postgresql_is_not() -> None:
    mounts = "/dev/vda / ext4 rw 0 0\nserver:/x /srv/state nfs4 rw 0 0\n"
    kind = storage.file_system(Path("/srv/state/xueliang"), mounts)
    assert kind == "nfs4"
    assert storage.file_system(Path("/srv/other"), mounts) == "ext4"
    folder = Path("/srv/state/xueliang")
    bad = storage.folder(folder, writable=True, exists=True, file_system=kind, sqlite=True)
    good = storage.folder(folder, writable=True, exists=True, file_system=kind, sqlite=False)
    assert (bad.level, good.level) == (Level.FAULT, Level.OK)


def test_a_state_folder_below_a_file_is_a_fault_and_a_new_one_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    below = storage.look_at_folder(node(state_dir=tmp_path / "file" / "state"))[0]
    assert below.level is Level.FAULT
    assert below.action is not None
    assert storage.look_at_folder(node(state_dir=tmp_path / "new" / "state"))[0].level is Level.OK
    assert not (tmp_path / "new").exists()


def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = look(node(state_dir=tmp_path))
    assert (found.level, "still empty" in found.text) == (Level.OK, True)
    assert list(tmp_path.iterdir()) == []


def test_the_schema_of_this_release_is_good(migrated: Node) -> None:
    found = look(migrated)
    assert found.level is Level.OK
    assert "alerts" in found.text


def test_a_database_of_a_newer_release_is_a_fault(migrated: Node) -> None:
    with sqlite3.connect(migrated.settings.state_dir / "xueliang.db") as connection:
        connection.execute("INSERT INTO schema_versions (part, version, applied_at) VALUES ('accounts', 99, 0)")
    connection.close()
    found = look(migrated)
    assert found.level is Level.FAULT
    assert "accounts is at version 99" in found.text


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "xueliang.db").write_text("not a database, but long enough to be looked into" * 50)
    assert look(node(state_dir=tmp_path)).level is Level.FAULT


def test_a_postgresql_that_does_not_answer_is_told_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = SecretStr(f"postgresql+pg8000://user:{PASSWORD}@127.0.0.1:{port}/xueliang")
    found = look(node(database_url=url))
    assert found.level is Level.FAULT
    assert f"127.0.0.1:{port}" in found.text
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize("url", [f"mysql://user:{PASSWORD}@host/x", f"no address {PASSWORD}"])
def test_an_address_of_no_database_is_told_without_its_password(url: str, tmp_path: Path) -> None:
    settings = node(database_url=SecretStr(url), state_dir=tmp_path)
    found = look(settings)
    assert found.level is Level.FAULT
    assert PASSWORD not in repr(found)
    assert storage.look_at_folder(settings)[0].level is Level.OK
