"""Playing in virtual time: hours pass at once."""

from __future__ import annotations

import heapq
import itertools
import struct
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.camera import camera_timeline
from ingest.simulator.fault import SimFault
from ingest.simulator.material import Track
from ingest.simulator.playout import MIN_BUFFER, Playout, Timeline, Viewer
from ingest.simulator.rtsp.rtp import NTP_EPOCH, packetize

SPS, PPS = b"\x67sps", b"\x68pps"


class Handle:
    """A timer that can be cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """Steady time, wall time and timers."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.wall_ahead = 1_700_000_000.0
        self._timers: list[tuple[float, int, Handle, Callable[[], None]]] = []
        self._count = itertools.count()

    def steady(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wall_ahead

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        handle = Handle()
        heapq.heappush(self._timers, (when, next(self._count), handle, callback))
        return handle

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, handle, callback = heapq.heappop(self._timers)
            if not handle.cancelled:
                self.now = max(self.now, when)
                callback()
        self.now = end


class Recorder:
    """A wire that keeps what is written; ``backlog`` is what it claims to hold."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.reports: list[bytes] = []
        self.backlog = 0

    def write(self, data: bytes | bytearray, /) -> None:
        position = 0
        while position < len(data):
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            body = bytes(data[position + 4 : position + 4 + length])
            (self.rtp if data[position + 1] == 0 else self.reports).append(body)
            position += 4 + length

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def timestamps(self) -> list[int]:
        """One a frame."""
        return [struct.unpack(">I", packet[4:8])[0] for packet in self.rtp if packet[1] & 0x80]

    def frames(self) -> list[int]:
        """Places in the loop, which the test track writes into its slices."""
        return [int.from_bytes(packet[13:15], "big") for packet in self.rtp if packet[12] & 31 in (1, 5)]


def make_track(length: int = 120, gop: int = 50, fps: Fraction = Fraction(25)) -> Track:
    trains, since_key = [], []
    for index in range(length):
        key = index % gop == 0
        body = bytes([0x65 if key else 0x61]) + index.to_bytes(2, "big")
        trains.append(packetize([SPS, PPS, body] if key else [body]))
        since_key.append(index % gop)
    return Track(320, 180, fps, (SPS, PPS), tuple(trains), tuple(since_key))


class Stage:
    """A playing camera in virtual time; ``variant`` is what it shows while it is dark."""

    def __init__(self, track: Track | None = None, variant: Track | None = None) -> None:
        self.world = World()
        self.fault = SimFault.NONE
        self.timeline = Timeline(self.world.steady, self.world.wall, origin=4000.0)
        self.playout = Playout(track or make_track(), self.timeline, self.world, lambda: self.fault, self._variant)
        self._dark = variant

    def _variant(self, fault: SimFault) -> Track | None:
        return self._dark if fault is SimFault.DARK else None

    def join(self) -> tuple[Viewer, Recorder]:
        wire = Recorder()
        viewer = Viewer(wire, (0, 1), self.timeline, self.playout.track, self.playout.counters)
        self.playout.add(viewer, self.playout.first_index())
        return viewer, wire


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_new_viewer_gets_the_whole_current_gop_at_once(stage: Stage) -> None:
    stage.world.run(0.97)
    _, wire = stage.join()
    newest = stage.timeline.newest(Fraction(25)) % 120
    assert wire.rtp[0][12] & 31 == 7, "parameter sets first"
    assert wire.frames()[0] % 50 == 0
    assert wire.frames() == list(range(newest // 50 * 50, newest + 1))


def test_frames_leave_in_real_time_and_timestamps_run_on_over_the_seam(stage: Stage) -> None:
    _, wire = stage.join()
    began = len(wire.frames())
    stage.world.run(120.0)
    assert len(wire.frames()) - began == 3000
    steps = {(b - a) % 2**32 for a, b in itertools.pairwise(wire.timestamps())}
    assert steps == {3600}
    assert all((b - a) % 120 == 1 for a, b in itertools.pairwise(wire.frames()))
    sequences = [struct.unpack(">H", packet[2:4])[0] for packet in wire.rtp]
    assert all((b - a) % 65536 == 1 for a, b in itertools.pairwise(sequences))


def test_the_first_report_precedes_the_first_packet_and_tells_the_time_of_capture(stage: Stage) -> None:
    stage.world.run(0.5)
    first = stage.playout.first_index()
    _, wire = stage.join()
    report = wire.reports[0]
    seconds, fraction, timestamp = struct.unpack(">III", report[8:20])
    captured = stage.timeline.due(first, Fraction(25)) + stage.world.wall_ahead
    assert seconds - NTP_EPOCH + fraction / 2**32 == pytest.approx(captured, abs=1e-4)
    assert timestamp == wire.timestamps()[0]


def test_reports_follow_every_two_seconds_and_follow_a_wall_clock_that_is_set(stage: Stage) -> None:
    _, wire = stage.join()
    stage.world.run(10.0)
    assert 5 <= len(wire.reports) <= 7
    before = _wall_at_rtp_zero(wire.reports[-1])
    stage.world.wall_ahead += 100.0
    stage.world.run(4.0)
    assert _wall_at_rtp_zero(wire.reports[-1]) - before == pytest.approx(100.0, abs=1e-3)


def _wall_at_rtp_zero(report: bytes) -> float:
    seconds, fraction, timestamp = struct.unpack(">III", report[8:20])
    return float(seconds + fraction / 2**32 - timestamp / 90_000)


@given(st.floats(0.01, 9.0), st.floats(0.01, 9.0))
def test_every_viewer_sees_the_same_instant(first_wait: float, second_wait: float) -> None:
    stage = Stage()
    _, early = stage.join()
    stage.world.run(first_wait)
    _, late = stage.join()
    stage.world.run(second_wait)
    assert early.frames()[-1] == late.frames()[-1]
    assert late.frames() == early.frames()[-len(late.frames()) :], "and none of it twice"


def test_main_and_sub_show_the_same_instant() -> None:
    world = World()
    timeline = Timeline(world.steady, world.wall, origin=4000.0)
    main = Playout(make_track(200, 50), timeline, world, lambda: SimFault.NONE)
    sub = Playout(make_track(100, 25, Fraction(25, 2)), timeline, world, lambda: SimFault.NONE)
    wires = []
    for playout in (main, sub):
        wire = Recorder()
        playout.add(Viewer(wire, (0, 1), timeline, playout.track, playout.counters), playout.first_index())
        wires.append(wire)
    for _ in range(30):
        world.run(0.7301)
        assert wires[0].frames()[-1] // 2 == wires[1].frames()[-1]


def test_a_slow_viewer_loses_whole_frames_up_to_the_next_key_frame_and_each_is_counted(stage: Stage) -> None:
    _, slow = stage.join()
    _, quick = stage.join()
    shared = len(slow.frames())
    slow.backlog = MIN_BUFFER + 1
    stage.world.run(1.0)
    slow.backlog = 0
    stage.world.run(5.0)
    counters = stage.playout.counters
    assert slow.frames()[shared] % 50 == 0, "goes on with a key frame"
    assert counters.dropped_slow >= 25
    assert len(slow.frames()) + counters.dropped_slow == len(quick.frames())
    assert counters.frames == len(slow.frames()) + len(quick.frames())
    gaps = [(b - a) % 2**32 for a, b in itertools.pairwise(slow.timestamps())]
    assert max(gaps) == 3600 * (counters.dropped_slow + 1), "the timestamps tell how much is missing"


def test_a_frozen_camera_sends_nothing_and_goes_on_with_a_key_frame(stage: Stage) -> None:
    _, wire = stage.join()
    stage.fault = SimFault.FROZEN
    before, reports = len(wire.rtp), len(wire.reports)
    stage.world.run(7.0)
    assert (len(wire.rtp), len(wire.reports)) == (before, reports)
    stage.fault = SimFault.NONE
    seen = len(wire.frames())
    stage.world.run(5.0)
    assert wire.frames()[seen] % 50 == 0
    assert stage.playout.counters.withheld >= 175


def test_garbled_frames_keep_their_number_and_size(stage: Stage) -> None:
    _, wire = stage.join()
    clean = len(wire.rtp)
    stage.fault = SimFault.GARBLED
    stage.world.run(2.0)
    assert len(wire.timestamps()) >= 50
    slices = [packet for packet in wire.rtp[clean:] if packet[12] & 31 in (1, 5)]
    assert all(int.from_bytes(packet[13:15], "big") >= 120 for packet in slices)


def test_after_a_standstill_it_goes_on_at_the_present_and_counts_what_it_skipped(stage: Stage) -> None:
    _, wire = stage.join()
    seen = len(wire.frames())
    stage.world.now += 100.0  # the machine slept
    stage.world.run(10.0)
    counters = stage.playout.counters
    assert wire.frames()[seen] % 50 == 0
    assert counters.skipped >= 2450
    assert counters.frames + counters.skipped + counters.dropped_slow == seen + 2750


def _marked(stride: int) -> Track:
    """Frames that carry 1000 and their place."""
    trains = []
    for place in range(10):
        body = bytes([0x65 if place % 5 == 0 else 0x61]) + (1000 + place).to_bytes(2, "big")
        trains.append(packetize([SPS, PPS, body] if place % 5 == 0 else [body]))
    since = tuple(place % 5 for place in range(10))
    return Track(320, 180, Fraction(25), (SPS, PPS), tuple(trains), since, stride=stride)


@pytest.mark.parametrize("stride", [1, 5])
def test_the_pictures_of_a_fault_begin_at_once_and_end_at_a_key_frame(stride: int) -> None:
    stage = Stage(variant=_marked(stride))
    _, wire = stage.join()
    stage.world.run(1.3)
    stage.fault = SimFault.DARK
    seen = len(wire.frames())
    stage.world.run(3.0)
    assert wire.frames()[seen] == 1000, "with the variant's first key frame"
    assert len(wire.frames()) - seen == pytest.approx(75 / stride, abs=1)
    assert [after - before for before, after in itertools.pairwise(wire.frames()[seen:])].count(1) > 60 / stride
    stage.fault = SimFault.NONE
    stage.world.run(2.1)
    back = next(place for place in wire.frames()[seen:] if place < 1000)
    assert back % 50 == 0, "its own pictures come back with a key frame"
    stamps = wire.timestamps()
    steps = {(after - before) % 2**32 for before, after in itertools.pairwise(stamps)}
    assert max(steps) <= 3600 * stride, "no gap at either end"
    sequences = [struct.unpack(">H", packet[2:4])[0] for packet in wire.rtp]
    assert all((b - a) % 65536 == 1 for a, b in itertools.pairwise(sequences))


def test_who_joins_a_faulty_camera_begins_with_the_faults_key_frame() -> None:
    stage = Stage(variant=_marked(1))
    stage.fault = SimFault.DARK
    stage.world.run(0.7)
    _, first = stage.join()
    assert first.frames() == [1000]
    stage.world.run(0.3)
    _, second = stage.join()
    assert second.frames()[0] in (1000, 1005)
    assert second.frames() == first.frames()[-len(second.frames()) :]


def test_jumping_time_stamps_are_counted_and_pictures_go_on(stage: Stage) -> None:
    _, wire = stage.join()
    stage.fault = SimFault.JUMPING
    seen = len(wire.frames())
    stage.world.run(6.0)
    steps = [(after - before) % 2**32 for before, after in itertools.pairwise(wire.timestamps())]
    jumps = [step for step in steps if step != 3600]
    assert len(jumps) == stage.playout.counters.jumps
    assert 3 <= len(jumps) <= 5
    assert len(wire.frames()) - seen == 150


def test_a_camera_without_reports_sends_none_and_may_begin_anywhere(stage: Stage) -> None:
    wire = Recorder()
    viewer = Viewer(
        wire,
        (0, 1),
        stage.timeline,
        stage.playout.track,
        stage.playout.counters,
        reports=False,
        first_timestamp=2**32 - 3600,
    )
    stage.playout.add(viewer, stage.playout.first_index())
    stage.world.run(5.0)
    assert wire.reports == []
    assert wire.timestamps()[:3] == [2**32 - 3600, 0, 3600]


def test_who_waits_for_a_key_frame_is_sent_nothing_before_it(stage: Stage) -> None:
    stage.join()
    stage.world.run(0.5)
    wire = Recorder()
    viewer = Viewer(wire, (0, 1), stage.timeline, stage.playout.track, stage.playout.counters)
    viewer.await_key()
    stage.playout.add(viewer, stage.playout.next_index())
    stage.world.run(2.5)
    assert wire.frames()[0] % 50 == 0
    assert stage.playout.counters.before_key > 0


def test_nothing_ticks_while_nobody_watches(stage: Stage) -> None:
    viewer, wire = stage.join()
    stage.playout.remove(viewer)
    seen = len(wire.rtp)
    stage.world.run(10.0)
    assert len(wire.rtp) == seen
    _, again = stage.join()
    assert again.frames()[-1] == stage.timeline.newest(Fraction(25)) % 120


@given(st.floats(1e9, 2e9), st.integers(0, 500))
def test_a_restart_finds_the_same_place_in_the_loop(wall: float, index: int) -> None:
    def newest(steady: float) -> int:
        return camera_timeline(index, lambda: steady, lambda: wall, 2.0).newest(Fraction(25))

    assert abs(newest(10.0) - newest(987_654.0)) <= 1


def test_cameras_do_not_send_at_the_same_instant() -> None:
    phases = sorted(camera_timeline(index, lambda: 0.0, lambda: 0.0, 2.0).origin % 0.04 for index in range(8))
    assert min(b - a for a, b in itertools.pairwise(phases)) > 0.001
