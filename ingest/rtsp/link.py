"""The connection under a session, so that it can be cut from outside.

A reader that FFmpeg keeps in one read (noise without end is never silent) looks at nothing else, and no other thread
may close its container. But the socket is the process's: shut down, it ends that read. Which one it is FFmpeg does not
tell; it is the one that was not there before the session opened. Linux only (``/proc/self/fd``); elsewhere nothing is
found.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISSOCK
from urllib.parse import urlsplit

_OPEN_FILES = Path("/proc/self/fd")
_RTSP_PORT = 554
_MOST = 2


@dataclass(frozen=True, slots=True)
class Socket:
    """A connection of this process: its file descriptor, and the inode, since descriptors are used again."""

    fd: int
    inode: int


@dataclass(frozen=True, slots=True)
class Link:
    """What carries a session. Where two sessions with one camera (its main and its sub stream) opened at the same
    moment, these are both; where more did, as with a recorder of many channels, it is not known and empty.
    """

    sockets: frozenset[Socket] = frozenset()

    def cut(self) -> bool:
        """Ends the connections, from any thread; whether there was one. Their readers hear of it at once."""
        found = False
        for each in self.sockets:
            with suppress(OSError):  # ended meanwhile
                if os.fstat(each.fd).st_ino == each.inode:
                    with _borrowed(each.fd) as connection:
                        connection.shutdown(socket.SHUT_RDWR)
                        found = True
        return found


def connections(url: str) -> frozenset[Socket]:
    """All connections with the host and port of ``url`` now."""
    try:
        parts = urlsplit(url)
        told = socket.getaddrinfo(parts.hostname, parts.port or _RTSP_PORT, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return frozenset()
    peers = {address[:2] for *_, address in told}
    return frozenset(each for each, peer in _connected() if peer[:2] in peers)


def link_since(before: frozenset[Socket], url: str) -> Link:
    """What was opened to ``url`` after ``before`` was asked for."""
    opened = connections(url) - before
    return Link(opened if len(opened) <= _MOST else frozenset())


def _connected() -> Iterator[tuple[Socket, tuple[object, ...]]]:
    if not _OPEN_FILES.is_dir():
        return
    for fd in [int(file.name) for file in _OPEN_FILES.iterdir()]:
        with suppress(OSError):  # not connected, or closed meanwhile
            status = os.fstat(fd)
            if S_ISSOCK(status.st_mode):
                with _borrowed(fd) as connection:
                    peer = connection.getpeername()
                if isinstance(peer, tuple):
                    yield Socket(fd, status.st_ino), peer


@contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """The socket under a descriptor of its own, which alone is closed at the end."""
    own = os.dup(fd)
    try:
        connection = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        raise
    with connection:
        yield connection
