"""One browser's bounded queue of ready messages."""

from __future__ import annotations

import asyncio
from collections import deque

from dashboard.access.viewer import Viewer
from dashboard.bus import StreamId

QUEUE_LIMIT = 256


class FeedClient:
    """The hub offers, the socket takes. ``joined_at`` is the stream position after which the hub delivers to it."""

    def __init__(self, viewer: Viewer, joined_at: StreamId, limit: int) -> None:
        self.viewer = viewer
        self.joined_at = joined_at
        self.overflowed = asyncio.Event()
        self._limit = limit
        self._queue: deque[str] = deque()
        self._filled = asyncio.Event()

    def offer(self, text: str) -> bool:
        """``False`` when the client is too slow; it is then over for it, and it resumes from its last id."""
        if self.overflowed.is_set():
            return False
        if len(self._queue) >= self._limit:
            self.overflowed.set()
            self._queue.clear()
            return False
        self._queue.append(text)
        self._filled.set()
        return True

    async def take(self) -> str:
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()
