"""What is told of clips is kept, however often it is told, and a clip that is there is never talked away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.recording.evidence import Evidence
from alerts.storage.database import open_engine
from alerts.storage.evidence import PAST, EvidenceStore

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


def test_what_retention_took_is_told_and_rows_end_with_their_events(store: EvidenceStore) -> None:
    store.append([KEPT])
    store.forget(clips_before=101, rows_before=999)
    found = store.get("e-1")
    assert found is not None
    assert (found.path, found.missing) == (None, PAST)
    store.forget(clips_before=101, rows_before=1001)
    assert store.get("e-1") is None
