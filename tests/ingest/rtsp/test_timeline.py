"""The live timeline goes on and on, whatever the camera's time stamps do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.timeline import Timeline

_stamp = st.one_of(st.none(), st.integers(-(2**40), 2**40))


@given(st.lists(st.tuples(_stamp, _stamp, st.floats(0, 5), st.booleans()), max_size=60))
def test_decoding_times_strictly_increase(stamps: list[tuple[int | None, int | None, float, bool]]) -> None:
    timeline = Timeline()
    arrived, last = 0.0, -1
    for dts, pts, wait, reconnected in stamps:
        arrived += wait
        if reconnected:
            timeline.new_session()
        mapped, shown = timeline.map(dts, pts, arrived)
        assert mapped > last
        assert shown >= mapped
        last = mapped


@given(st.lists(st.integers(900, 180_000), min_size=1, max_size=50), st.integers(-(2**33), 2**33))
def test_plausible_steps_are_kept_exactly(steps: list[int], begin: int) -> None:
    timeline = Timeline()
    stamp = begin
    mapped = [timeline.map(stamp, stamp, 0.0)[0]]
    for step in steps:
        stamp += step
        mapped.append(timeline.map(stamp, stamp, 0.0)[0])
    assert [after - before for before, after in pairwise(mapped)] == steps
    assert timeline.jumps == 0


def test_a_gap_takes_the_time_it_took() -> None:
    timeline = Timeline()
    timeline.map(0, 0, 100.0)
    timeline.map(3600, 3600, 100.04)
    timeline.new_session()
    assert timeline.map(500_000, 500_000, 110.04)[0] == 3600 + 900_000


def test_a_jump_of_rtp_time_is_counted_and_bridged() -> None:
    timeline = Timeline()
    timeline.map(0, 0, 100.0)
    timeline.map(3600, 3600, 100.04)
    assert timeline.map(2**31, 2**31, 100.08)[0] == 7200
    assert timeline.map(2**31 + 3600, 2**31 + 3600, 100.12)[0] == 10800
    assert timeline.jumps == 1


def test_a_session_whose_first_picture_has_no_stamp_does_not_jump() -> None:
    timeline = Timeline()
    timeline.map(0, 0, 100.0)
    timeline.new_session()
    timeline.map(None, None, 110.0)
    assert timeline.map(7200, 7200, 110.08)[0] == 10 * 90_000 + 7200
    assert timeline.map(10_800, 10_800, 110.12)[0] == 10 * 90_000 + 10_800
    assert timeline.jumps == 0


def test_a_silence_that_the_wall_saw_too_is_no_jump() -> None:
    timeline = Timeline()
    timeline.map(0, 0, 100.0)
    assert timeline.map(900_000, 900_000, 110.1)[0] == 900_000
    assert timeline.jumps == 0


def test_reordered_pictures_keep_their_offset() -> None:
    assert Timeline().map(0, 7200, 0.0) == (0, 7200)
