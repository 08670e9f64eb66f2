"""What is recorded of a stream by each mode, and how little waits in memory for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.recording.gop import Gop
from alerts.recording.recorder import SLACK_S, StreamRecorder
from configs.recording import RecordingMode
from ingest.packet import AccessUnit
from ingest.state import Fault, Phase, StreamState

At = Callable[..., list[AccessUnit]]


class Disk:
    """Takes what is submitted; ``full`` drops it."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, float, str]] = []
        self.full = False

    def __call__(self, gop: Gop, missing: str) -> bool:
        if not self.full:
            self.taken.append((round(gop.begins_at, 2), round(gop.ends_at, 2), missing))
        return not self.full


def recorder(mode: RecordingMode, disk: Disk, pre_roll_s: float = 1.0) -> StreamRecorder:
    return StreamRecorder(mode, pre_roll_s=pre_roll_s, submit=disk)


def feed(recorder: StreamRecorder, units: list[AccessUnit]) -> None:
    for unit in units:
        recorder.on_unit(unit, 3600)


def test_continuous_takes_every_gop_when_the_next_begins(pictures: At) -> None:
    disk = Disk()
    one = recorder("continuous", disk)
    feed(one, pictures(31))
    assert disk.taken == [(1000.0, 1000.4, "restart"), (1000.4, 1000.8, ""), (1000.8, 1001.2, "")]
    one.flush()
    assert disk.taken[-1] == (1001.2, 1001.24, "")


def test_around_an_alarm_pre_roll_and_post_roll_are_recorded_and_nothing_else(pictures: At) -> None:
    disk = Disk()
    one = recorder("events", disk)
    feed(one, pictures(251))
    assert disk.taken == []
    one.hold(1008.5, 1010.9)
    assert disk.taken[0] == (1008.4, 1008.8, "policy")
    assert disk.taken[-1] == (1009.6, 1010.0, "")
    feed(one, pictures(60, at=1010.04, dts=251 * 3600))
    assert disk.taken[-1][:2] == (1010.84, 1011.24)  # the GOP in which the post-roll ends


@pytest.mark.parametrize("seconds", [10, 30])
def test_the_ring_holds_the_pre_roll_and_no_more(pictures: At, seconds: int) -> None:
    one = recorder("events", disk := Disk(), pre_roll_s=3)
    units = pictures(25 * seconds)
    feed(one, units)
    per_s = sum(unit.size for unit in units) / seconds
    assert one.ring_bytes <= (3 + SLACK_S + 0.8) * per_s * 1.2
    one.hold(0, 0)
    assert disk.taken[0][0] <= 1000 + seconds - 3 - 0.8


def test_a_clock_that_is_put_back_does_not_fill_the_memory(pictures: At) -> None:
    one = recorder("events", Disk())
    feed(one, pictures(250))
    before = one.ring_bytes
    feed(one, pictures(250, at=500.0, dts=250 * 3600))
    assert one.ring_bytes <= before * 1.1


def test_a_gap_is_told_with_its_cause(pictures: At) -> None:
    disk = Disk()
    one = recorder("continuous", disk)
    feed(one, pictures(11))
    one.tick(1003.0)  # two seconds of silence: what there is goes to the disk
    assert [begin for begin, *_ in disk.taken] == [1000.0, 1000.4]
    one.on_state(StreamState("gate", "main", Phase.STALE, Fault.FROZEN, 1002.0, 1002.0, 0, "no packets"))
    feed(one, pictures(11, at=1010.0, dts=900_000))
    assert disk.taken[-1] == (1010.0, 1010.4, "frozen")
    disk.full = True
    feed(one, pictures(10, at=1010.44, dts=940_000))
    disk.full = False
    feed(one, pictures(21, at=1011.0, dts=990_000))
    assert disk.taken[-1][2] in {"queue_full", ""}
    assert "queue_full" in {missing for *_, missing in disk.taken}


def test_stepping_back_and_forth_keeps_what_is_around_alarms(pictures: At) -> None:
    disk = Disk()
    one = recorder("continuous", disk)
    feed(one, pictures(51))
    one.set_mode("events", "disk_full")
    feed(one, pictures(150, at=1002.04, dts=51 * 3600))
    assert len(disk.taken) == 5
    one.hold(1007.0, 1007.1)
    assert disk.taken[5][2] == "disk_full"
    one.set_mode("none", "disk_full")
    feed(one, pictures(50, at=1009.0, dts=300 * 3600))
    assert one.ring_bytes == 0
    assert one.missing == "disk_full"
    one.set_mode("continuous", "policy")
    feed(one, pictures(21, at=1012.0, dts=400 * 3600))
    assert disk.taken[-3][2] == "disk_full"
