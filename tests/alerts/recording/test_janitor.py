"""The disk's budget is kept by one of several, locks hold, and what gets difficult is told before it is too late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from alerts.event_id import new_event_id
from alerts.recording.archive import Archive
from alerts.recording.clip_file import relative_path
from alerts.recording.evidence import Evidence
from alerts.recording.gop import Gop
from alerts.recording.janitor import GB, SWEEP_EVERY, URGENT_EVERY, Janitor
from alerts.recording.kept_clips import KeptClips
from alerts.recording.locks import Locks, RecordingLock
from alerts.recording.recorder import StreamRecorder
from alerts.recording.writer import RecordingWriter
from configs.recording import CameraRecording, RecordingMode, RecordingSettings
from ingest.packet import AccessUnit

At = Callable[..., list[AccessUnit]]
WANTED = {"gate": CameraRecording(mode="continuous"), "yard": CameraRecording(mode="continuous", priority="low")}


class Disk:
    """A disk that says what a test wants."""

    def __init__(self) -> None:
        self.free = 100 * GB

    def __call__(self, _: Path) -> tuple[int, int]:
        return 1000 * GB, self.free


@pytest.fixture
def filled(archive: Archive, pictures: At) -> Archive:
    """Five files of 0.8 s for the gate, the last of which may still be open."""
    writer = RecordingWriter(archive, file_s=0.7)
    writer.start()

    def submit(gop: Gop, missing: str) -> bool:
        return writer.submit("gate", gop, missing)

    recorder = StreamRecorder("continuous", pre_roll_s=1, submit=submit)
    for unit in pictures(100):
        recorder.on_unit(unit, 3600)
    recorder.flush()
    writer.stop()
    assert len(archive.files("gate")) == 5
    return archive


def janitor(
    archive: Archive,
    settings: RecordingSettings,
    disk: Disk,
    heard: list[Mapping[str, RecordingMode]],
    told: list[Evidence] | None = None,
) -> Janitor:
    return Janitor(
        archive,
        Locks(archive),
        settings,
        WANTED,
        apply=heard.append,
        clips=KeptClips(archive.root.parent / "evidence"),
        tell=(told if told is not None else []).append,
        clock=lambda: 1010.0,
        usage=disk,
    )


def clip(archive: Archive, camera_id: str, at: float, size: int) -> tuple[str, Path]:
    """A clip of an alarm at ``at``, as it lies in the evidence folder."""
    event_id = new_event_id(lambda: at)
    path = archive.root.parent / "evidence" / relative_path(event_id, camera_id, at)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return event_id, path


def looks(one: Janitor, count: int) -> None:
    for _ in range(count):
        one.look()


def numbers(archive: Archive) -> list[int]:
    return [file.number for file in archive.files("gate")]


def sizes(archive: Archive) -> list[int]:
    return [file.path.stat().st_size for file in archive.files("gate")]


def test_the_budget_is_kept_by_the_oldest(filled: Archive) -> None:
    (filled.root / "lost+found").mkdir()
    budget = sum(sizes(filled)[2:]) * 1.03 / GB
    one = janitor(filled, RecordingSettings(budget_gb=budget), Disk(), [])
    one.look()
    assert numbers(filled) == [3, 4, 5]
    assert not list(filled.folder("gate").glob("00000001*"))
    assert one.counters()["deleted_files"] == 2
    assert one.warning is None
    one.stop()


def test_a_lock_outlives_the_budget_until_it_is_taken_away(filled: Archive) -> None:
    locks = Locks(filled)
    locks.add("gate", RecordingLock(id="l1", begins_at=1000.9, ends_at=1001.0, reason="case 7", by="wei", at=1005.0))
    one = janitor(filled, RecordingSettings(budget_gb=1e-9), Disk(), [])
    one.look()
    assert numbers(filled) == [2, 5]  # what is locked, and what may be open
    assert one.warning == "locked"
    assert one.state is not None
    assert one.state.locked_bytes == sizes(filled)[0]
    assert locks.remove("gate", "l1") is not None
    assert locks.remove("gate", "l1") is None
    looks(one, SWEEP_EVERY)
    assert numbers(filled) == [5]
    one.stop()


def test_clips_count_and_go_last_and_a_lock_of_their_camera_holds_them(filled: Archive) -> None:
    told: list[Evidence] = []
    old_id, old = clip(filled, "gate", 1001.0, 500_000)
    _, new = clip(filled, "gate", 1008.0, 500_000)
    _, held = clip(filled, "yard", 500.0, 500_000)
    Locks(filled).add("yard", RecordingLock(id="l", begins_at=499, ends_at=501, reason="case 7", by="wei", at=1005.0))
    room = sizes(filled)[-1] + 1000
    one = janitor(filled, RecordingSettings(budget_gb=(1_500_000 + room) / 0.98 / GB), Disk(), [], told)
    one.look()
    assert (numbers(filled), old.exists(), new.exists(), held.exists()) == ([5], True, True, True)
    assert one.state is not None
    assert one.state.used_bytes == 1_500_000 + sizes(filled)[0]
    assert one.state.locked_bytes == 500_000
    one.stop()
    one = janitor(filled, RecordingSettings(budget_gb=(1_000_000 + room) / 0.98 / GB), Disk(), [], told)
    looks(one, 3 * SWEEP_EVERY)
    assert (old.exists(), one.degraded()) == (True, {"gate": "activity", "yard": "events"})
    looks(one, 2 * SWEEP_EVERY)
    assert one.degraded() == {"gate": "events", "yard": "events"}
    assert (old.exists(), new.exists(), held.exists()) == (False, True, True)
    assert [(each.event_id, each.camera_id, each.missing) for each in told] == [(old_id, "gate", "retention")]
    one.stop()


def test_locks_that_nobody_can_read_lock_everything(filled: Archive) -> None:
    (filled.folder("gate") / "locks.json").write_text("torn", "utf-8")
    one = janitor(filled, RecordingSettings(budget_gb=1e-9), Disk(), [])
    one.look()
    assert len(numbers(filled)) == 5
    assert one.counters()["errors"] == 1
    one.stop()


def test_old_recordings_go_although_there_is_room(filled: Archive) -> None:
    one = janitor(filled, RecordingSettings(keep_days=(1010 - 1002) / 86400), Disk(), [])
    one.look()
    assert numbers(filled) == [3, 4, 5]
    one.stop()


def test_a_disk_that_others_fill_makes_recording_step_back_by_name_and_come_again(filled: Archive) -> None:
    disk, heard = Disk(), list[Mapping[str, RecordingMode]]()
    one = janitor(filled, RecordingSettings(reserve_gb=10), disk, heard)
    one.look()
    disk.free = 15 * GB
    looks(one, 1)
    assert (one.warning, one.full) == ("nearly_full", False)
    disk.free = 9 * GB
    looks(one, URGENT_EVERY)
    assert numbers(filled) == [5]
    assert one.degraded() == {"yard": "activity"}
    assert heard[-1] == {"gate": "continuous", "yard": "activity"}
    disk.free = 4 * GB
    looks(one, 1)
    assert (one.warning, one.full) == ("full", True)
    looks(one, 6 * URGENT_EVERY)
    assert one.degraded() == {"gate": "none", "yard": "none"}
    disk.free = 500 * GB
    looks(one, 30 * SWEEP_EVERY)
    assert heard[-1] == {"gate": "continuous", "yard": "continuous"}
    assert one.warning is None
    one.stop()


def test_of_two_one_deletes_and_the_other_takes_over(filled: Archive) -> None:
    settings, heard = RecordingSettings(budget_gb=1e-9), list[Mapping[str, RecordingMode]]()
    first, second = janitor(filled, settings, Disk(), []), janitor(filled, settings, Disk(), heard)
    first.look()
    second.look()
    assert (first.counters()["deleted_files"], second.counters()["deleted_files"]) == (4, 0)
    assert second.degraded() == first.degraded() != {}  # told by the other's file
    assert heard
    first.stop()
    second.look()
    assert second.state is not None
    second.stop()
