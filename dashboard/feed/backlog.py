"""What a browser missed: from the store what the stream no longer holds, from the stream the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from alerts.records import EventRow
from alerts.store import EventStore
from dashboard.access.viewer import Viewer
from dashboard.bus import ZERO, Bus, StreamId
from dashboard.feed.entries import EntryReader, RegionLookup, event_item, newest, place_of, told_item
from dashboard.feed.items import Item

PAGE = 200
P = ParamSpec("P")
T = TypeVar("T")


class StoreAway(Exception):
    """The store did not answer while a backlog was read; it can be taken up again from the position reached."""


@dataclass(frozen=True, slots=True)
class Page:
    """Items up to and including ``until``. ``events`` counts those that are events."""

    until: StreamId
    items: list[Item] = field(default_factory=list)
    events: int = 0


class Backlog:
    """Reads ``(after, until]`` for one viewer, page by page, oldest first."""

    def __init__(
        self,
        bus: Bus,
        history: EventStore,
        reader: EntryReader,
        region_lookup: RegionLookup,
    ) -> None:
        self._bus = bus
        self._history = history
        self._reader = reader
        self._region_lookup = region_lookup

    async def in_stream(self, after: StreamId) -> bool:
        """Whether everything after ``after`` is still in the stream."""
        first = await self._bus.first_id()
        return first != ZERO and first <= after

    async def pages(self, viewer: Viewer, after: StreamId, until: StreamId) -> AsyncIterator[Page]:
        """Raises :class:`BusAway` or :class:`StoreAway`; resume from the last page's ``until``."""
        position = after
        if not await self.in_stream(after):
            first = await self._bus.first_id()
            async for page in self._from_store(viewer, after, until if first == ZERO else min(first, until)):
                position = page.until
                yield page
        async for page in self._from_stream(viewer, position, until):
            yield page

    async def count(self, viewer: Viewer, after: StreamId, until: StreamId) -> int:
        """Events that the viewer missed."""
        return sum([page.events async for page in self.pages(viewer, after, until)])

    async def gone(self, after: StreamId) -> int:
        """Events after ``after`` that retention has removed."""
        return await self._ask(self._history.gone_after, str(after))

    async def _from_store(self, viewer: Viewer, after: StreamId, until: StreamId) -> AsyncIterator[Page]:
        position = after
        while True:
            rows = await self._ask(self._history.after_stream_id, str(position), PAGE)
            items, events = [], 0
            for row in rows:
                row_id = StreamId.parse(row.stream_id) or ZERO
                if row_id > until:
                    return
                position = max(position, row_id)
                item = event_item(row, late=True)
                if item.visible(viewer):
                    items.append(item)
                    events += 1
            if rows:
                yield Page(position, items, events)
            if len(rows) < PAGE:
                return

    async def _from_stream(self, viewer: Viewer, after: StreamId, until: StreamId) -> AsyncIterator[Page]:
        position = after
        while position < until:
            entries = await self._bus.range(position, until, PAGE)
            items, events = [], 0
            for entry in entries:
                decoded = self._reader.decode(entry)
                item: Item | None = None
                if isinstance(decoded, EventRow):
                    item = event_item(decoded, late=True)
                elif decoded is not None:
                    region = await place_of(decoded, self._reader, self._region_lookup)
                    item = None if region is None else told_item(entry, decoded, region)
                if item is not None and item.visible(viewer):
                    items.append(item)
                    events += isinstance(decoded, EventRow)
                position = entry.id
            if len(entries) < PAGE:
                position = until
            yield Page(position, newest(items), events)

    @staticmethod
    async def _ask(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return await run_in_threadpool(call, *arguments, **named)
        except DBAPIError as error:
            raise StoreAway(f"the event store does not answer ({type(error.orig).__name__})") from None
