"""Entries of the event stream as feed items."""

from __future__ import annotations

from collections import OrderedDict

import structlog
from pydantic import ValidationError

from alerts.event import Event
from alerts.records import AlarmChange, EventRow
from dashboard.bus import Entry
from dashboard.feed.items import Item
from dashboard.messages import AlarmItem, EventItem
from dashboard.policy import Action

log = structlog.get_logger(__name__)
_REMEMBERED = 20_000
NOT_SHOWN = frozenset({"update", "evidence"})
"""The page asks for these where it shows the event."""


def fresh_row(entry: Entry) -> EventRow:
    """The row of an event as it stands in the stream. Raises ``ValidationError`` for what is no event."""
    return EventRow.of(Event.model_validate_json(entry.data), str(entry.id))


class EntryReader:
    """Decodes entries and remembers where their events happened, since an ``AlarmChange`` names no region.

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

    def decode(self, entry: Entry) -> EventRow | AlarmChange | None:
        """``None`` for what the feed does not show, and for an entry that is nothing known, which has been counted."""
        try:
            if entry.type == "event":
                row = fresh_row(entry)
                self.remember(row.id, row.region_id)
                return row
            if entry.type == "alarm":
                return AlarmChange.model_validate_json(entry.data)
            if entry.type in NOT_SHOWN:
                return None
        except ValidationError as error:
            log.warning("undecodable_entry", id=str(entry.id), type=entry.type, faults=error.error_count())
        self.undecodable += 1
        return None


def event_item(row: EventRow, *, late: bool) -> Item:
    item = EventItem(id=row.stream_id, late=late, row=row)
    return Item(item.model_dump_json(), Action.EVENT_READ, row.region_id)


def alarm_item(entry: Entry, change: AlarmChange, region: str) -> Item:
    item = AlarmItem(id=str(entry.id), change=change)
    return Item(item.model_dump_json(), Action.EVENT_READ, region)
