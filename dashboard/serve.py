"""Runs the application: a socket that is bound before anything else starts, and a stop within a second and a half."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

GRACE_S = 1
SEND_BUFFER_BYTES = 512 * 1024
_BACKLOG = 512


class PortTaken(RuntimeError):
    """One line: which address, and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises :class:`PortTaken`, also for an address that is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by every connection. The kernel's own tuning lets megabytes of old pictures wait for a slow browser.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            reason = "is taken: stop what listens there, or choose another with PORT or listen.port"
        else:
            reason = f"cannot be listened on ({error}): correct listen.host and listen.port"
        raise PortTaken(f"port {port} of {host} {reason}") from None
    listening.setblocking(False)
    return listening


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


class Server(uvicorn.Server):
    """``on_ready`` is called once when requests are answered. Open websockets are closed with 1012 at the stop."""

    def __init__(self, app: FastAPI, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                ws="websockets-sansio",
                ws_per_message_deflate=False,  # video does not deflate, and the feed is written once for all
                ws_max_size=64 * 1024,
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                lifespan="on",
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()


def serve(app: FastAPI, listening: socket.socket, on_ready: Callable[[], None] | None = None) -> None:
    """Until SIGINT or SIGTERM."""
    Server(app, on_ready).run(sockets=[listening])
