"""Which settings a node runs by: the newest revision in its database.

The file is imported at the first start, and at any later one until somebody has changed the settings by the page; from
then on by ``xueliang config apply`` alone.
The supervisor looks for a new one twice a second, writes it beside the state (``settings.json``, by which its processes
go, and ``settings.yaml`` for people), and hands each worker its cameras anew. A database that is away changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from alerts.storage.database import open_engine
from alerts.storage.revisions import Outdated, Revision, RevisionStore
from configs.loader import SettingsFaults, load_data
from configs.revision import as_yaml, imported
from configs.schema import Settings
from xueliang import assignment
from xueliang.assignment import Assignment
from xueliang.processes.storage import opening
from xueliang.surroundings import database_url

_log = structlog.get_logger(__name__)
LOOK_S = 0.5
BY = "-"
"""Who makes a revision from a file: nobody that has an account."""


def settings_file(settings: Settings) -> Path:
    """What the node's processes are started with."""
    return settings.state_dir / "settings.json"


class Revised:
    """Of the node that was started with ``settings``, which stand in ``config``.

    ``fresh``: the file is written anew at each start, and always is the newest revision.
    """

    def __init__(self, settings: Settings, config: Path, environ: Mapping[str, str], *, fresh: bool = False) -> None:
        self._first = settings
        self._config = config
        self._fresh = fresh
        self.environ = {
            "XUELIANG_STATE_DIR": str(settings.state_dir),
            "XUELIANG_LISTEN__HOST": settings.listen.host,
            "XUELIANG_LISTEN__PORT": str(settings.listen.port),
            "DATABASE_URL": database_url(settings).get_secret_value(),
        }
        if settings.redis_url is not None:
            self.environ["REDIS_URL"] = settings.redis_url.get_secret_value()
        self._whole = {**environ, **self.environ}
        self._engine = open_engine(database_url(settings))
        self._store = RevisionStore(self._engine)
        self.number = 0
        self.unread = 0

    def take_up(self) -> Settings:
        """The settings to start with. Raises ``CannotStart`` where the database does not answer, ``SettingsFaults``."""
        tree = imported(self._config.read_text("utf-8"), self._config.parent)
        with opening(self._first):
            self._store.migrate()
            newest = self._store.last()
            brought = self._store.last("import")
            # As long as nobody has changed anything by the page, whoever edits the file means it.
            if newest is None or (newest.tree != tree and (self._fresh or newest.note.kind == "import")):
                newest = import_file(self._store, tree, self._config.name)
            elif brought is not None and brought.tree != tree:
                _log.warning(
                    "settings_file_not_applied",
                    file=self._config.name,
                    revision=newest.number,
                    action="the node runs by the newest revision; xueliang config apply makes the file the newest",
                )
        return self._export(newest)

    def newer(self) -> Settings | None:
        """The settings of a revision that was made since, written beside the state; ``None`` without one."""
        if self._store.newest_number() <= self.number:
            return None
        newest = self._store.last()
        assert newest is not None
        return self._export(newest)

    async def follow(self, hand_out: Callable[[Settings, int], None]) -> None:
        """Until cancelled: each new revision to ``hand_out``, with its number."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                settings = await asyncio.to_thread(self.newer)
            except (DBAPIError, SettingsFaults, OSError) as error:
                self.unread += 1
                if self.unread % 60 == 1:
                    _log.warning("revision_not_read", error=type(error).__name__, times=self.unread)
                continue
            if settings is not None:
                hand_out(settings, self.number)
                _log.info("revision_handed_out", revision=self.number, cameras=len(settings.cameras))

    def close(self) -> None:
        """End the connections to the database."""
        self._engine.dispose()

    def _export(self, revision: Revision) -> Settings:
        settings = load_data(revision.tree, self._config, self._whole)
        file = settings_file(self._first)
        note = revision.note
        head = f"Revision {note.number}, written at each change. A file of your own: xueliang config apply."
        _replace(file.with_suffix(".yaml"), as_yaml(revision.tree, head))
        _replace(file, json.dumps(revision.tree, ensure_ascii=False))
        self.number = revision.number
        return settings


def import_file(store: RevisionStore, tree: dict[str, Any], why: str, tries: int = 5) -> Revision:
    """Make a file's document the newest revision. Raises :class:`Outdated` where others are faster all the time."""
    for _ in range(tries - 1):
        try:
            return Revision(store.add(store.newest_number(), tree, by=BY, by_name=BY, why=why, kind="import"), tree)
        except Outdated:
            continue
    return Revision(store.add(store.newest_number(), tree, by=BY, by_name=BY, why=why, kind="import"), tree)


class Handing:
    """Hands cameras to the workers of one node; who holds a camera keeps it."""

    def __init__(self, folder: Path, workers: tuple[Assignment, ...]) -> None:
        self._folder = folder
        self.workers = workers

    def write(self) -> tuple[Path, ...]:
        """The file of each worker."""
        return tuple(assignment.write(self._folder, each) for each in self.workers)

    def hand_out(self, settings: Settings, revision: int) -> None:
        """The cameras of a new revision."""
        self.workers = assignment.follow(self.workers, settings.cameras, revision)
        self.write()


def _replace(file: Path, text: str) -> None:
    """Whole or not at all; readable by its owner, since what it says of cameras concerns nobody else."""
    new = file.with_name(f".{file.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    new.replace(file)
