"""The clips that lie in the evidence folder: how much of the disk they take, and whose they are."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alerts.event_id import time_of

ID_CHARS = 36
"""So long is the event's id at the beginning of a clip's name."""

_TICK_NS = 1_000_000_000
_NAME = re.compile(r"([0-9a-f-]{36})(?:-([A-Za-z0-9][A-Za-z0-9_.-]{0,63}))?\.mp4", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeptClip:
    """``moment``: about when its event was found, UTC epoch s. ``camera_id`` is empty where its name does not say it,
    as earlier releases wrote it."""

    path: Path
    event_id: str
    camera_id: str
    moment: float
    bytes: int


class KeptClips:
    """Below ``evidence``. A day's folder is read again only when something in it has changed. One thread."""

    def __init__(self, evidence: Path) -> None:
        self._root = evidence / "clips"
        self._days: dict[Path, tuple[int, tuple[KeptClip, ...]]] = {}

    def read(self, beside: Path) -> list[KeptClip]:
        """All of them, where they lie on the same disk as ``beside``; else none. Raises ``OSError``."""
        try:
            if self._root.stat().st_dev != beside.stat().st_dev:
                return []
        except FileNotFoundError:
            return []
        days: dict[Path, tuple[int, tuple[KeptClip, ...]]] = {}
        for folder in self._root.glob("*/*/*"):
            try:
                changed_ns = folder.stat().st_mtime_ns
                known = self._days.get(folder)
                clips = known[1] if known is not None and known[0] == changed_ns else tuple(_clips(folder))
            except (FileNotFoundError, NotADirectoryError):  # retention was faster, or it is not ours
                continue
            # A folder that has just changed may change again within the same tick of its clock.
            settled = time.time_ns() - changed_ns > _TICK_NS
            days[folder] = changed_ns if settled else -1, clips
        self._days = days
        return [clip for _, clips in days.values() for clip in clips]


def _clips(folder: Path) -> Iterator[KeptClip]:
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None:
                continue
            try:
                told = entry.stat()
            except FileNotFoundError:
                continue
            try:
                moment = time_of(match[1])
            except ValueError:
                moment = told.st_mtime
            yield KeptClip(Path(entry.path), match[1], match[2] or "", moment, told.st_size)
