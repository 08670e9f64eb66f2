"""What must be true before anything is started; each fault is one line that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path
from typing import IO


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


def claim_state_dir(state_dir: Path) -> IO[str]:
    """Make the state folder, see that it can be written, and hold it against a second node.

    Returns the open lock file: the folder is held while it stays open. Raises :class:`CannotStart`.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        lock = (state_dir / "lock").open("a+")
    except OSError as error:
        raise CannotStart(
            f"the state folder {state_dir} cannot be written: {error.strerror}; "
            "make it writable or set another (state_dir)"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise CannotStart(
            f"the state folder {state_dir} is in use by a running node (pid {holder}): stop that one first"
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
