"""From pictures to files and back: nothing torn, nothing lost but what was in the making, every hole told."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest

from alerts.recording.archive import Archive, timeline
from alerts.recording.index import index_of, repair
from alerts.recording.playback import play
from alerts.recording.recorder import StreamRecorder
from alerts.recording.writer import RecordingWriter
from ingest.packet import AccessUnit

At = Callable[..., list[AccessUnit]]
Record = Callable[..., RecordingWriter]


@pytest.fixture
def record(archive: Archive) -> Iterator[Record]:
    """Records pictures as a worker would, to the end of the last GOP."""
    writers: list[RecordingWriter] = []

    def run(units: list[AccessUnit], *, file_s: float = 300, **options: object) -> RecordingWriter:
        writer = RecordingWriter(archive, file_s=file_s, **options)  # type: ignore[arg-type]
        writers.append(writer)
        writer.start()
        recorder = StreamRecorder(
            "continuous", pre_roll_s=5, submit=lambda gop, missing: writer.submit("gate", gop, missing)
        )
        for unit in units:
            recorder.on_unit(unit, 3600)
        recorder.flush()
        assert writer.wait_written(5)
        return writer

    yield run
    for writer in writers:
        writer.stop()


def played(archive: Archive, begins_at: float, ends_at: float) -> list[float]:
    """Times of all pictures, decoded from start to end; nothing may go wrong with any of them."""
    playback = play(archive, "gate", begins_at, ends_at)
    assert playback is not None
    with av.open(io.BytesIO(b"".join(playback.chunks)), "r", format="mp4") as container:
        return [frame.time for frame in container.decode(video=0)]


def test_a_span_over_several_files_plays_without_a_hole(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(100), file_s=1)
    assert len(archive.files("gate")) > 2
    times = played(archive, 1000.5, 1003.5)
    assert times == pytest.approx([index / 25 for index in range(len(times))])
    assert len(times) == 80  # whole GOPs: from 1000.4 to 1003.6
    spans, gaps = timeline(archive.find("gate", 1000, 1004), 1000, 1004, None)
    (span,) = spans
    assert (span.begins_at, span.width, span.height) == (1000, 320, 180)
    assert span.ends_at == pytest.approx(1004)
    assert gaps == []


def test_what_a_kill_leaves_is_mended_from_the_fragments(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(50)).stop()
    (file,) = archive.files("gate")
    whole = index_of(file.path).read_bytes()
    index_of(file.path).unlink()
    with file.path.open("ab") as media:
        media.write(file.path.read_bytes()[-700:])  # the torn beginning of one more
    size = file.path.stat().st_size
    assert archive.repair("gate") == 5
    assert file.path.stat().st_size == size - 700
    mended = index_of(file.path).read_bytes()
    assert [len(mended), mended[:8]] == [len(whole), whole[:8]]
    assert len(played(archive, 1000, 1002)) == 50
    assert repair(file.path).entries == 0


def test_a_fragment_without_its_entry_is_entered(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(30)).stop()
    (file,) = archive.files("gate")
    os.truncate(index_of(file.path), index_of(file.path).stat().st_size - 60)  # one whole entry, and half of another
    assert archive.repair("gate") == 2
    assert len(played(archive, 1000, 1002)) == 30


def test_a_file_that_never_got_a_fragment_goes(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(10)).stop()
    (file,) = archive.files("gate")
    with file.path.open("r+b") as media:
        media.truncate(900)
    index_of(file.path).unlink()
    archive.repair("gate")
    assert archive.files("gate") == []


def test_after_a_restart_the_gap_is_told(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(20)).stop()
    record(pictures(20, at=1005.0))
    spans, gaps = timeline(archive.find("gate", 1000, 1007), 1000, 1007, "frozen")
    assert [(round(gap.begins_at, 1), gap.ends_at, gap.cause) for gap in gaps] == [
        (1000.8, 1005.0, "restart"),
        (pytest.approx(1005.8), 1007, "frozen"),
    ]
    assert len(spans) == 2
    times = played(archive, 1000, 1007)
    assert times == sorted(times)
    assert times[20] == pytest.approx(5.0)  # a gap stays as long as it was


def test_a_clock_that_is_put_back_loses_nothing(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(30) + pictures(30, at=900.0, dts=30 * 3600))
    assert len(archive.files("gate")) == 2
    times = played(archive, 890, 1010)
    assert len(times) == 60
    assert all(later > earlier for earlier, later in pairwise(times))
    spans, _ = timeline(archive.find("gate", 890, 1010), 890, 1010, None)
    assert [span.begins_at for span in spans] == [900, 1000]


def test_another_picture_size_begins_another_file_and_span(archive: Archive, pictures: At, record: Record) -> None:
    record(pictures(20) + pictures(20, at=1000.8, dts=20 * 3600, width=640))
    spans, gaps = timeline(archive.find("gate", 1000, 1001.6), 1000, 1001.6, None)
    assert [span.width for span in spans] == [320, 640]
    assert gaps == []
    assert len(played(archive, 1000, 1002)) == 20
    assert len(played(archive, spans[1].begins_at + 0.01, 1002)) == 20


def test_a_full_disk_is_told_and_tears_nothing(archive: Archive, pictures: At, record: Record) -> None:
    left = 4000

    def write(handle: int, data: bytes | memoryview) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = os.write(handle, data[: min(len(data), left)])
        left -= done
        return done

    writer = record(pictures(100), write=write)
    assert writer.counters()["refused_full"] > 0
    assert writer.missing("gate") == "disk_full"
    assert len(played(archive, 1000, 1010)) == writer.counters()["fragments"] * 10
    left = 1_000_000
    writer.stop()
    record(pictures(10, at=1004.0))
    _, gaps = timeline(archive.find("gate", 1000, 1004.4), 1000, 1004.4, None)
    assert len(gaps) == 1


def test_recording_goes_on_when_there_is_room_again(archive: Archive, pictures: At) -> None:
    full = True
    writer = RecordingWriter(archive, file_s=300, full=lambda: full)
    writer.start()
    recorder = StreamRecorder("continuous", pre_roll_s=5, submit=lambda gop, why: writer.submit("gate", gop, why))
    for unit in pictures(21):
        recorder.on_unit(unit, 3600)
    assert writer.wait_written(5)
    full = False
    for unit in pictures(31, at=1000.84, dts=21 * 3600):
        recorder.on_unit(unit, 3600)
    assert writer.wait_written(5)
    writer.stop()
    _, gaps = timeline(archive.find("gate", 999, 1002), 1000, 1002, None)
    assert gaps[0].cause == "disk_full"


def test_a_writer_that_lags_drops_and_says_so(archive: Archive, pictures: At, record: Record) -> None:
    writer = record(pictures(50), bound_bytes=10)
    assert writer.counters()["dropped"] == 5
    assert archive.files("gate") == []


def test_names_of_other_things_are_left_alone(archive: Archive, pictures: At, record: Record, tmp_path: Path) -> None:
    record(pictures(10))
    (archive.folder("gate") / "holiday.mp4").write_bytes(b"mine")
    assert len(archive.files("gate")) == 1
    with pytest.raises(ValueError, match="camera"):
        archive.files("../gate")
