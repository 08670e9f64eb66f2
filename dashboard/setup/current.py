"""The settings that the dashboard goes by: those of the newest revision, a second after it was made at the latest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from alerts.storage.revisions import RevisionStore
from configs.loader import SettingsFaults
from configs.schema import Settings

log = structlog.get_logger(__name__)
LOOK_S = 1.0

Read = Callable[[Mapping[str, Any]], Settings]
"""The settings of a revision's document. Raises :class:`configs.loader.SettingsFaults`."""


class Current:
    """``settings`` are those that the process was started with until the first look. ``changed`` hears of each change
    from the thread that looked."""

    def __init__(
        self,
        settings: Settings,
        store: RevisionStore,
        read: Read,
        changed: Callable[[Settings], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.number = 0
        self.failures = 0
        self._store = store
        self._read = read
        self._changed = changed
        self._sleep = sleep
        self._looking = threading.Lock()

    def look(self) -> None:
        """Go by the newest revision. Raises ``DBAPIError`` and ``SettingsFaults``, and then nothing has changed."""
        with self._looking:
            if self._store.newest_number() == self.number:
                return
            newest = self._store.last()
            if newest is not None:
                self.settings = self._read(newest.tree)
                self._changed(self.settings)
                self.number = newest.number  # last: who sees it finds everything changed

    def figures(self) -> dict[str, int]:
        return {"settings_revision": self.number, "settings_unread": self.failures}

    async def run(self) -> None:
        """Until cancelled. While the database is away the settings are those that were read last."""
        while True:
            try:
                await run_in_threadpool(self.look)
            except (DBAPIError, SettingsFaults) as error:
                self.failures += 1
                if self.failures % 60 == 1:
                    log.warning("revision_not_read", kind=type(error).__name__, times=self.failures)
            await self._sleep(LOOK_S)
