"""The revisions of the settings: the newest is what the node runs by. Only ever added to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Column, Connection, Engine, Float, Integer, MetaData, String, Table, Text, func, insert, select
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import Migration, migrate, reading, refuses, writing

PART = "revisions"
Kind = Literal["import", "change", "restore"]

_metadata = MetaData()
_revisions = Table(
    "revisions",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("base", Integer, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("by", String(64), nullable=False),
    Column("by_name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("document", Text, nullable=False),
)


def _first(connection: Connection) -> None:
    # Version 1 is the table above. Whoever changes it adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


@dataclass(frozen=True, slots=True)
class RevisionNote:
    """Who made which revision when (UTC epoch s) and why. ``base``: the one that it was made of, 0 for the first."""

    number: int
    base: int
    at: float
    by: str
    by_name: str
    kind: Kind
    why: str


@dataclass(frozen=True, slots=True)
class Revision:
    """With its document, plain data (:mod:`configs.revision`)."""

    note: RevisionNote
    tree: dict[str, Any]

    @property
    def number(self) -> int:
        return self.note.number


class Outdated(Exception):
    """Another revision was made since ``base`` was read: ``newest`` is its number."""

    def __init__(self, base: int, newest: int) -> None:
        super().__init__(f"revision {newest} was made since revision {base} was read")
        self.newest = newest


class UnknownRevision(KeyError):
    """There is no revision of that number."""


class RevisionStore:
    """In the database of the events. ``clock``: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def migrate(self) -> int:
        """Make or bring up to date the table; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def newest_number(self) -> int:
        """0 where there is none."""
        with reading(self._engine) as connection:
            return connection.execute(select(func.max(_revisions.c.number))).scalar() or 0

    def get(self, number: int) -> Revision:
        """Raises :class:`UnknownRevision`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(_revisions).where(_revisions.c.number == number)).one_or_none()
        if row is None:
            raise UnknownRevision(number)
        return Revision(_note(row), json.loads(row.document))

    def last(self, kind: Kind | None = None) -> Revision | None:
        """The newest one, of ``kind`` where that is given."""
        statement = select(_revisions).order_by(_revisions.c.number.desc()).limit(1)
        if kind is not None:
            statement = statement.where(_revisions.c.kind == kind)
        with reading(self._engine) as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else Revision(_note(row), json.loads(row.document))

    def notes(self, limit: int = 50, before: int | None = None) -> tuple[RevisionNote, ...]:
        """Newest first; those below ``before``, where that is given."""
        columns = [column for column in _revisions.c if column.name != "document"]
        statement = select(*columns).order_by(_revisions.c.number.desc()).limit(limit)
        if before is not None:
            statement = statement.where(_revisions.c.number < before)
        with reading(self._engine) as connection:
            return tuple(_note(row) for row in connection.execute(statement))

    def add(
        self, base: int, tree: dict[str, Any], *, by: str, by_name: str, why: str, kind: Kind = "change"
    ) -> RevisionNote:
        """The next revision, made of ``base``. Raises :class:`Outdated` where that is not the newest any more."""
        note = RevisionNote(base + 1, base, self._clock(), by, by_name, kind, why)
        try:
            with writing(self._engine) as connection:
                newest = connection.execute(select(func.max(_revisions.c.number))).scalar() or 0
                if newest != base:
                    raise Outdated(base, newest)
                connection.execute(
                    insert(_revisions).values(
                        number=note.number,
                        base=base,
                        at=note.at,
                        by=by,
                        by_name=by_name,
                        kind=kind,
                        why=why,
                        document=json.dumps(tree, ensure_ascii=False),
                    )
                )
        except DBAPIError as error:
            # PostgreSQL: another transaction has written the same number meanwhile.
            if refuses(error) and (newest := self.newest_number()) != base:
                raise Outdated(base, newest) from None
            raise
        return note


def _note(row: Any) -> RevisionNote:
    return RevisionNote(row.number, row.base, row.at, row.by, row.by_name, row.kind, row.why)
