"""Live bytes from the worker to one tile, unread.

While the worker is away the tile is told so, and the dashboard tries again: a restarted worker heals without a
reload. Nothing piles up: the connection to the worker holds a few messages, then the worker feels the back-pressure
and skips to the next key frame; a browser that takes nothing at all is disconnected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog
from fastapi import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from alerts.health import WorkerInfo
from dashboard.bus import Bus
from dashboard.errors import BusAway
from dashboard.live.directory import holder_of, live_url
from dashboard.messages import LiveBeat, LiveState

log = structlog.get_logger(__name__)

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 1.0
"""A restarted worker serves after two or three seconds, and asking again is cheap: a longer wait is only time without
pictures."""
CONNECT_LIMIT_S = 3.0
BEAT_S = 1.0
"""Where the worker says nothing for so long the dashboard does: a page that hears nothing has lost its connection."""
SEND_LIMIT_S = 10.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
QUEUED_MESSAGES = 8
UNKNOWN_CAMERA = 4404


class NotDraining(Exception):
    """The browser does not take what it is sent."""


class LiveFigures:
    """Counters of all tiles."""

    def __init__(self) -> None:
        self.open = 0
        self.opened = 0
        self.messages = 0
        self.bytes = 0
        self.worker_lost = 0
        self.too_slow = 0
        self.refused = 0

    def as_dict(self) -> dict[str, int]:
        return {
            "tiles": self.open,
            "tiles_opened": self.opened,
            "live_messages": self.messages,
            "live_bytes": self.bytes,
            "worker_lost": self.worker_lost,
            "live_too_slow": self.too_slow,
            "live_refused": self.refused,
        }


class LiveTile:
    """One camera for one browser. ``serve`` runs until cancelled."""

    def __init__(
        self,
        socket: WebSocket,
        camera_id: str,
        stream: Literal["sub", "main"],
        form: Literal["live", "pictures"],
        bus: Bus,
        figures: LiveFigures,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        send_limit_s: float = SEND_LIMIT_S,
    ) -> None:
        self._socket = socket
        self._camera_id = camera_id
        self._stream = stream
        self._form = form
        self._bus = bus
        self._figures = figures
        self._clock = clock
        self._sleep = sleep
        self._send_limit_s = send_limit_s

    async def receive(self) -> None:
        """Where nothing is said; returns when the reader has left."""
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass

    async def serve(self) -> None:
        """Raises :class:`NotDraining`."""
        self._figures.open += 1
        self._figures.opened += 1
        try:
            await self._forward_for_ever()
        finally:
            self._figures.open -= 1

    async def _forward_for_ever(self) -> None:
        attempt, since = 0, 0.0
        while True:
            if await self._once():
                attempt = 0
            if attempt == 0:
                since = self._clock()
                self._figures.worker_lost += 1
            attempt += 1
            wait = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt - 1, 8))
            await self._tell_away(attempt, since, wait)
            await self._sleep(wait)

    async def _once(self) -> bool:
        """One connection to the worker, to its end. Whether it brought anything."""
        try:
            worker = holder_of(self._camera_id, await self._bus.workers())
        except BusAway:
            return False
        if worker is None:
            return False
        brought = False
        try:
            async with self._connect(worker) as upstream:
                try:
                    while True:
                        try:
                            async with asyncio.timeout(BEAT_S):
                                message = await upstream.recv()
                        except TimeoutError:
                            await self._beat()
                            continue
                        brought = True
                        await self._forward(message)
                finally:
                    # A polite close would wait, and be cancelled midway: the worker would feed nobody for seconds.
                    upstream.transport.abort()
        except (OSError, ConnectionClosed, InvalidHandshake, InvalidURI) as error:
            log.info("worker_connection_lost", camera_id=self._camera_id, kind=type(error).__name__)
        return brought

    def _connect(self, worker: WorkerInfo) -> connect:
        return connect(
            live_url(worker, self._camera_id, self._stream, self._form),
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=QUEUED_MESSAGES,
            open_timeout=CONNECT_LIMIT_S,
            close_timeout=0.5,
            ping_interval=5,
            ping_timeout=5,
            proxy=None,
        )

    async def _forward(self, message: str | bytes) -> None:
        self._figures.messages += 1
        self._figures.bytes += len(message)
        await send(self._socket, message, self._send_limit_s)

    async def _beat(self) -> None:
        await send(self._socket, LiveBeat(at=self._clock()).model_dump_json(), self._send_limit_s)

    async def _tell_away(self, attempt: int, since: float, wait: float) -> None:
        now = self._clock()
        state = LiveState(
            camera_id=self._camera_id,
            stream=self._stream,
            phase="offline",
            fault=None,
            since=since,
            at=now,
            attempt=attempt,
            detail="worker silent",
            next_try_at=now + wait,
            last_picture_at=None,
            worker=False,
        )
        await send(self._socket, state.model_dump_json(), self._send_limit_s)


async def send(socket: WebSocket, message: str | bytes, limit_s: float = SEND_LIMIT_S) -> None:
    """Raises :class:`NotDraining` when the browser does not take it within ``limit_s`` seconds."""
    try:
        async with asyncio.timeout(limit_s):
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)
    except TimeoutError:
        raise NotDraining from None
