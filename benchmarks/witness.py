"""Who knows what was reported: reads the spools of a running node as they are written.

A candidate counts as reported once it lies in a spool. Segments are removed seconds after they were written, at the
earliest; the witness looks every few milliseconds, so it sees every record.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from alerts.delivery.spool import NUMBER_BYTES
from alerts.delivery.spool_file import CANDIDATE, scan
from alerts.event import Candidate

LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """One reported candidate."""

    event_id: str
    dedup_key: str
    camera_id: str
    window_s: float
    detected_at: float


class Witness:
    """Follows all spools below ``folder`` until :meth:`stop`. ``reported`` is by event id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="witness", daemon=True)
        self.reported: dict[str, Seen] = {}

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """One last look, then end."""
        self._ended.set()
        self._thread.join(10)
        self._look()

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        for path in sorted(self._folder.glob("*/*.spool")):
            at = self._read.get(path, 0)
            try:
                with path.open("rb") as file:
                    file.seek(at)
                    data = file.read()
            except FileNotFoundError:
                continue  # removed since it was listed: read to its end long before
            found = scan(data)
            # A record that is being written is read whole the next time.
            self._read[path] = at + len(data) - found.torn
            for record in found.records:
                if record.kind == CANDIDATE:
                    self._take(record.content[NUMBER_BYTES:])

    def _take(self, content: bytes) -> None:
        try:
            candidate = Candidate.model_validate_json(content)
        except ValidationError:
            return
        event = candidate.event
        self.reported[event.id] = Seen(
            event.id, candidate.dedup_key, event.camera_id, candidate.window_s, event.detected_at
        )
