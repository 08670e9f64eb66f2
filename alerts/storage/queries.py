"""How the store's questions become SQL: filters, cursors, positions, and rows back into records. Pure."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from alerts.alarms.life import AlarmState, Standing
from alerts.event import Event
from alerts.records import EventFilter, EventRow, SituationRow
from alerts.storage.schema import alarms, events, repeats
from alerts.storage.situations import situations

SEQUENCE_BITS = 20
"""A stream id's sequence counts entries of one millisecond: far below 2^20. The milliseconds fill the 43 bits above."""

MOST_BUCKETS = 10_000


class BadCursor(ValueError):
    """A cursor, or a stream id, that nobody here gave out."""


def position_of(stream_id: str) -> int:
    """A stream id ``ms-seq`` as one number in the same order. Raises :class:`BadCursor`."""
    found = re.fullmatch(r"(\d{1,13})-(\d{1,7})", stream_id, re.ASCII)
    if found is None or int(found[2]) >> SEQUENCE_BITS:
        raise BadCursor(f"stream id {stream_id[:40]!r}: want milliseconds-sequence")
    return int(found[1]) << SEQUENCE_BITS | int(found[2])


def stream_id_of(position: int) -> str:
    """The stream id of a position."""
    return f"{position >> SEQUENCE_BITS}-{position & (1 << SEQUENCE_BITS) - 1}"


def cursor_of(occurred_at: float, event_id: str) -> str:
    """An opaque cursor: what comes after this event, newest first."""
    return urlsafe_b64encode(f"{occurred_at.hex()} {event_id}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[float, str]:
    """Time and id of the last event seen. Raises :class:`BadCursor`."""
    try:
        at, event_id = urlsafe_b64decode(cursor.encode("ascii")).decode("ascii").split(" ")
        return float.fromhex(at), event_id
    except (ValueError, OverflowError):
        raise BadCursor("cursor: want the next_cursor of an earlier page; begin again without one") from None


def conditions(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    """The filter as conditions on ``events``; ``whole`` is the caller's, by :func:`parts`."""
    if wanted.since is not None:
        yield events.c.occurred_at >= wanted.since
    if wanted.until is not None:
        yield events.c.occurred_at < wanted.until
    sets: tuple[tuple[Any, tuple[str, ...] | None], ...] = (
        (events.c.kind, wanted.kinds),
        (events.c.severity, wanted.severities),
        (events.c.camera_id, wanted.cameras),
        (events.c.site_id, wanted.sites),
        (events.c.region_id, wanted.regions),
    )
    for column, values in sets:
        if values is not None:
            # One value as an equation: only then does its index give the order as well.
            yield column == str(values[0]) if len(values) == 1 else column.in_([str(value) for value in values])
    if wanted.flood is not None:
        yield events.c.id.in_(select(alarms.c.event_id).where(alarms.c.flood == wanted.flood))
    # All states are no condition: the planner would take the index by state for it.
    if wanted.states is not None and set(wanted.states) != set(AlarmState):
        words = [AlarmState(state).value for state in wanted.states]
        yield events.c.state == words[0] if len(words) == 1 else events.c.state.in_(words)


def parts() -> ColumnElement[bool]:
    """Events that an analyst made part of another: few, so that counts take them off instead of looking at each row."""
    return events.c.id.in_(select(situations.c.event_id).where(situations.c.merged_into.is_not(None)))


def rows_query() -> Select[Any]:
    """Events with their alarm and repeats: what :func:`row_of` takes."""
    joined = (
        events.outerjoin(alarms, alarms.c.event_id == events.c.id)
        .outerjoin(repeats, repeats.c.event_id == events.c.id)
        .outerjoin(situations, situations.c.event_id == events.c.id)
    )
    return select(
        events.c.id,
        events.c.occurred_at.label("ordered_at"),
        events.c.data,
        events.c.position,
        events.c.picture_kept,
        *(alarms.c[name] for name in Standing.model_fields),
        repeats.c.repeats,
        *(situations.c[name].label(f"situation_{name}") for name in SituationRow.model_fields),
    ).select_from(joined)


def page_query(wanted: EventFilter, cursor: str | None, limit: int) -> Select[Any]:
    """At most ``limit`` matching events after the cursor, newest first. Raises :class:`BadCursor`."""
    statement = rows_query().where(*conditions(wanted))
    if wanted.whole:
        statement = statement.where(~parts())
    if cursor is not None:
        last = tuple_(*decode_cursor(cursor))
        statement = statement.where(tuple_(events.c.occurred_at, events.c.id) < last)
    return statement.order_by(events.c.occurred_at.desc(), events.c.id.desc()).limit(limit)


def standing_of(found: Row[Any]) -> Standing | None:
    """The standing in a row that holds the columns of ``alarms``; ``None`` where nobody has taken a step."""
    if found.version is None:
        return None
    return Standing.model_validate({name: getattr(found, name) for name in Standing.model_fields})


def _situation_of(found: Row[Any]) -> SituationRow | None:
    if found.situation_event_id is None:
        return None
    names = SituationRow.model_fields
    return SituationRow.model_validate({name: getattr(found, f"situation_{name}") for name in names})


def row_of(found: Row[Any]) -> EventRow:
    """The record of one row of :func:`rows_query`."""
    event = Event.model_validate_json(found.data)
    return EventRow.of(
        event,
        stream_id_of(found.position),
        repeats=found.repeats or 0,
        standing=standing_of(found),
        situation=_situation_of(found),
        picture_kept=found.picture_kept,
    )


def bucket_starts(since: float, until: float, bucket: Literal["hour", "day"], zone: ZoneInfo) -> list[float]:
    """Starts of the buckets that cover [since, until), UTC epoch seconds, at full local hours or midnights.

    A local day has 23 or 25 hours where the clocks change. Raises ``ValueError`` for more than ``MOST_BUCKETS``.
    """
    if (until - since) / (3600 if bucket == "hour" else 86400) > MOST_BUCKETS:
        raise ValueError(f"histogram: more than {MOST_BUCKETS} buckets; take a shorter time or longer buckets")
    first = datetime.fromtimestamp(since, zone).replace(minute=0, second=0, microsecond=0)
    starts = []
    if bucket == "hour":
        start = first.timestamp()
        while start < until:
            starts.append(start)
            start += 3600
        return starts
    day = first.replace(hour=0, fold=0)
    while day.timestamp() < until:
        starts.append(day.timestamp())
        day += timedelta(days=1)
    return starts
