"""A page's websocket for live pictures: one camera after the other, what it asked for last.

A browser connects its websockets to a server one by one (RFC 6455, section 4.1), so sixteen new ones for a scene would
stand in a queue for half a second. A page keeps its lines instead, and asks on them for what it shows next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import WebSocket
from pydantic import ValidationError

from dashboard.feed.session import POLICY, TOO_BIG, UNSUPPORTED, BadMessage
from dashboard.live.proxy import LiveTile, send
from dashboard.messages import LiveWatching, Watch

MAX_WATCH_CHARS = 512


class Refused(Exception):
    """What is asked for is not shown to this viewer. ``close_code`` says why."""

    def __init__(self, close_code: int) -> None:
        super().__init__(str(close_code))
        self.close_code = close_code


class LiveLine:
    """``receive`` and ``serve`` run side by side, for as long as the browser stays. ``tile`` opens what is asked for,
    or raises :class:`Refused`."""

    def __init__(self, socket: WebSocket, tile: Callable[[str, Watch], LiveTile]) -> None:
        self._socket = socket
        self._tile = tile
        self._asked: Watch | None = None
        self._turn = asyncio.Event()

    async def receive(self) -> None:
        """Hears what the page wants; returns when it has left. Raises :class:`BadMessage` for anything else that it
        says, and for a wish that is not newer than the one before."""
        newest = -1
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            asked = _parsed(message.get("text"))
            if asked.n <= newest:
                raise BadMessage(POLICY, "out of order")
            newest = asked.n
            self._asked = asked
            self._turn.set()

    async def serve(self) -> None:
        """Until cancelled. Raises :class:`dashboard.live.proxy.NotDraining`, and :class:`Refused`."""
        while True:
            await self._turn.wait()
            self._turn.clear()
            asked = self._asked
            if asked is None or asked.camera_id is None:
                continue
            tile = self._tile(asked.camera_id, asked)
            await send(self._socket, LiveWatching(n=asked.n).model_dump_json())
            await self._until_turn(tile)

    async def _until_turn(self, tile: LiveTile) -> None:
        shown = asyncio.create_task(tile.serve())
        turn = asyncio.create_task(self._turn.wait())
        try:
            await asyncio.wait({shown, turn}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A message is written whole or not at all: what is cancelled leaves no half of one.
            shown.cancel()
            turn.cancel()
            (ended, _) = await asyncio.gather(shown, turn, return_exceptions=True)
        if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
            raise ended


def _parsed(text: str | None) -> Watch:
    """``None`` is a binary message. Raises :class:`BadMessage` for anything that is no :class:`Watch`."""
    if text is None:
        raise BadMessage(UNSUPPORTED, "binary")
    if len(text) > MAX_WATCH_CHARS:
        raise BadMessage(TOO_BIG, "too big")
    try:
        return Watch.model_validate_json(text)
    except ValidationError:
        raise BadMessage(POLICY, "unknown message") from None
