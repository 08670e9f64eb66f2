"""Who has the shift at a desk, and handing it over: the successor takes it by naming every open alarm.

Kept in the event store's database. A person who offers the shift keeps it until somebody takes it: no minute without
anybody who is responsible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from alerts.alarms.life import Actor
from alerts.event import Plain
from alerts.storage.database import reading, writing
from alerts.storage.schema import shifts


class Shift(Plain):
    """``since`` and ``offered_at`` are UTC epoch seconds; ``offered_at`` is set while a successor is awaited."""

    desk: str
    holder: str | None = None
    holder_name: str | None = None
    since: float | None = None
    offered_at: float | None = None
    note: str | None = None


class ShiftRefused(Exception):
    """One sentence; ``shift`` is how it stands."""

    def __init__(self, why: str, shift: Shift) -> None:
        super().__init__(why)
        self.shift = shift


class ShiftStore:
    """``engine`` as the :class:`alerts.store.EventStore` has it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def all(self) -> dict[str, Shift]:
        """By desk; one that never had a shift is absent."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(shifts)).all()
        return {row.desk: Shift.model_validate(dict(row._mapping)) for row in rows}

    def take(self, desk: str, who: Actor, at: float) -> Shift:
        """The shift is theirs; returns the one before. Raises :class:`ShiftRefused` while another has it and has not
        offered it.
        """
        with writing(self._engine) as connection:
            before = self._held(connection, desk)
            if before.holder not in (None, who.id) and before.offered_at is None:
                raise ShiftRefused(f"{before.holder_name} has the shift and has not offered it", before)
            self._write(connection, Shift(desk=desk, holder=who.id, holder_name=who.name, since=at))
        return before

    def offer(self, desk: str, who: Actor, at: float, note: str | None) -> Shift:
        """A successor is awaited. Raises :class:`ShiftRefused` for who does not have the shift."""
        with writing(self._engine) as connection:
            now = self._held(connection, desk)
            if now.holder != who.id:
                raise ShiftRefused("only who has the shift can offer it", now)
            offered = now.model_copy(update={"offered_at": at, "note": note})
            self._write(connection, offered)
        return offered

    def _held(self, connection: Connection, desk: str) -> Shift:
        # On PostgreSQL the row must be there to be held.
        connection.execute(self._insert(shifts).values(desk=desk).on_conflict_do_nothing())
        row = connection.execute(select(shifts).where(shifts.c.desk == desk).with_for_update()).one()
        return Shift.model_validate(dict(row._mapping))

    @staticmethod
    def _write(connection: Connection, shift: Shift) -> None:
        connection.execute(shifts.update().where(shifts.c.desk == shift.desk).values(shift.model_dump()))
