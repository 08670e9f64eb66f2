"""Scenes, in a table of their own beside the accounts. Synchronous: called from the thread pool."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import Migration, migrate, reading, refuses, writing
from dashboard.scenes.scene import SCENES_A_REGION, Scene

PART = "scenes"

_metadata = MetaData()
_scenes = Table(
    "scenes",
    _metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("region", String(64), nullable=False),
    Column("layout", String(8), nullable=False),
    Column("tiles", Text, nullable=False),  # JSON list of camera ids and nulls
    Column("made_by", String(64), nullable=False),
    Column("made_by_name", Text, nullable=False),
    Column("made_at", Float(53), nullable=False),
    UniqueConstraint("region", "name", name="scenes_by_name"),
)


def _first(connection: Connection) -> None:
    # Version 1 is the table above. Whoever changes it adds a migration and spells out here what version 1 was.
    _metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_first,)


class SceneExists(ValueError):
    """The region has another scene of that name."""


class SceneUnknown(ValueError):
    """There is no such scene (any more)."""


class TooManyScenes(ValueError):
    """The region holds as many as it may."""


class SceneStore:
    """``engine`` as the :class:`alerts.store.EventStore` has it. ``clock``: UTC epoch s."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def migrate(self) -> int:
        """Make or bring up to date the table; every process calls it before anything else. Returns migrations run."""
        return migrate(self._engine, PART, MIGRATIONS, self._clock)

    def all(self) -> tuple[Scene, ...]:
        """By region and name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_scenes).order_by(_scenes.c.region, _scenes.c.name)).all()
        return tuple(_scene(row) for row in rows)

    def get(self, scene_id: str) -> Scene:
        """Raises :class:`SceneUnknown`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(_scenes).where(_scenes.c.id == scene_id)).one_or_none()
        if row is None:
            raise SceneUnknown(scene_id)
        return _scene(row)

    def add(self, scene: Scene) -> None:
        """Raises :class:`SceneExists` and :class:`TooManyScenes`."""
        number = select(func.count()).select_from(_scenes).where(_scenes.c.region == scene.region)
        with _named(scene), writing(self._engine) as connection:
            if connection.execute(number).scalar_one() >= SCENES_A_REGION:
                raise TooManyScenes(scene.region)
            connection.execute(insert(_scenes).values(_values(scene)))

    def replace(self, scene: Scene) -> None:
        """Raises :class:`SceneUnknown` and :class:`SceneExists`."""
        with _named(scene), writing(self._engine) as connection:
            done = connection.execute(update(_scenes).where(_scenes.c.id == scene.id).values(_values(scene)))
            if done.rowcount == 0:
                raise SceneUnknown(scene.id)

    def remove(self, scene_id: str) -> None:
        """Raises :class:`SceneUnknown`."""
        with writing(self._engine) as connection:
            if connection.execute(delete(_scenes).where(_scenes.c.id == scene_id)).rowcount == 0:
                raise SceneUnknown(scene_id)


@contextmanager
def _named(scene: Scene) -> Iterator[None]:
    """Turns the database's refusal of a doubled name into :class:`SceneExists`."""
    try:
        yield
    except DBAPIError as error:
        if refuses(error):
            raise SceneExists(scene.name) from None
        raise


def _values(scene: Scene) -> dict[str, Any]:
    return {**scene.model_dump(exclude={"tiles", "hidden"}), "tiles": json.dumps(scene.tiles)}


def _scene(row: Row[Any]) -> Scene:
    return Scene.model_validate({**row._mapping, "tiles": tuple(json.loads(row.tiles))})
