"""Is there room and right to store: state folder, disk against retention, database."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from alerts import store
from alerts.storage import migrations
from alerts.storage.database import open_engine, reading
from configs.schema import Retention, Settings
from dashboard import accounts
from dashboard.access import tables
from xueliang.doctor.finding import Finding, Node, fault, ok, warning
from xueliang.surroundings import database_url

EVENTS_OF_A_CAMERA = 50
"""Events a day that room is reckoned for; a well-set camera makes fewer."""

BYTES_OF_A_PICTURE = 200_000
"""A snapshot: JPEG, at most 1280 pixels wide."""

BYTES_OF_AN_EVENT = 2_000
BYTES_OF_A_NODE = 2_000_000_000
"""Redis's append-only file before it is rewritten, logs, indexes."""

LEAST_FREE_BYTES = 500_000_000
FAR_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"})
"""SQLite's write-ahead log needs memory that all its processes share: one machine, one local disk."""

PARTS: Mapping[str, int] = {store.PART: len(migrations.MIGRATIONS), accounts.PART: len(tables.MIGRATIONS)}
"""Schema version of each part of the database that this release knows."""

_VERSIONS = "SELECT part, max(version) AS version FROM schema_versions GROUP BY part"
_ANSWER_S = 3.0


def folder(state_dir: Path, *, writable: bool, exists: bool, file_system: str | None, sqlite: bool) -> Finding:
    """Judge the state folder; where it does not exist yet, ``writable`` tells of the nearest folder above."""
    if not writable:
        remedy = f"make it writable for this account (chown, chmod), or set another state_dir: {state_dir}"
        return fault("state folder", f"{state_dir} cannot be {'written' if exists else 'made'}", remedy)
    if sqlite and file_system in FAR_FILE_SYSTEMS:
        told = f"{state_dir} is on {file_system}: SQLite would be corrupted there"
        return fault("state folder", told, "put state_dir on a local disk, or set DATABASE_URL to a PostgreSQL")
    return ok("state folder", f"{state_dir} can be written" + ("" if exists else "; made at the first start"))


def disk(free: int, cameras: int, retention: Retention) -> Finding:
    """Judge the free bytes of the state folder's disk by what retention lets pile up."""
    events = cameras * EVENTS_OF_A_CAMERA
    needed = BYTES_OF_A_NODE + events * (
        retention.snapshots_days * BYTES_OF_A_PICTURE + retention.events_days * BYTES_OF_AN_EVENT
    )
    told = f"{_size(free)} free; {cameras} cameras fill about {_size(needed)} within the retention"
    if free < LEAST_FREE_BYTES:
        return fault("disk", told, "free some space, or put state_dir on another disk")
    if free < needed:
        return warning("disk", told, "put state_dir on a larger disk, or lower retention.snapshots_days")
    return ok("disk", told)


def database(kind: str, found: Mapping[str, int] | None) -> Finding:
    """Judge the schema versions in a database that answers; ``None``: it holds nothing yet."""
    if not found:
        return ok("database", f"{kind}, still empty: its tables come at the first start")
    newer = {part: version for part, version in found.items() if version > PARTS.get(part, version)}
    if newer:
        told = ", ".join(f"{part} is at version {version}, known: {PARTS[part]}" for part, version in newer.items())
        return fault("database", f"{kind}, written by a newer release: {told}", "run that release, or restore a copy")
    told = ", ".join(f"{part} {version}" for part, version in sorted(found.items()))
    if any(found.get(part, 0) < version for part, version in PARTS.items()):
        return ok("database", f"{kind}, schema {told}: brought up to date at the next start")
    return ok("database", f"{kind}, schema {told}")


def look_at_folder(node: Node) -> list[Finding]:
    """See :func:`folder` and :func:`disk`. Makes nothing."""
    state_dir = node.settings.state_dir
    nearest = next(each for each in (state_dir, *state_dir.parents) if each.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    mounts = Path("/proc/self/mounts")
    kind = file_system(nearest.resolve(), mounts.read_text("utf-8", "replace")) if mounts.is_file() else None
    given = node.settings.database_url
    sqlite = given is None or given.get_secret_value().startswith("sqlite")
    return [
        folder(state_dir, writable=writable, exists=state_dir.exists(), file_system=kind, sqlite=sqlite),
        disk(shutil.disk_usage(nearest).free, len(node.settings.cameras), node.settings.retention),
    ]


def look_at_database(node: Node) -> list[Finding]:
    """See :func:`database`. Changes nothing and makes no file."""
    try:
        url = _address(node.settings)
        if url.drivername.startswith("sqlite"):
            return [_sqlite(Path(url.database or ""))]
        return [_postgresql(node.settings, url)]
    except (ArgumentError, ValueError):
        remedy = "want sqlite:////PATH or postgresql+pg8000://USER:PASSWORD@HOST/NAME"
        return [fault("database", "database_url is not an address of a database that is supported", remedy)]


def file_system(path: Path, mounts: str) -> str | None:
    """The kind of file system that holds ``path``, by the text of ``/proc/self/mounts``; later mounts cover earlier."""
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        at = Path(fields[1].replace("\\040", " "))
        if path.is_relative_to(at) and (best is None or len(at.parts) >= best[0]):
            best = (len(at.parts), fields[2])
    return None if best is None else best[1]


def _address(settings: Settings) -> URL:
    return make_url(database_url(settings).get_secret_value())


def _sqlite(file: Path) -> Finding:
    if not file.exists():
        return database("SQLite", None)
    try:
        connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=_ANSWER_S)
        try:
            made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone()
            found = dict(connection.execute(_VERSIONS).fetchall()) if made else None
        finally:
            connection.close()
    except sqlite3.Error as error:
        remedy = "restore it from a copy, or set another state_dir"
        return fault("database", f"{file} cannot be read as a database ({error})", remedy)
    return database("SQLite", found)


def _postgresql(settings: Settings, url: URL) -> Finding:
    remedy = "start the server, and correct DATABASE_URL: host, port, name, user, password"
    engine = open_engine(database_url(settings))
    if url.host:
        try:
            socket.create_connection((url.host, url.port or 5432), _ANSWER_S).close()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return fault("database", f"PostgreSQL does not answer at {url.host}:{url.port or 5432} ({reason})", remedy)
    try:
        with reading(engine) as connection:
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
            return database(f"PostgreSQL {version}", _versions(connection))
    except DBAPIError as error:
        return fault("database", f"PostgreSQL refuses the session ({_reason(error)})", remedy)
    finally:
        engine.dispose()


def _versions(connection: Connection) -> dict[str, int] | None:
    if not inspect(connection).has_table("schema_versions"):
        return None
    return {str(row.part): int(row.version) for row in connection.execute(text(_VERSIONS))}


def _reason(error: DBAPIError) -> str:
    """PostgreSQL's own message where there is one: it names user and database, never a password."""
    told = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(told["M"]) if isinstance(told, dict) and "M" in told else type(error.orig).__name__


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count < 1e11 else f"{count / 1e9:.0f} GB"
