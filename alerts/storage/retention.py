"""What is past its time goes: events from the store, pictures from the evidence folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import structlog

from alerts.records import Purged
from alerts.store import EventStore
from configs.schema import Retention

log = structlog.get_logger(__name__)

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run removed. ``refused`` folders could not be removed and stay."""

    stored: Purged
    pictures: int
    days: int
    refused: int


def enforce(store: EventStore, evidence: Path, retention: Retention, now: float) -> Removed:
    """Remove what is older than ``retention`` at ``now`` (UTC epoch seconds).

    Pictures go by whole UTC days, so that they stay up to a day longer and orphans go with them. The store is told
    first: a page never shows a picture that is gone.
    """
    stored = store.purge(now - retention.events_days * DAY_S)
    last_kept = datetime.fromtimestamp(now - retention.snapshots_days * DAY_S, UTC)
    midnight = last_kept.replace(hour=0, minute=0, second=0, microsecond=0)
    store.forget_pictures(midnight.timestamp())
    pictures = days = refused = 0
    for folder, day in _days(evidence / "snapshots"):
        if day >= midnight.date():
            continue
        try:
            inside = sum(1 for path in folder.iterdir() if path.suffix == ".jpg")
            shutil.rmtree(folder)
            _remove_if_empty(folder.parent, folder.parent.parent)
        except OSError as error:
            refused += 1
            log.warning("snapshots_not_removed", day=day.isoformat(), error=str(error))
            continue
        pictures += inside
        days += 1
    return Removed(stored, pictures, days, refused)


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
