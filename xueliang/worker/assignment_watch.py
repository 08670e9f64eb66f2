"""Looks twice a second whether the worker was handed other cameras, or the same ones of other settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from configs.loader import load
from configs.schema import Camera, Settings
from xueliang import assignment
from xueliang.assignment import Assignment

_log = structlog.get_logger(__name__)
LOOK_S = 0.5

Follow = Callable[[Settings, tuple[Camera, ...], int], None]
"""Takes the settings, the worker's cameras of them, and their revision."""


class AssignmentWatch:
    """One thread. ``seen`` is what the worker was started with; settings are written before the assignment is."""

    def __init__(
        self, file: Path, config: Path, environ: Mapping[str, str], follow: Follow, *, seen: Assignment
    ) -> None:
        self._file = file
        self._config = config
        self._environ = environ
        self._follow = follow
        self._seen = seen
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="assignment", daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self) -> None:
        """No further look is begun."""
        self._stopping.set()

    def look(self) -> None:
        """Follow what is new. Raises ``OSError``, ``ValueError`` and ``SettingsFaults`` where it cannot be read."""
        assigned = assignment.read(self._file)
        if assigned != self._seen:
            settings = load(self._config, self._environ)
            self._follow(settings, assigned.of(settings.cameras), assigned.revision)
            self._seen = assigned

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - supervises its own loop: logged, counted, tried again
                # The text of a fault may name a camera's address.
                self.failures += 1
                if self.failures % 60 == 1:
                    _log.error("assignment_not_followed", error=type(error).__name__, times=self.failures)
