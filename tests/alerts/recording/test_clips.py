"""Clips of alarms: they play, they cover their moment, they are whole or not there, and a killed worker owes none."""

from __future__ import annotations

import errno
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from redis import ConnectionError as RedisAway

from alerts.recording.archive import Archive
from alerts.recording.clip_file import NothingRecorded, write_clip
from alerts.recording.clips import ClipRequest, ClipWriter
from alerts.recording.evidence import Evidence
from alerts.recording.recorder import StreamRecorder
from alerts.recording.writer import RecordingWriter
from ingest.packet import AccessUnit

At = Callable[..., list[AccessUnit]]
Make = Callable[..., ClipWriter]


@pytest.fixture
def recorded(archive: Archive, pictures: At) -> Archive:
    """Eight seconds of the gate, then a gap of two, then two."""
    writer = RecordingWriter(archive, file_s=3)
    writer.start()
    recorder = StreamRecorder("continuous", pre_roll_s=1, submit=lambda gop, why: writer.submit("gate", gop, why))
    for unit in pictures(200) + pictures(50, at=1010.0, dts=10 * 90_000):
        recorder.on_unit(unit, 3600)
    recorder.flush()
    assert writer.stop()
    return archive


def request(moment: float = 1004.0, event_id: str = "e-1") -> ClipRequest:
    return ClipRequest(event_id=event_id, camera_id="gate", moment=moment, begins_at=moment - 1, ends_at=moment + 2)


class Told:
    """Takes evidence; ``away`` times it cannot."""

    def __init__(self, away: int = 0) -> None:
        self.evidence: list[Evidence] = []
        self.away = away
        self.came = threading.Semaphore(0)

    def __call__(self, evidence: Evidence) -> None:
        if self.away:
            self.away -= 1
            raise RedisAway("away")
        self.evidence.append(evidence)
        self.came.release()

    def one(self) -> Evidence:
        assert self.came.acquire(timeout=60)
        return self.evidence[-1]


@pytest.fixture
def make(recorded: Archive, tmp_path: Path) -> Iterator[Make]:
    writers: list[ClipWriter] = []
    begun = time.monotonic()

    def build(told: Told, *, now: float = 1020.0, full: bool = False) -> ClipWriter:
        writers.append(
            ClipWriter(
                recorded,
                tmp_path,
                told,
                missing=lambda _: "frozen",
                clock=lambda: now + time.monotonic() - begun,
                full=lambda: full,
            )
        )
        return writers[-1]

    yield build
    for writer in writers:
        writer.stop()


def test_a_clip_plays_in_any_player_and_covers_its_moment(recorded: Archive, tmp_path: Path) -> None:
    path = tmp_path / "clips" / "one.mp4"
    clip = write_clip(recorded, "gate", (1002.5, 1006.5), 1004.0, path)
    assert (clip.begins_at, round(clip.ends_at, 2)) == (1002.4, 1006.8)
    assert clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert clip.bytes == path.stat().st_size
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.frames, container.duration) == (110, 4_400_000)
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx([n / 25 for n in range(110)])
        container.seek(2_000_000, backward=True)
        assert next(container.decode(video=0)).time == pytest.approx(2.0)


def test_a_gap_inside_a_clip_stays_as_long_as_it_was(recorded: Archive, tmp_path: Path) -> None:
    write_clip(recorded, "gate", (1007.0, 1011.0), 1008.0, tmp_path / "one.mp4")
    with av.open(str(tmp_path / "one.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert max(later - earlier for earlier, later in pairwise(times)) == pytest.approx(2.04)


def test_what_cannot_be_written_is_not_there(recorded: Archive, tmp_path: Path) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_clip(recorded, "gate", (1002.5, 1006.5), 1004.0, tmp_path / "clips" / "one.mp4", fsync=refuse)
    assert list((tmp_path / "clips").iterdir()) == []
    with pytest.raises(NothingRecorded):
        write_clip(recorded, "gate", (2000, 2006.5), 2004.0, tmp_path / "clips" / "two.mp4")


def test_an_alarm_gets_its_clip_and_is_told_once(make: Make, tmp_path: Path) -> None:
    told = Told(away=1)
    writer = make(told)
    writer.start(frozenset({"gate"}))
    writer.request(request())
    writer.request(request())
    evidence = told.one()
    assert evidence.missing is None
    assert evidence.path == "clips/1970/01/01/e-1-gate.mp4"
    assert (tmp_path / evidence.path).stat().st_size == evidence.bytes
    assert writer.stop()
    assert len(told.evidence) == 1
    assert writer.counters()["untold"] == 1
    assert writer.counters()["pending"] == 0


def test_a_clip_that_a_killed_worker_owed_is_cut_by_the_next(make: Make, recorded: Archive, tmp_path: Path) -> None:
    killed = ClipWriter(recorded, tmp_path, Told(), missing=lambda _: "")
    killed.request(request())  # its thread never came to it
    told = Told()
    writer = make(told)
    writer.start(frozenset({"gate"}))
    assert told.one().path is not None
    assert writer.stop()
    assert list((recorded.folder("gate") / "pending").iterdir()) == []


def test_where_nothing_was_recorded_the_reason_is_told(make: Make) -> None:
    told = Told()
    writer = make(told, now=9999.0)
    writer.start(frozenset({"gate"}))
    writer.request(request(moment=5000.0))
    assert (told.one().path, told.evidence[0].missing) == (None, "frozen")


def test_a_full_disk_is_what_the_evidence_says(make: Make) -> None:
    told = Told()
    writer = make(told, full=True)
    writer.start(frozenset({"gate"}))
    writer.request(request())
    assert told.one().missing == "disk_full"
    assert writer.counters()["not_kept"] == 1
