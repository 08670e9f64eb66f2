"""What is past its time goes: events from the store, pictures and clips from the evidence folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

from alerts.records import Purged
from alerts.storage.evidence import EvidenceStore
from alerts.store import EventStore
from configs.schema import Retention

log = structlog.get_logger(__name__)

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run removed; ``days`` of pictures and of clips. ``refused`` folders could not be removed and stay."""

    stored: Purged
    pictures: int
    days: int
    refused: int
    clips: int = 0


def enforce(
    store: EventStore, evidence: Path, retention: Retention, now: float, clips: EvidenceStore | None = None
) -> Removed:
    """Remove what is older than ``retention`` at ``now`` (UTC epoch seconds).

    Pictures and clips go by whole UTC days, so that they stay up to a day longer and orphans go with them. The store is
    told first: a page never shows a picture that is gone.
    """
    events_before = now - retention.events_days * DAY_S
    stored = store.purge(events_before)
    pictures_before = _midnight(now - retention.snapshots_days * DAY_S)
    store.forget_pictures(pictures_before.timestamp())
    pictures = _remove_days(evidence / "snapshots", ".jpg", pictures_before)
    clips_before = _midnight(now - retention.clips_days * DAY_S)
    if clips is not None:
        clips.forget(clips_before.timestamp(), events_before)
    films = _remove_days(evidence / "clips", ".mp4", clips_before)
    return Removed(stored, pictures.files, pictures.days + films.days, pictures.refused + films.refused, films.files)


@dataclass(slots=True)
class _Gone:
    files: int = 0
    days: int = 0
    refused: int = 0


def _midnight(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _remove_days(root: Path, suffix: str, before: datetime) -> _Gone:
    gone = _Gone()
    for folder, day in _days(root):
        if day >= before.date():
            continue
        try:
            inside = sum(1 for path in folder.iterdir() if path.suffix == suffix)
            shutil.rmtree(folder)
            _remove_if_empty(folder.parent, folder.parent.parent)
        except OSError as error:
            gone.refused += 1
            log.warning("evidence_not_removed", kind=root.name, day=day.isoformat(), error=str(error))
            continue
        gone.files += inside
        gone.days += 1
    return gone


def _days(root: Path) -> Iterator[tuple[Path, date]]:
    """The folders ``YYYY/MM/DD`` below ``root``; anything else there is not ours."""
    for folder in sorted(root.glob("*/*/*")):
        name = "-".join(folder.parts[-3:])
        if folder.is_dir() and not folder.is_symlink() and re.fullmatch(r"\d{4}-\d\d-\d\d", name, re.ASCII):
            yield folder, datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC).date()


def _remove_if_empty(*folders: Path) -> None:
    for folder in folders:
        if not any(folder.iterdir()):
            folder.rmdir()
