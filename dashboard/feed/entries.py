"""Entries of the event stream as feed items."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import structlog
from pydantic import ValidationError

from alerts.event import Event, SituationUpdate
from alerts.recording.evidence import Evidence
from alerts.records import AlarmChange, EventRow
from alerts.situation_store import Correction
from dashboard.bus import Entry
from dashboard.feed.items import Item
from dashboard.messages import AlarmItem, ClipItem, CorrectionItem, EventItem, SituationItem
from dashboard.policy import Action

log = structlog.get_logger(__name__)
_REMEMBERED = 20_000
RegionLookup = Callable[[str], Awaitable[str | None]]
"""Where an event happened that this process has not seen: asked of the store."""

Told = AlarmChange | SituationUpdate | Evidence | Correction
"""What is told of an event that the page has, or may have."""


def fresh_row(entry: Entry) -> EventRow:
    """The row of an event as it stands in the stream. Raises ``ValidationError`` for what is no event."""
    return EventRow.of(Event.model_validate_json(entry.data), str(entry.id))


class EntryReader:
    """Decodes entries and remembers where their events happened, since what is told of them names no region.

    ``undecodable`` counts entries that are neither; each is logged with its id. The historian keeps their content.
    """

    def __init__(self) -> None:
        self.undecodable = 0
        self._regions: OrderedDict[str, str] = OrderedDict()

    def region_of(self, event_id: str) -> str | None:
        """``None`` for an event that this process has not seen lately."""
        return self._regions.get(event_id)

    def remember(self, event_id: str, region_id: str) -> None:
        self._regions[event_id] = region_id
        self._regions.move_to_end(event_id)
        while len(self._regions) > _REMEMBERED:
            self._regions.popitem(last=False)

    def decode(self, entry: Entry) -> EventRow | Told | None:
        """``None`` for an entry that is nothing known, which has been counted."""
        try:
            if entry.type == "event":
                row = fresh_row(entry)
                self.remember(row.id, row.region_id)
                return row
            if entry.type == "alarm":
                return AlarmChange.model_validate_json(entry.data)
            if entry.type == "update":
                return SituationUpdate.model_validate_json(entry.data)
            if entry.type == "correction":
                return Correction.model_validate_json(entry.data)
            if entry.type == "evidence":
                return Evidence.model_validate_json(entry.data)
        except ValidationError as error:
            log.warning("undecodable_entry", id=str(entry.id), type=entry.type, faults=error.error_count())
        self.undecodable += 1
        return None


async def place_of(told: Told, reader: EntryReader, look_up: RegionLookup) -> str | None:
    """The region of the event that is told of; the store is asked once for each."""
    region = reader.region_of(told.event_id)
    if region is None and (region := await look_up(told.event_id)) is not None:
        reader.remember(told.event_id, region)
    return region


def event_item(row: EventRow, *, late: bool) -> Item:
    item = EventItem(id=row.stream_id, late=late, row=row)
    return Item(item.model_dump_json(), Action.EVENT_READ, row.region_id)


def told_item(entry: Entry, told: Told, region: str) -> Item:
    """Of a situation only the newest word counts: ``key`` says which items stand for one another."""
    item: AlarmItem | SituationItem | ClipItem | CorrectionItem
    key = ""
    match told:
        case AlarmChange():
            item = AlarmItem(id=str(entry.id), change=told)
        case SituationUpdate():
            item, key = SituationItem.of(str(entry.id), told), f"situation {told.event_id}"
        case Correction():
            item = CorrectionItem(id=str(entry.id), correction=told)
        case Evidence():
            item = ClipItem(id=str(entry.id), event_id=told.event_id, kept=told.path is not None)
    return Item(item.model_dump_json(), Action.EVENT_READ, region, key=key)


def newest(items: Sequence[Item]) -> list[Item]:
    """Without those that a later item with the same key stands for, in order."""
    last = {item.key: index for index, item in enumerate(items) if item.key}
    return [item for index, item in enumerate(items) if last.get(item.key, index) == index]
