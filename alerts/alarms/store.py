"""What people did about alarms, in the event store's database: where each stands, and every step that led there.

One transaction a call. The event's row is held while a step is judged and taken (``SELECT … FOR UPDATE`` on
PostgreSQL; on SQLite a writer has the database to itself), so of two who act at once the second judges what the first
has left, and is told. Failures of the database are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, and_, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alerts.alarms.flood import Lately
from alerts.alarms.life import SYSTEM, Actor, AlarmState, Closing, Command, Do, IllegalStep, Standing, step
from alerts.alarms.load import LoadRow, Standing24
from alerts.records import AlarmChange, EventFilter, EventRow, Step
from alerts.storage.database import reading, writing
from alerts.storage.queries import conditions, position_of, row_of, rows_query, standing_of
from alerts.storage.schema import alarm_steps, alarms, events
from alerts.store import UnknownEvent

_OPEN = (
    alarms.c.state != AlarmState.CLOSED.value,
    or_(alarms.c.state != AlarmState.ACKNOWLEDGED.value, alarms.c.returned_at.is_(None)),
)
""":func:`alerts.alarms.life.still_open` of a row."""


_AT_HAND = tuple(state.value for state in AlarmState if state not in (AlarmState.SHELVED, AlarmState.CLOSED))


class Refused(Exception):
    """The step was not taken, since the alarm stands otherwise: ``standing``. ``last`` is the step that somebody took
    before, ``None`` where nobody did; the message is the sentence to tell.
    """

    def __init__(self, why: str, standing: Standing, last: Step | None) -> None:
        super().__init__(why)
        self.standing = standing
        self.last = last


class AlarmStore:
    """``engine`` as the :class:`alerts.store.EventStore` has it, which also migrates the tables."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def take(
        self, event_id: str, commands: Sequence[Command], actor: Actor, at: float, version: int | None = None
    ) -> tuple[AlarmChange, ...]:
        """Take the steps, all or none of them. ``version``: where the asker believes the alarm to stand (optional).

        Raises :class:`alerts.store.UnknownEvent`, and :class:`Refused` where the alarm stands otherwise.
        """
        with writing(self._engine) as connection:
            standing = self._held(connection, event_id)
            if version is not None and version != standing.version:
                raise Refused("somebody else was faster", standing, _last_step(connection, event_id))
            stands = [standing]
            for command in commands:
                try:
                    stands.append(step(stands[-1], command, actor, at))
                except IllegalStep as error:
                    raise Refused(str(error), standing, _last_step(connection, event_id)) from None
            for before, after, command in zip(stands, stands[1:], commands, strict=False):
                self._write(connection, event_id, before, after, command, actor, at)
        return tuple(
            _change(event_id, after, command, actor, at) for after, command in zip(stands[1:], commands, strict=True)
        )

    def take_each(
        self, wanted: Iterable[tuple[str, int, Command]], at: float, actor: Actor = SYSTEM
    ) -> list[AlarmChange]:
        """One step each of several alarms, each seen at a version, in one transaction. An alarm that stands otherwise
        by now is left out: somebody, or another dashboard, has done something meanwhile. Returns what was taken.
        """
        changes = []
        with writing(self._engine) as connection:
            for event_id, version, command in wanted:
                try:
                    standing = self._held(connection, event_id)
                    if standing.version != version:
                        continue
                    after = step(standing, command, actor, at)
                except (UnknownEvent, IllegalStep):
                    continue
                self._write(connection, event_id, standing, after, command, actor, at)
                changes.append(_change(event_id, after, command, actor, at))
        return changes

    def follow(self, situations: Iterable[tuple[str, float | None]]) -> list[AlarmChange]:
        """Situations that have ended, each with its event's id and the time of its end, or (``None``) go on after all:
        their alarms have returned to normal, or no longer. What is known already changes nothing.
        """
        told = dict(situations)
        with reading(self._engine) as connection:
            known = dict.fromkeys(told)
            wanted = select(alarms.c.event_id, alarms.c.returned_at).where(alarms.c.event_id.in_(told))
            known.update({row.event_id: row.returned_at for row in connection.execute(wanted)})
        differing = [(event_id, at) for event_id, at in told.items() if at != known[event_id]]
        changes: list[AlarmChange] = []
        if not differing:
            return changes
        with writing(self._engine) as connection:
            for event_id, ended_at in differing:
                for command in (Command(Do.RECUR), Command(Do.RETURN)):
                    changes += self._followed(connection, event_id, command, ended_at)
        return changes

    def _followed(
        self, connection: Connection, event_id: str, command: Command, ended_at: float | None
    ) -> list[AlarmChange]:
        """The step, where it is one that the situation's end (``None``: no end) makes."""
        if command.do is Do.RETURN and ended_at is None:
            return []
        try:
            standing = self._held(connection, event_id)
            at = ended_at if ended_at is not None else standing.returned_at or 0.0
            after = step(standing, command, SYSTEM, at)
        except (UnknownEvent, IllegalStep):
            return []
        self._write(connection, event_id, standing, after, command, SYSTEM, at)
        return [_change(event_id, after, command, SYSTEM, at)]

    def steps(self, event_id: str) -> tuple[Step, ...]:
        """The alarm's history, oldest first; empty for one that nobody has touched."""
        wanted = select(alarm_steps).where(alarm_steps.c.event_id == event_id).order_by(alarm_steps.c.version)
        with reading(self._engine) as connection:
            return tuple(Step.model_validate(dict(row._mapping)) for row in connection.execute(wanted))

    def unrouted(self, since: float, limit: int) -> list[EventRow]:
        """Alarms of no desk that occurred since then, oldest first: new ones, whatever came off a shelf, and those that
        somebody took up before a desk was found, which belong to its shift as well."""
        wanted = (
            rows_query()
            .where(events.c.state.in_(_AT_HAND), events.c.occurred_at >= since)
            .where(alarms.c.desk.is_(None))
            .order_by(events.c.occurred_at, events.c.id)
            .limit(limit)
        )
        return self._rows(wanted)

    def lately(self, since: float) -> Lately:
        """What came to each desk since then (by arrival on the bus), for :func:`alerts.alarms.flood.grouped`."""
        joined = alarms.join(events, alarms.c.event_id == events.c.id)
        came = (events.c.position >= position_of(f"{max(0, int(since * 1000))}-0"), alarms.c.desk.is_not(None))
        single = select(alarms.c.desk, func.count().label("number")).select_from(joined).where(*came)
        marked = select(alarms.c.desk, events.c.site_id, events.c.kind, func.max(alarms.c.flood).label("mark"))
        with reading(self._engine) as connection:
            counted = connection.execute(single.where(alarms.c.flood.is_(None)).group_by(alarms.c.desk)).all()
            groups = connection.execute(
                marked.select_from(joined)
                .where(*came, alarms.c.flood.is_not(None))
                .group_by(alarms.c.desk, events.c.site_id, events.c.kind)
            ).all()
        return Lately(
            {row.desk: row.number for row in counted}, {(row.desk, row.site_id, row.kind): row.mark for row in groups}
        )

    def overdue(self, now: float, limit: int) -> list[EventRow]:
        """Alarms whose reaction clock has ended, the longest first."""
        wanted = rows_query().where(alarms.c.due_at <= now).order_by(alarms.c.due_at).limit(limit)
        return self._rows(wanted)

    def shelf_ended(self, now: float, limit: int) -> list[EventRow]:
        """Alarms whose shelf has ended."""
        return self._rows(rows_query().where(alarms.c.shelved_until <= now).limit(limit))

    def open_of(self, desk: str, limit: int) -> list[EventRow]:
        """What a desk has that is open (:func:`alerts.alarms.life.still_open`), oldest first."""
        wanted = (
            rows_query().where(alarms.c.desk == desk, *_OPEN).order_by(events.c.occurred_at, events.c.id).limit(limit)
        )
        return self._rows(wanted)

    def open_counts(self) -> dict[str, int]:
        """How many open alarms each desk has; one without any is absent."""
        wanted = (
            select(alarms.c.desk, func.count().label("open"))
            .where(alarms.c.desk.is_not(None), *_OPEN)
            .group_by(alarms.c.desk)
        )
        with reading(self._engine) as connection:
            return {row.desk: row.open for row in connection.execute(wanted)}

    def load_rows(self, wanted: EventFilter) -> list[LoadRow]:
        """What the figures of :mod:`alerts.alarms.load` need of the alarms that match, in order of time."""
        found = (
            select(events.c.occurred_at, events.c.camera_id, events.c.kind, alarms.c.closing)
            .select_from(events.outerjoin(alarms, alarms.c.event_id == events.c.id))
            .where(*conditions(wanted))
            .order_by(events.c.occurred_at, events.c.id)
        )
        with reading(self._engine) as connection:
            return [
                LoadRow(at, camera, kind, None if closing is None else Closing(closing))
                for at, camera, kind, closing in connection.execute(found)
            ]

    def standing(self, wanted: EventFilter, limit: int) -> tuple[int, list[Standing24]]:
        """Alarms that match and are open (:func:`alerts.alarms.life.still_open`): how many, and the oldest."""
        joined = events.outerjoin(alarms, alarms.c.event_id == events.c.id)
        # An alarm that nobody touched has no row, and is open.
        open_ones = (*conditions(wanted), or_(alarms.c.event_id.is_(None), and_(*_OPEN)))
        number = select(func.count()).select_from(joined).where(*open_ones)
        oldest = (
            select(events.c.id, events.c.camera_id, events.c.kind, events.c.occurred_at)
            .select_from(joined)
            .where(*open_ones)
            .order_by(events.c.occurred_at, events.c.id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = [
                Standing24(event_id=event_id, camera_id=camera, kind=kind, since=at)
                for event_id, camera, kind, at in connection.execute(oldest)
            ]
            return connection.execute(number).scalar_one(), rows

    def _rows(self, wanted: Any) -> list[EventRow]:
        with reading(self._engine) as connection:
            return [row_of(found) for found in connection.execute(wanted)]

    @staticmethod
    def _held(connection: Connection, event_id: str) -> Standing:
        found = connection.execute(select(events.c.id).where(events.c.id == event_id).with_for_update()).first()
        if found is None:
            raise UnknownEvent(event_id)
        row = connection.execute(select(alarms).where(alarms.c.event_id == event_id)).one_or_none()
        return (standing_of(row) if row is not None else None) or Standing()

    def _write(
        self,
        connection: Connection,
        event_id: str,
        before: Standing,
        after: Standing,
        command: Command,
        actor: Actor,
        at: float,
    ) -> None:
        values = after.model_dump(mode="json")
        statement = self._insert(alarms).values(event_id=event_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[alarms.c.event_id], set_=values))
        if after.state is not before.state:
            connection.execute(update(events).where(events.c.id == event_id).values(state=after.state.value))
        connection.execute(
            insert(alarm_steps).values(
                event_id=event_id,
                version=after.version,
                at=at,
                by=actor.id,
                by_name=actor.name,
                command=command.do.value,
                before=before.state.value,
                after=after.state.value,
                comment=command.comment,
                until=command.until,
                closing=None if command.closing is None else command.closing.value,
                desk=command.desk,
                owner=after.owner if command.do in (Do.OWN, Do.START, Do.HAND_OVER) else None,
            )
        )


def _last_step(connection: Connection, event_id: str) -> Step | None:
    wanted = select(alarm_steps).where(alarm_steps.c.event_id == event_id).order_by(alarm_steps.c.version.desc())
    row = connection.execute(wanted.limit(1)).one_or_none()
    return None if row is None else Step.model_validate(dict(row._mapping))


def _change(event_id: str, after: Standing, command: Command, actor: Actor, at: float) -> AlarmChange:
    return AlarmChange(
        event_id=event_id,
        state=after.state,
        by=actor.id,
        by_name=actor.name,
        at=at,
        comment=command.comment,
        command=command.do,
        standing=after,
    )
