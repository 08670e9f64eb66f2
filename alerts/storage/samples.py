"""By quarters of an hour: how long cameras could be seen, and how many objects were in counted zones.

Tables of their own beside the events, with a retention of their own. Quarters, of which every zone's hours are made; a
minute's resolution would be fifteen times the rows for the same curve.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    case,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from alerts.storage.database import Migration, migrate, reading, writing
from alerts.storage.schema import QUARTER_S

PART = "samples"

_metadata = MetaData()
_cameras = Table(
    "camera_samples",
    _metadata,
    Column("quarter", Integer, primary_key=True, autoincrement=False),  # UTC epoch seconds in whole quarters
    Column("camera_id", String(64), primary_key=True),
    Column("first_at", Float(53), nullable=False),
    Column("observed_s", Float(53), nullable=False),
    Column("shown_s", Float(53), nullable=False),
)
_crowds = Table(
    "crowd_samples",
    _metadata,
    Column("quarter", Integer, primary_key=True, autoincrement=False),
    Column("camera_id", String(64), primary_key=True),
    Column("rule_id", String(64), primary_key=True),
    Column("looks", Integer, nullable=False),
    Column("objects", Integer, nullable=False),
    Column("peak", Integer, nullable=False),
)


def _first(connection: Connection) -> None:
    # Version 1 is the tables above. Whoever changes them adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


@dataclass(frozen=True, slots=True)
class CameraSample:
    """Of the ``observed_s`` that somebody looked at the camera's state, it could be seen for ``shown_s``; seconds, from
    ``first_at`` (UTC epoch s) on."""

    quarter: int
    camera_id: str
    first_at: float
    observed_s: float
    shown_s: float


@dataclass(frozen=True, slots=True)
class CrowdSample:
    """``objects``: the sum of the numbers found in ``looks`` looks; ``peak``: the largest of them."""

    quarter: int
    camera_id: str
    rule_id: str
    looks: int
    objects: int
    peak: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Of one camera over some time, as :class:`CameraSample`."""

    first_at: float
    observed_s: float
    shown_s: float


class SampleStore:
    """``engine`` as the :class:`alerts.store.EventStore` has it. ``clock`` and times: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._insert: Callable[[Any], Any] = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def migrate(self) -> int:
        """Make or bring up to date the tables; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def add(self, cameras: Sequence[CameraSample], crowds: Sequence[CrowdSample]) -> None:
        """Add to what is known of their quarters."""
        if not cameras and not crowds:
            return
        with writing(self._engine) as connection:
            if cameras:
                new = self._insert(_cameras)
                sums = {name: _cameras.c[name] + new.excluded[name] for name in ("observed_s", "shown_s")}
                keys = [_cameras.c.quarter, _cameras.c.camera_id]
                connection.execute(
                    new.on_conflict_do_update(index_elements=keys, set_=sums), [asdict(each) for each in cameras]
                )
            if crowds:
                new = self._insert(_crowds)
                sums = {name: _crowds.c[name] + new.excluded[name] for name in ("looks", "objects")}
                peak = case((_crowds.c.peak > new.excluded.peak, _crowds.c.peak), else_=new.excluded.peak)
                keys = [_crowds.c.quarter, _crowds.c.camera_id, _crowds.c.rule_id]
                connection.execute(
                    new.on_conflict_do_update(index_elements=keys, set_={**sums, "peak": peak}),
                    [asdict(each) for each in crowds],
                )

    def shown(self, since: float) -> dict[str, Shown]:
        """How long cameras could be seen in the quarters from ``since`` on; one of which nothing is known is absent."""
        sums = (func.min(_cameras.c.first_at), func.sum(_cameras.c.observed_s), func.sum(_cameras.c.shown_s))
        statement = (
            select(_cameras.c.camera_id, *sums)
            .where(_cameras.c.quarter >= int(since // QUARTER_S))
            .group_by(_cameras.c.camera_id)
        )
        with reading(self._engine) as connection:
            return {camera: Shown(*figures) for camera, *figures in connection.execute(statement)}

    def crowds(self, spans: Collection[tuple[float, float]]) -> list[CrowdSample]:
        """Of the quarters that begin in these spans (from, before), in order."""
        quarter = _crowds.c.quarter
        within = [(quarter >= ceil(begin / QUARTER_S)) & (quarter < ceil(end / QUARTER_S)) for begin, end in spans]
        statement = select(_crowds).where(or_(False, *within)).order_by(quarter, _crowds.c.camera_id, _crowds.c.rule_id)
        with reading(self._engine) as connection:
            return [CrowdSample(*row) for row in connection.execute(statement)]

    def forget(self, before: float) -> None:
        """Remove the quarters that ended before."""
        last = int(before // QUARTER_S)
        with writing(self._engine) as connection:
            for table in (_cameras, _crowds):
                connection.execute(delete(table).where(table.c.quarter < last))
