"""What must be true before anything is started; each fault is one line that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pydantic import SecretStr
from redis import AuthenticationError, RedisError

from alerts.delivery.connection import connect

LEFT_BEHIND_S = 10.0
"""What a killed node left behind is given so long to end: each of its processes was told to when it died."""


class CannotStart(Exception):
    """The node cannot start. ``str()`` is one line for a terminal: what, where, what to do."""


def check_port(host: str, port: int) -> None:
    """Raise :class:`CannotStart` if the dashboard could not listen there."""
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = f"port {port} on {host} is taken: stop what listens there, or set another (listen.port, PORT)"
            elif error.errno == errno.EACCES:
                message = f"port {port} needs root: use one above 1023 (listen.port, PORT), with a proxy before it"
            else:
                message = f"cannot listen on {host}:{port}: {error.strerror} (listen.host)"
            raise CannotStart(message) from None


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """``count`` different TCP ports that were free a moment ago."""
    sockets = [socket.create_server((host, 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def check_redis(url: SecretStr) -> None:
    """Raise :class:`CannotStart` if no Redis answers there, or it does not let us in. Waits for 5 s at most."""
    try:
        with connect(url, name="preflight") as client:
            client.ping()
    except AuthenticationError:
        raise CannotStart("REDIS_URL: the Redis server refuses the user or password: correct them") from None
    except ValueError as error:
        raise CannotStart(str(error)) from None
    except RedisError as error:
        # The library's own words hold the address, and may hold more of the URL.
        raise CannotStart(
            f"REDIS_URL: no Redis server answers there ({type(error).__name__}): start it, correct the address, "
            "or leave redis_url out to run the embedded one"
        ) from None


def claim_state_dir(state_dir: Path, sleep: Callable[[float], None] = time.sleep) -> IO[str]:
    """Make the state folder, see that it can be written, and hold it against a second node.

    Returns the open lock file: the folder is held while any process has it open. Where its supervisor is gone and
    some of its processes are still ending, waits for them. Raises :class:`CannotStart`.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"the state folder {state_dir} cannot be written: {error.strerror}; "
            "make it writable or set another (state_dir)"
        ) from None
    deadline = time.monotonic() + LEFT_BEHIND_S
    while not _locked(lock):
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        if _runs(holder):
            lock.close()
            raise CannotStart(
                f"the state folder {state_dir} is in use by a running node (pid {holder}): stop that one first"
            )
        if time.monotonic() > deadline:
            lock.close()
            raise CannotStart(
                f"the state folder {state_dir} is held by processes of a node that was killed: end them first "
                f"(their pids stand in {state_dir / 'run'})"
            )
        sleep(0.05)
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _runs(pid: str) -> bool:
    """Whether a process with this id runs; a lock file that is being written names none, and counts as running."""
    if not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
