"""A camera that says "as before" again and again: told within two seconds, and never of one that does so by habit."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.judges.repeats import RepeatJudge, says_nothing_new
from ingest.packet import SYNTAX

FPS = 12.5
CLIPS = Path(__file__).resolve().parents[4] / "shared" / "video"


class _Camera:
    """Pictures at an even rate; every 25th is a key frame, which the judge is not shown."""

    def __init__(self, judge: RepeatJudge) -> None:
        self.judge = judge
        self.place = 0

    def send(self, pictures: int, *, new: bool, confirmed: bool = False) -> float | None:
        """Sends them; seconds until the judge said that they repeat, ``None`` if it never did."""
        said = None
        for sent in range(pictures):
            self.place += 1
            if self.place % 25:
                self.judge.note(self.place / FPS, new=new, confirmed=confirmed)
            if said is None and self.judge.repeating:
                said = (sent + 1) / FPS
        return said


@pytest.fixture
def camera() -> _Camera:
    return _Camera(RepeatJudge())


def test_a_camera_that_gets_stuck_is_known_in_time_for_the_mark_and_its_life_too(camera: _Camera) -> None:
    camera.send(400, new=True)
    said = camera.send(60, new=False)
    assert said is not None
    assert said <= 1.3, "a look of the watch every 0.25 s, and the page's own tick, come on top of it"
    camera.send(8, new=True)
    assert not camera.judge.repeating


def test_nothing_is_said_of_a_camera_that_is_not_known_yet(camera: _Camera) -> None:
    camera.send(100, new=True)
    assert camera.send(200, new=False) is None


def test_a_camera_that_hides_its_noise_is_left_to_others(camera: _Camera) -> None:
    camera.send(400, new=True)
    camera.send(6, new=False)
    camera.send(400, new=True)
    assert camera.send(200, new=False) is None


def test_a_fault_that_others_confirm_is_no_habit(camera: _Camera) -> None:
    for _ in range(3):
        camera.send(400, new=True)
        assert camera.send(80, new=False) is not None
        camera.send(20, new=False, confirmed=True)


def test_a_picture_that_changes_now_and_then_is_none_that_repeats(camera: _Camera) -> None:
    camera.send(400, new=True)
    for _ in range(40):
        assert camera.send(3, new=False) is None
        assert camera.send(1, new=True) is None


def test_the_run_of_one_session_is_not_taken_into_the_next(camera: _Camera) -> None:
    camera.send(400, new=True)
    camera.send(60, new=False)
    camera.judge.begin()
    assert not camera.judge.repeating


@given(st.lists(st.booleans(), max_size=400))
def test_whoever_sends_what_is_new_for_half_a_second_does_not_repeat(pictures: list[bool]) -> None:
    camera = _Camera(RepeatJudge(learn_s=0, learn_pictures=0))
    for new in pictures:
        camera.send(1, new=new)
    camera.send(8, new=True)
    assert not camera.judge.repeating


@pytest.mark.skipif(not CLIPS.is_dir(), reason="no shared clips beside the checkout")
@pytest.mark.parametrize("clip", ["frigate_test_motion_video-2.mp4", "ken_night.mp4", "intel_bottle-detection.mp4"])
def test_real_cameras_bring_something_new_all_the_time(clip: str) -> None:
    judge = RepeatJudge(learn_s=0, learn_pictures=0)
    with av.open(str(CLIPS / clip)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name in SYNTAX
        size = stream.codec_context.width, stream.codec_context.height
        pictures = [packet for packet in container.demux(stream) if packet.size]
    for packet in pictures:
        assert packet.dts is not None
        if not packet.is_keyframe:
            new = not says_nothing_new(packet.size, 1, *size)
            judge.note(float(packet.dts * packet.time_base), new=new, confirmed=False)
        assert not judge.repeating
