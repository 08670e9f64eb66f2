"""A camera's clock may be wrong; its pictures still get the server's time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.rtcp_clock import RtcpClock


@given(wrong_by=st.floats(-1e9, 1e9), seed=st.integers(0, 1000))
def test_a_camera_with_a_wrong_clock_yields_server_time(wrong_by: float, seed: int) -> None:
    clock = RtcpClock()
    draw = random.Random(seed)
    for picture in range(200):
        captured_at = 1_700_000_000 + picture / 25
        arrived_at = captured_at + 0.005 + draw.expovariate(1 / 0.03)
        mapped = clock.to_server(captured_at + wrong_by, arrived_at)
        assert mapped <= arrived_at
        if picture > 100:
            assert mapped == pytest.approx(captured_at, abs=0.02)
    assert clock.camera_ahead_s == pytest.approx(wrong_by, abs=0.05)


def test_a_burst_after_a_stall_keeps_its_capture_times() -> None:
    clock = RtcpClock()
    for picture in range(50):
        clock.to_server(picture / 25, picture / 25 + 0.01)
    late = [clock.to_server(2 + picture / 25, 3.5) for picture in range(5)]
    assert late == pytest.approx([2.01 + picture / 25 for picture in range(5)], abs=0.001)
    assert clock.steps == 0


def test_a_burst_of_old_pictures_at_the_beginning_does_not_count_as_settled() -> None:
    clock = RtcpClock()
    for picture in range(25):
        clock.to_server(picture / 25, 1.0 + picture / 1000)
        assert not clock.settled
    mapped = 0.0
    for picture in range(25, 31):
        mapped = clock.to_server(picture / 25, picture / 25 + 0.01)
        assert clock.settled is (picture >= 29)
    assert mapped == pytest.approx(30 / 25, abs=0.02)


def test_old_pictures_that_come_a_little_faster_than_they_were_taken_do_not_count_as_settled() -> None:
    clock = RtcpClock()
    for picture in range(100):
        clock.to_server(picture / 25, 2.0 + picture / 32)
        assert not clock.settled


def test_a_camera_of_two_pictures_a_second_is_settled_with_its_second_one() -> None:
    clock = RtcpClock()
    clock.to_server(10.0, 20.0)
    assert not clock.settled
    assert clock.to_server(10.5, 20.52) == pytest.approx(20.5)
    assert clock.settled


@pytest.mark.parametrize("step", [-3600.0, 3600.0, 5.0])
def test_a_step_of_the_cameras_clock_is_followed(step: float) -> None:
    clock = RtcpClock()
    for picture in range(50):
        clock.to_server(picture / 25, picture / 25 + 0.01)
    mapped = 0.0
    for picture in range(50, 100):
        mapped = clock.to_server(picture / 25 + step, picture / 25 + 0.01)
        assert mapped <= picture / 25 + 0.01 + 1e-6
    assert mapped == pytest.approx(99 / 25, abs=0.02)
    assert clock.steps == 1


def test_what_only_looks_late_is_told_as_old_until_it_lasts() -> None:
    clock = RtcpClock()
    for picture in range(50):
        clock.to_server(picture / 25, picture / 25 + 0.01)
    for picture in range(50, 250):  # a busy machine reads them 2 s late, or the clock was set back
        assert clock.to_server(picture / 25 - 2, picture / 25 + 0.01) == pytest.approx(picture / 25 - 1.99)
        assert clock.settled
    for picture in range(250, 350):
        clock.to_server(picture / 25 - 2, picture / 25 + 0.01)
    assert clock.steps == 1
    assert clock.to_server(350 / 25 - 2, 350 / 25 + 0.01) == pytest.approx(350 / 25, abs=0.02)


def test_the_next_session_of_a_camera_goes_by_what_is_known_of_its_clock() -> None:
    clock = RtcpClock()
    for picture in range(50):
        clock.to_server(1000 + picture / 25, picture / 25 + 0.01)
    clock.resume(60.0)
    burst = [clock.to_server(1058 + picture / 25, 60 + picture / 1000) for picture in range(25)]
    assert burst == pytest.approx([58.01 + picture / 25 for picture in range(25)])
    clock.to_server(1060.04, 60.05)
    assert clock.settled
    clock.resume(5000.0)
    assert not clock.settled, "it may have been set since"
    assert clock.steps == 0


def test_drift_is_measured() -> None:
    clock = RtcpClock()
    for second in range(600):
        clock.to_server(second * (1 + 50e-6), second + 0.01)
    assert clock.drift_ppm == pytest.approx(50, abs=5)


def test_no_figures_before_a_picture() -> None:
    assert RtcpClock().camera_ahead_s is None
    assert RtcpClock().drift_ppm is None
