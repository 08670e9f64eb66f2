"""What is known of an event's situation, and what analysts made of it: peak, end, merged hits, splits and merges.

In the event store's database, with tables and migrations of its own. One transaction a call; everything that comes from
the stream may come twice. Failures of the database are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alerts.event import Event, Plain, SituationUpdate
from alerts.records import SituationRow
from alerts.storage.database import reading, writing
from alerts.storage.schema import events
from alerts.storage.situations import corrections, hits, situations

LATE_S = 10.0
"""An event that was stored so long after it was detected is marked late: an outage held it up."""
AHEAD_S = 5.0
"""A time so far ahead of its own detection or storing comes from a clock that is wrong."""
LONG_AGO_S = 7 * 86400.0
"""No outage is waited out so long: a time so far back comes from a clock that is wrong."""


class Hit(Plain):
    """A merged hit as it was found. ``split``: an analyst made it an event."""

    event: Event
    reason: Literal["window", "ongoing"]
    split: bool


class Correction(Plain):
    """``split``: the hit ``other_id`` of ``event_id`` became an event. ``merge``: ``other_id`` became part of
    ``event_id``. ``undone_at``: it was taken back."""

    id: int
    action: Literal["split", "merge"]
    event_id: str
    other_id: str
    at: float
    by: str
    by_name: str
    comment: str | None = None
    undone_at: float | None = None
    undone_by: str | None = None
    undone_by_name: str | None = None


class CannotCorrect(ValueError):
    """The correction makes no sense as things stand; the text says why."""


def suspect(event: Event, arrived_at: float) -> bool:
    """Whether a time of the event cannot be: ahead of what came after it, or longer ago than anything waits.

    ``arrived_at``: when it came onto the stream, UTC epoch seconds, by the server's clock.
    """
    ahead = event.occurred_at > event.detected_at + AHEAD_S or event.detected_at > arrived_at + AHEAD_S
    return ahead or arrived_at - min(event.occurred_at, event.detected_at) > LONG_AGO_S


class SituationStore:
    """``engine`` as the :class:`alerts.store.EventStore` has it, which also migrates the tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def begin(self, entries: Sequence[tuple[float, Event]], stored_at: float) -> None:
        """Situations of events that were just stored, each with when it came onto the stream."""
        rows = []
        for arrived_at, event in entries:
            waited = stored_at - event.detected_at
            wrong = suspect(event, arrived_at)
            rows.append(
                {
                    **_blank(event.id, event.detected_at, event.measured),
                    "late_s": round(waited, 3) if waited > LATE_S and not wrong else None,
                    "clock_suspect": wrong,
                }
            )
        if rows:
            with writing(self._engine) as connection:
                connection.execute(self._insert(situations).on_conflict_do_nothing(), rows)

    def apply(self, updates: Sequence[SituationUpdate]) -> None:
        """Take in what the stream tells: the newest word counts, peaks and hits never fall."""
        if not updates:
            return
        rows = {each.event_id: _blank(each.event_id, 0.0, each.measured) for each in updates}
        listed = [
            {
                "id": hit.event.id,
                "event_id": each.event_id,
                "reason": hit.reason,
                "split": False,
                "data": hit.event.model_dump_json(),
            }
            for each in updates
            for hit in each.suppressed
        ]
        with writing(self._engine) as connection:
            connection.execute(self._insert(situations).on_conflict_do_nothing(), list(rows.values()))
            wanted = select(situations).where(situations.c.event_id.in_(rows)).with_for_update()
            known = {row.event_id: dict(row._mapping) for row in connection.execute(wanted)}
            for each in updates:
                known[each.event_id] = newer(known[each.event_id], each)
            for row in known.values():
                connection.execute(update(situations).where(situations.c.event_id == row["event_id"]).values(row))
            if listed:
                connection.execute(self._insert(hits).on_conflict_do_nothing(), listed)

    def of(self, event_ids: Iterable[str]) -> dict[str, SituationRow]:
        """Situations by event id; an event that was stored by an earlier release has none."""
        wanted = list(event_ids)
        split_off = (
            select(hits.c.event_id, func.count().label("number"))
            .where(hits.c.event_id.in_(wanted), hits.c.split.is_(True))
            .group_by(hits.c.event_id)
        )
        with reading(self._engine) as connection:
            split = {row.event_id: row.number for row in connection.execute(split_off)}
            rows = connection.execute(select(situations).where(situations.c.event_id.in_(wanted))).all()
        return {row.event_id: _row(row._mapping, split.get(row.event_id, 0)) for row in rows}

    def hits(self, event_id: str) -> tuple[Hit, ...]:
        """The merged hits that are kept one by one, in the order of finding."""
        wanted = select(hits).where(hits.c.event_id == event_id).order_by(hits.c.id)
        with reading(self._engine) as connection:
            return tuple(
                Hit(event=Event.model_validate_json(row.data), reason=row.reason, split=row.split)
                for row in connection.execute(wanted)
            )

    def split(
        self, event_id: str, hit_id: str, *, by: str, by_name: str, at: float, comment: str | None = None
    ) -> tuple[Correction, Event]:
        """Say that a merged hit was a happening of its own; returns the event to store. Raises :class:`CannotCorrect`.

        The caller appends it to the event store: its id is the hit's, so that doing it twice makes one event.
        """
        with writing(self._engine) as connection:
            wanted = select(hits).where(hits.c.id == hit_id, hits.c.event_id == event_id).with_for_update()
            found = connection.execute(wanted).one_or_none()
            if found is None:
                raise CannotCorrect(f"event {event_id} has no merged hit {hit_id} that is kept")
            if found.split:
                raise CannotCorrect(f"hit {hit_id} is an event already")
            connection.execute(update(hits).where(hits.c.id == hit_id).values(split=True))
            event = Event.model_validate_json(found.data)
            row = _blank(hit_id, event.detected_at, event.measured)
            connection.execute(self._insert(situations).on_conflict_do_nothing(), [row])
            self._set_merged(connection, hit_id, None)
            done = self._record(connection, "split", event_id, hit_id, by, by_name, at, comment)
        return done, event

    def merge(
        self, event_id: str, other_id: str, *, by: str, by_name: str, at: float, comment: str | None = None
    ) -> Correction:
        """Say that ``other_id`` is part of ``event_id``. Raises :class:`CannotCorrect`."""
        if event_id == other_id:
            raise CannotCorrect("an event cannot be part of itself")
        with writing(self._engine) as connection:
            wanted = select(situations).where(situations.c.event_id.in_([event_id, other_id])).with_for_update()
            found = {row.event_id: row for row in connection.execute(wanted)}
            for each in (event_id, other_id):
                if each not in found:
                    raise CannotCorrect(f"there is no situation of event {each}")
                if found[each].merged_into is not None:
                    raise CannotCorrect(
                        f"event {each} is part of event {found[each].merged_into}: take that back first"
                    )
            inside = select(situations.c.event_id).where(situations.c.merged_into == other_id).limit(1)
            if connection.execute(inside).first() is not None:
                raise CannotCorrect(f"event {other_id} has parts itself: take them out first")
            self._set_merged(connection, other_id, event_id)
            return self._record(connection, "merge", event_id, other_id, by, by_name, at, comment)

    def undo(self, correction_id: int, *, by: str, by_name: str, at: float) -> Correction:
        """Take a correction back; it stays on record. An event that was split off is part of its event again.

        Raises :class:`CannotCorrect`.
        """
        with writing(self._engine) as connection:
            wanted = select(corrections).where(corrections.c.id == correction_id).with_for_update()
            found = connection.execute(wanted).one_or_none()
            if found is None:
                raise CannotCorrect(f"there is no correction {correction_id}")
            if found.undone_at is not None:
                raise CannotCorrect(f"correction {correction_id} was taken back already, by {found.undone_by_name}")
            if found.action == "split":
                connection.execute(update(hits).where(hits.c.id == found.other_id).values(split=False))
                self._set_merged(connection, found.other_id, found.event_id)
            else:
                self._set_merged(connection, found.other_id, None)
            undone = {"undone_at": at, "undone_by": by, "undone_by_name": by_name}
            connection.execute(update(corrections).where(corrections.c.id == correction_id).values(undone))
        return Correction.model_validate({**found._mapping, **undone})

    def corrections(self, event_id: str) -> tuple[Correction, ...]:
        """What was corrected about an event, oldest first, what was taken back included."""
        about = (corrections.c.event_id == event_id) | (corrections.c.other_id == event_id)
        with reading(self._engine) as connection:
            rows = connection.execute(select(corrections).where(about).order_by(corrections.c.id)).all()
        return tuple(Correction.model_validate(dict(row._mapping)) for row in rows)

    def purge(self, before: float) -> int:
        """Remove situations last told of before (UTC epoch seconds) whose events are gone, with their hits and
        corrections; returns how many."""
        gone = (
            select(situations.c.event_id)
            .outerjoin(events, events.c.id == situations.c.event_id)
            .where(situations.c.at < before, events.c.id.is_(None))
        )
        with writing(self._engine) as connection:
            ids = list(connection.scalars(gone))
            for start in range(0, len(ids), 500):
                some = ids[start : start + 500]
                connection.execute(delete(hits).where(hits.c.event_id.in_(some)))
                connection.execute(delete(corrections).where(corrections.c.event_id.in_(some)))
                connection.execute(delete(situations).where(situations.c.event_id.in_(some)))
        return len(ids)

    @staticmethod
    def _set_merged(connection: Connection, event_id: str, into: str | None) -> None:
        connection.execute(update(situations).where(situations.c.event_id == event_id).values(merged_into=into))

    @staticmethod
    def _record(
        connection: Connection,
        action: Literal["split", "merge"],
        event_id: str,
        other_id: str,
        by: str,
        by_name: str,
        at: float,
        comment: str | None,
    ) -> Correction:
        values = {
            "action": action,
            "event_id": event_id,
            "other_id": other_id,
            "at": at,
            "by": by,
            "by_name": by_name,
            "comment": comment,
        }
        number = connection.execute(insert(corrections).values(values).returning(corrections.c.id)).scalar_one()
        return Correction.model_validate({"id": number, **values})


def newer(row: Mapping[str, Any], told: SituationUpdate) -> dict[str, Any]:
    """A situation's row after an update, which may come late or again. Pure."""
    after = dict(row) | {"peak": max(row["peak"], told.peak), "hits": max(row["hits"], told.hits)}
    if told.at >= row["at"]:
        after |= {"at": told.at, "phase": told.phase, "measured": told.measured, "ended_at": told.ended_at}
    return after


def _blank(event_id: str, at: float, measured: float) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "at": at,
        "phase": "update",
        "measured": measured,
        "peak": measured,
        "hits": 0,
        "ended_at": None,
        "late_s": None,
        "clock_suspect": False,
        "merged_into": None,
    }


def _row(row: Mapping[Any, Any], split: int) -> SituationRow:
    names = SituationRow.model_fields
    values = {name: value for name, value in row.items() if name in names}
    return SituationRow.model_validate(values | {"hits": max(0, row["hits"] - split)})
