"""What is told of clips is kept, however often it is told, and a clip that is there is never talked away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.recording.evidence import PAST, Evidence
from alerts.storage.database import open_engine
from alerts.storage.evidence import EvidenceStore
from alerts.storage.retention import enforce
from alerts.store import EventStore
from configs.schema import Retention

KEPT = Evidence(
    event_id="e-1", camera_id="gate", path="clips/a.mp4", sha256="0" * 64, begins_at=100.0, ends_at=115.0, bytes=9
)
MISSING = Evidence(event_id="e-1", camera_id="gate", missing="disk_full")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EvidenceStore]:
    engine = open_engine(f"sqlite:///{tmp_path / 'clips.db'}")
    store = EvidenceStore(engine, clock=lambda: 1000.0)
    store.migrate()
    assert store.migrate() == 0
    yield store
    engine.dispose()


def test_a_clip_is_found_and_an_unknown_one_is_not(store: EvidenceStore) -> None:
    store.append([KEPT, KEPT])
    assert store.get("e-1") == KEPT
    assert store.get("e-2") is None


@pytest.mark.parametrize("told", [(KEPT, MISSING), (MISSING, KEPT)])
def test_a_clip_outlives_the_news_that_there_is_none(store: EvidenceStore, told: tuple[Evidence, ...]) -> None:
    for each in told:
        store.append([each])
    assert store.get("e-1") == KEPT


def test_a_clip_that_was_removed_for_want_of_room_is_said_to_be_gone(store: EvidenceStore) -> None:
    store.append([KEPT, Evidence(event_id="e-1", camera_id="gate", missing=PAST)])
    found = store.get("e-1")
    assert found is not None
    assert (found.path, found.missing, found.bytes) == (None, PAST, 0)


def test_what_retention_took_is_told_and_rows_end_with_their_events(store: EvidenceStore) -> None:
    store.append([KEPT])
    store.forget(clips_before=101, rows_before=999)
    found = store.get("e-1")
    assert found is not None
    assert (found.path, found.missing) == (None, PAST)
    store.forget(clips_before=101, rows_before=1001)
    assert store.get("e-1") is None


def test_clips_go_by_whole_days_and_their_rows_say_so(tmp_path: Path) -> None:
    now = datetime(2026, 1, 10, tzinfo=UTC).timestamp()
    events = EventStore(open_engine(f"sqlite:///{tmp_path / 'clips.db'}"))
    events.migrate()
    store = EvidenceStore(events.engine, clock=lambda: now)
    store.migrate()
    for day in ("2026/01/01", "2026/01/09"):
        (tmp_path / "clips" / day).mkdir(parents=True)
        (tmp_path / "clips" / day / "e.mp4").write_bytes(b"film")
    store.append([KEPT.model_copy(update={"begins_at": datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()})])
    removed = enforce(events, tmp_path, Retention(clips_days=2, events_days=3650), now, store)
    assert (removed.clips, removed.days, removed.refused) == (1, 1, 0)
    assert [path.name for path in (tmp_path / "clips" / "2026" / "01").iterdir()] == ["09"]
    found = store.get("e-1")
    assert found is not None
    assert found.missing == PAST
    events.engine.dispose()
