"""What the store answers with, and what it is asked: plain data, as the dashboard's pages get it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alerts.alarms.life import AlarmState, Closing, Do, Standing
from alerts.event import Event, EventKind, Plain
from configs.schema import Severity


class AlarmChange(Plain):
    """Somebody took a step with an alarm. ``by`` is the account's id, ``by_name`` its name then, ``at`` UTC epoch
    seconds. ``standing`` is where the alarm stands after it; without one (written by an earlier release) the alarm
    was acknowledged and nothing else.
    """

    v: Literal[1] = 1
    event_id: str
    state: AlarmState = AlarmState.ACKNOWLEDGED
    by: str
    by_name: str
    at: float
    comment: str | None = None
    command: Do = Do.ACKNOWLEDGE
    standing: Standing | None = None


class Step(Plain):
    """One step in an alarm's life: who, when, from which state to which, and why. ``until``, ``closing``, ``desk`` and
    ``owner`` are what the step set, where it did.
    """

    event_id: str
    version: int
    at: float
    by: str
    by_name: str
    command: Do
    before: AlarmState
    after: AlarmState
    comment: str | None = None
    until: float | None = None
    closing: Closing | None = None
    desk: str | None = None
    owner: str | None = None


class SituationRow(Plain):
    """An event's situation as far as it was told. Times are UTC epoch seconds; ``ended_at`` is null while it lasts.

    ``late_s``: stored so long after it was detected (null: in time). ``clock_suspect``: one of its times cannot be.
    ``hits`` were merged into it and not split off. ``merged_into``: an analyst made it part of this event.
    """

    event_id: str
    measured: float
    peak: float
    hits: int
    ended_at: float | None
    late_s: float | None
    clock_suspect: bool
    merged_into: str | None


class EventRow(Event, Standing):
    """An event with what is known of it besides. ``snapshot`` is null once its picture is past retention.

    ``situation`` is null for one that did not come out of the store, or that an earlier release stored.
    """

    stream_id: str
    repeats: int = 0
    situation: SituationRow | None = None
    snapshot_url: str | None = None

    @classmethod
    def of(
        cls,
        event: Event,
        stream_id: str,
        *,
        repeats: int = 0,
        standing: Standing | None = None,
        situation: SituationRow | None = None,
        picture_kept: bool = True,
    ) -> EventRow:
        """The row of an event as it left the bus, nobody having touched it unless ``standing`` says so."""
        fields = {name: getattr(event, name) for name in Event.model_fields}
        if not picture_kept:
            fields["snapshot"] = None
        if standing is not None:
            fields |= {name: getattr(standing, name) for name in Standing.model_fields}
        return cls(
            **fields,
            stream_id=stream_id,
            repeats=repeats,
            situation=situation,
            snapshot_url=f"/api/events/{event.id}/snapshot" if fields["snapshot"] else None,
        )


class EventFilter(Plain):
    """Which events. ``None`` restricts nothing; an **empty** tuple matches nothing (an account without regions).

    Times bound ``occurred_at``, UTC epoch seconds: ``since`` inclusive, ``until`` exclusive. Region ids are taken as
    they are: whoever means the regions below one names them too. ``flood`` is the mark of a group. ``whole``: without
    events that an analyst made part of another.
    """

    since: float | None = None
    until: float | None = None
    kinds: tuple[EventKind, ...] | None = None
    severities: tuple[Severity, ...] | None = None
    cameras: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    states: tuple[AlarmState, ...] | None = None
    flood: str | None = None
    whole: bool = False


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
