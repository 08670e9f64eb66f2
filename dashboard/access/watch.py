"""Ends open websockets when their session ends: one query a round for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from dashboard.accounts import AccountStore

log = structlog.get_logger(__name__)
ROUND_S = 2.0


class SessionWatch:
    """A session behind an open websocket is in use, and does not go idle; its absolute end still comes."""

    def __init__(self, accounts: AccountStore, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._accounts = accounts
        self._sleep = sleep
        self._open: dict[str, set[asyncio.Event]] = {}
        self._failures = 0

    @contextmanager
    def watching(self, session: str) -> Iterator[asyncio.Event]:
        """An event that is set when ``session`` has ended."""
        ended = asyncio.Event()
        self._open.setdefault(session, set()).add(ended)
        try:
            yield ended
        finally:
            waiting = self._open.get(session, set())
            waiting.discard(ended)
            if not waiting:
                self._open.pop(session, None)

    def end(self, session: str) -> None:
        """The session was closed here: its websockets go at once."""
        for ended in self._open.get(session, ()):
            ended.set()

    def figures(self) -> dict[str, int]:
        return {"watched_sessions": len(self._open), "session_check_failures": self._failures}

    async def run(self) -> None:
        """Until cancelled. While the database is away nobody is thrown out: that is no verdict on a session."""
        while True:
            await self._sleep(ROUND_S)
            if not self._open:
                continue
            hashes = tuple(self._open)
            try:
                alive = await run_in_threadpool(self._accounts.live_sessions, hashes)
            except DBAPIError as error:
                self._failures += 1
                log.warning("session_check_failed", cause=type(error.orig).__name__)
                continue
            for session in hashes:
                if session not in alive:
                    self.end(session)
