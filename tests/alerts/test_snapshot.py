"""Snapshots as files: what is in them, and what happens when they cannot be written."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.event import Candidate, SeenObject
from alerts.snapshot import COLOURS, SnapshotWriter
from configs.schema import Line, Severity, Zone

MakeCandidate = Callable[..., Candidate]
YARD = Zone(id="yard", name="院内", polygon=((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)))
GATE = Line(id="gate", name="大门", a=(0.1, 0.5), b=(0.9, 0.5))
PERSON = SeenObject(track_id=1, label="person", score=0.9, box=(0.25, 0.25, 0.5, 0.75))


@dataclass(frozen=True)
class Grey:
    """An even grey picture."""

    width: int = 640
    height: int = 360

    def bgr(self, width: int, height: int) -> NDArray[np.uint8]:
        return np.full((height, width, 3), 90, np.uint8)


def read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8)


def near(image: NDArray[np.uint8], x: int, y: int, colour: tuple[int, int, int]) -> bool:
    """Whether there is about this colour within two pixels; JPEG smears thin lines."""
    around = image[y - 2 : y + 3, x - 2 : x + 3].astype(int)
    return bool((np.abs(around - np.array(colour)).max(axis=2) < 90).any())


@pytest.mark.parametrize("severity", Severity)
def test_the_file_is_the_frame_with_box_and_zone(
    tmp_path: Path, make_candidate: MakeCandidate, severity: Severity
) -> None:
    candidate = make_candidate(severity=severity, objects=(PERSON,), occurred_at=1_790_000_000.0)
    writer = SnapshotWriter(tmp_path)
    snapshot = writer.attach(candidate, Grey(), YARD).event.snapshot
    assert snapshot is not None
    assert snapshot.path == f"snapshots/2026/09/21/{candidate.event.id}.jpg"
    data = (tmp_path / snapshot.path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == snapshot.sha256
    image = read(tmp_path / snapshot.path)
    assert image.shape == (360, 640, 3) == (snapshot.height, snapshot.width, 3)
    assert near(image, 160, 180, COLOURS[severity]), "left side of the box"
    assert near(image, 240, 269, COLOURS[severity]), "foot of the box"
    assert near(image, 64, 180, COLOURS[severity]), "left side of the zone"
    assert np.abs(image[300, 320].astype(int) - 90).max() < 12, "elsewhere the picture is as it was"
    assert writer.counters() == {"written": 1, "failed": 0, "discarded": 0}


def test_a_line_is_drawn_and_a_large_picture_made_smaller(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    writer = SnapshotWriter(tmp_path)
    event = writer.attach(make_candidate(severity=Severity.LOW), Grey(2560, 1440), GATE).event
    assert event.snapshot is not None
    assert (event.snapshot.width, event.snapshot.height) == (1280, 720)
    assert near(read(tmp_path / event.snapshot.path), 640, 360, COLOURS[Severity.LOW])


def test_an_event_outlives_a_picture_that_cannot_be_written(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    (tmp_path / "snapshots").write_text("in the way")
    candidate = make_candidate()
    writer = SnapshotWriter(tmp_path)
    assert writer.attach(candidate, Grey(), None) == candidate
    assert writer.counters()["failed"] == 1


def test_a_full_disk_leaves_no_half_picture(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = SnapshotWriter(tmp_path, fsync=full)
    assert writer.attach(make_candidate(), Grey(), None).event.snapshot is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_picture_of_a_repeat_goes_again(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    writer = SnapshotWriter(tmp_path)
    candidate = writer.attach(make_candidate(), Grey(), None)
    writer.discard(candidate)
    writer.discard(candidate)
    writer.discard(make_candidate())
    assert not list(tmp_path.rglob("*.jpg"))


def test_cameras_write_at_once(tmp_path: Path, make_candidate: MakeCandidate) -> None:
    writer = SnapshotWriter(tmp_path)
    candidates = [make_candidate() for _ in range(16)]
    threads = [threading.Thread(target=writer.attach, args=(c, Grey(64, 36), YARD)) for c in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(list(tmp_path.rglob("*.jpg"))) == 16
    assert writer.counters()["written"] == 16
