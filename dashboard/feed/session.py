"""One browser's feed: hello, what it missed, then what happens; until either side leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import WebSocket
from pydantic import ValidationError

from dashboard.access.viewer import Viewer
from dashboard.bus import StreamId
from dashboard.errors import BusAway
from dashboard.feed.backlog import Backlog, StoreAway
from dashboard.feed.client import FeedClient
from dashboard.feed.hub import Hub
from dashboard.feed.items import batch
from dashboard.messages import HelloItem, Ping, Pong, TroubleItem

SEND_LIMIT_S = 10.0
RETRY_S = 0.5
TOO_SLOW = 4008
UNSUPPORTED, POLICY, TOO_BIG = 1003, 1008, 1009
MAX_PING_CHARS = 256


class TooSlow(Exception):
    """The browser does not take what it is sent."""


class BadMessage(Exception):
    """What the browser said is nothing that a page says. ``code`` after RFC 6455, section 7.4.1, and ``reason``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FeedSession:
    """``receive`` and ``serve`` run side by side, for as long as the browser stays."""

    def __init__(
        self,
        socket: WebSocket,
        viewer: Viewer,
        hub: Hub,
        backlog: Backlog,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        send_limit_s: float = SEND_LIMIT_S,
    ) -> None:
        self._socket = socket
        self._viewer = viewer
        self._hub = hub
        self._backlog = backlog
        self._clock = clock
        self._sleep = sleep
        self._send_limit_s = send_limit_s

    async def receive(self) -> None:
        """Answers pings; returns when the browser has left. Raises :class:`BadMessage` for anything else that it says,
        and for a ping that is older than the one before."""
        newest = float("-inf")
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            ping = parse_ping(message.get("text"))
            if not ping.t >= newest:
                raise BadMessage(POLICY, "out of order")
            newest = ping.t
            await self._send(Pong(t=ping.t, server_time=self._clock()).model_dump_json())

    async def serve(self, last_id: str | None) -> None:
        """Sends until cancelled. Raises :class:`TooSlow`."""
        if not self._hub.answering.is_set():
            since = self._clock() if self._hub.trouble is None else self._hub.trouble.since
            await self._tell(TroubleItem(part="redis", since=since, over=False), None)
            await self._hub.answering.wait()
        client = self._hub.join(self._viewer)
        pump = asyncio.create_task(self._pump(client, last_id))
        overflow = asyncio.create_task(client.overflowed.wait())
        try:
            await asyncio.wait({pump, overflow}, return_when=asyncio.FIRST_COMPLETED)
            if overflow.done():
                raise TooSlow
            pump.result()
        finally:
            self._hub.leave(client)
            pump.cancel()
            overflow.cancel()
            await asyncio.gather(pump, overflow, return_exceptions=True)

    async def _pump(self, client: FeedClient, last_id: str | None) -> None:
        await self._catch_up(client, last_id)
        while True:
            await self._send(await client.take())

    async def _catch_up(self, client: FeedClient, last_id: str | None) -> None:
        """Hello, then what was missed, marked late. A part that goes away meanwhile is waited for, without doubles."""
        until = client.joined_at
        asked = None if last_id is None else StreamId.parse(last_id)
        if asked is None or asked > until:
            hello = self._hello(None, "none" if last_id is None else "unknown", reload=last_id is not None)
            await self._send(batch(str(until), [hello, *self._hub.standing(self._viewer)]))
            return
        position, greeted, trouble = asked, False, None
        while not greeted or position < until:
            try:
                if not greeted:
                    await self._greet(asked, until)
                    greeted = True
                async for page in self._backlog.pages(self._viewer, position, until):
                    if page.items:
                        await self._send(batch(str(page.until), [item.json for item in page.items]))
                    position = page.until
                position = until
            except BusAway:
                await self._sleep(RETRY_S)
                await self._hub.answering.wait()
            except StoreAway:
                if trouble is None:
                    trouble = TroubleItem(part="store", since=self._clock(), over=False)
                    await self._tell(trouble, position if greeted else None)
                await self._sleep(RETRY_S)
        if trouble is not None:
            await self._tell(trouble.model_copy(update={"over": True}), until)

    async def _greet(self, asked: StreamId, until: StreamId) -> None:
        missed = await self._backlog.count(self._viewer, asked, until)
        gone = await self._backlog.gone(asked)
        whole = asked == until or await self._backlog.in_stream(asked)
        hello = self._hello(str(asked), "resumed", missed=missed, gone=gone, reload=not whole)
        await self._send(batch(str(asked), [hello, *self._hub.standing(self._viewer)]))

    def _hello(
        self,
        resumed_from: str | None,
        cursor: Literal["none", "resumed", "unknown"],
        *,
        reload: bool,
        missed: int = 0,
        gone: int = 0,
    ) -> str:
        return HelloItem(
            server_time=self._clock(),
            resumed_from=resumed_from,
            cursor=cursor,
            missed=missed,
            gone=gone,
            reload=reload,
        ).model_dump_json()

    async def _tell(self, trouble: TroubleItem, position: StreamId | None) -> None:
        await self._send(batch(None if position is None else str(position), [trouble.model_dump_json()]))

    async def _send(self, text: str) -> None:
        """Raises :class:`TooSlow` when the browser does not drain its connection."""
        try:
            async with asyncio.timeout(self._send_limit_s):
                await self._socket.send_text(text)
        except TimeoutError:
            raise TooSlow from None


def parse_ping(text: str | None) -> Ping:
    """``None`` is a binary message. Raises :class:`BadMessage` for anything that is no ping."""
    if text is None:
        raise BadMessage(UNSUPPORTED, "binary")
    if len(text) > MAX_PING_CHARS:
        raise BadMessage(TOO_BIG, "too big")
    try:
        return Ping.model_validate_json(text)
    except ValidationError:
        raise BadMessage(POLICY, "unknown message") from None
