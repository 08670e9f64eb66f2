"""What the store answers with, and what it is asked: plain data, as the dashboard's pages get it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from alerts.event import Event, EventKind, Plain
from configs.schema import Severity


class AlarmState(StrEnum):
    """What people have done about an event."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"


class AlarmChange(Plain):
    """Somebody changed an alarm. ``by`` is the account's id, ``by_name`` its name then, ``at`` UTC epoch seconds."""

    v: Literal[1] = 1
    event_id: str
    state: Literal["acknowledged"] = "acknowledged"
    by: str
    by_name: str
    at: float
    comment: str | None = None


class AlreadyDone(Plain):
    """Another was first: who, and when."""

    by: str
    by_name: str
    at: float
    comment: str | None = None


class EventRow(Event):
    """An event with what is known of it besides. ``snapshot`` is null once its picture is past retention."""

    stream_id: str
    repeats: int = 0
    state: AlarmState = AlarmState.NEW
    acknowledged_by: str | None = None
    acknowledged_by_name: str | None = None
    acknowledged_at: float | None = None
    comment: str | None = None
    snapshot_url: str | None = None

    @classmethod
    def of(
        cls,
        event: Event,
        stream_id: str,
        *,
        repeats: int = 0,
        change: AlarmChange | None = None,
        picture_kept: bool = True,
    ) -> EventRow:
        """The row of an event as it left the bus, nobody having touched it unless ``change`` says so."""
        fields = {name: getattr(event, name) for name in Event.model_fields}
        if not picture_kept:
            fields["snapshot"] = None
        return cls(
            **fields,
            stream_id=stream_id,
            repeats=repeats,
            state=AlarmState.NEW if change is None else AlarmState.ACKNOWLEDGED,
            acknowledged_by=change.by if change else None,
            acknowledged_by_name=change.by_name if change else None,
            acknowledged_at=change.at if change else None,
            comment=change.comment if change else None,
            snapshot_url=f"/api/events/{event.id}/snapshot" if fields["snapshot"] else None,
        )


class EventFilter(Plain):
    """Which events. ``None`` restricts nothing; an **empty** tuple matches nothing (an account without regions).

    Times bound ``occurred_at``, UTC epoch seconds: ``since`` inclusive, ``until`` exclusive. Region ids are taken as
    they are: whoever means the regions below one names them too.
    """

    since: float | None = None
    until: float | None = None
    kinds: tuple[EventKind, ...] | None = None
    severities: tuple[Severity, ...] | None = None
    cameras: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    states: tuple[AlarmState, ...] | None = None


class EventPage(Plain):
    """Newest first; ``next_cursor`` asks for the next page, ``None`` at the end."""

    rows: tuple[EventRow, ...]
    next_cursor: str | None


class HistogramBucket(Plain):
    """Events from ``start`` (UTC epoch seconds) to the next bucket's start. A kind that is absent counts zero."""

    start: float
    counts: dict[EventKind, int] = Field(default_factory=dict)


class Totals(Plain):
    """What the store holds."""

    events: int
    new: int
    oldest_at: float | None
    newest_at: float | None


class Purged(Plain):
    """What one purge removed."""

    events: int = 0
    alarms: int = 0
    repeats: int = 0
