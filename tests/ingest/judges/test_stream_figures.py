"""The judges of packets: lossy, slow, jumping, resized."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.judges.changes import JumpJudge, SizeJudge
from ingest.judges.loss import LossJudge
from ingest.judges.pace import PaceJudge
from ingest.nal import CodecName, SliceNumber

FPS, GOP = 25, 50


def _numbers(codec: CodecName, pictures: int, *, sparse: bool = False) -> list[SliceNumber]:
    """Of a healthy stream; ``sparse``: every other picture is one that no other refers to (H.264)."""
    found, count = [], 0
    for place in range(pictures):
        if place % GOP == 0:
            count = 0
        reference = not (sparse and place % 2)
        found.append(SliceNumber(count % 16, 16, place % GOP == 0, reference))
        count += reference or codec == "hevc"
    return found


@given(st.sampled_from(["h264", "hevc"]), st.booleans(), st.lists(st.integers(0, 20), max_size=3), st.integers(60, 400))
def test_a_healthy_stream_loses_nothing(codec: CodecName, sparse: bool, unreadable: list[int], pictures: int) -> None:
    judge = LossJudge()
    for place, number in enumerate(_numbers(codec, pictures, sparse=sparse and codec == "h264")):
        judge.note(place / FPS, codec, None if codec == "h264" and place in unreadable and not sparse else number)
        if place in unreadable:
            judge.begin()
        assert not judge.lossy(place / FPS)
    assert judge.lost == 0


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("share", [0.03, 0.1])
def test_lost_pictures_are_counted_and_named_and_it_heals(codec: CodecName, share: float) -> None:
    judge, chance = LossJudge(), random.Random(1)
    lost, named = 0, None
    for place, number in enumerate(_numbers(codec, 20 * FPS)):
        if chance.random() < share and not number.restarts:
            lost += 1
            continue
        judge.note(place / FPS, codec, number)
        if named is None and judge.lossy(place / FPS):
            named = place / FPS
    assert named is not None
    assert named < 10
    assert 0.5 * lost <= judge.lost <= lost
    for place, number in enumerate(_numbers(codec, 10 * FPS), start=20 * FPS):
        judge.note(place / FPS, codec, number)
    assert not judge.lossy(30.0)


def test_noise_in_slice_headers_is_hardly_loss() -> None:
    judge, chance = LossJudge(), random.Random(2)
    for place in range(10 * FPS):
        number = SliceNumber(chance.randrange(256), 256, restarts=False, reference=True)
        judge.note(place / FPS, "h264", number if chance.random() < 0.1 else None)
    assert judge.lost < 50


def test_reordered_h265_is_left_alone() -> None:
    judge = LossJudge()
    order = [0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11]
    for place, count in enumerate(order * 20):
        judge.note(place / FPS, "hevc", SliceNumber(count, 256, restarts=count == 0, reference=True))
        assert not judge.lossy(place / FPS)


@pytest.mark.parametrize(
    ("declared", "before", "after", "slow"),
    [
        pytest.param(25.0, 25, 3, True, id="declares 25, sends 3"),
        pytest.param(25.0, 25, 12.5, False, id="half is a setting, not a fault"),
        pytest.param(None, 25, 3, True, id="declares nothing, used to send 25"),
        pytest.param(None, 5, 5, False, id="a slow one that was never faster"),
        pytest.param(30.0, 25, 25, False, id="a little less than declared"),
        pytest.param(25.0, 25, 0.4, False, id="with seconds between pictures it is frozen, not slow"),
    ],
)
def test_slow_is_told_against_the_declared_or_the_usual_rate(
    declared: float | None, before: float, after: float, slow: bool
) -> None:
    judge, now = PaceJudge(), 0.0
    while now < 15:
        judge.note(now, declared)
        now += 1 / before
    assert not judge.slow
    while now < 27:
        judge.note(now, declared)
        now += 1 / after
    assert judge.slow is slow
    while now < 37:
        judge.note(now, declared)
        now += 1 / before
    assert not judge.slow


def test_a_stream_after_a_freeze_is_not_slow() -> None:
    judge = PaceJudge()
    for place in range(250):
        judge.note(place / 25, 25.0)
    for place in range(250):
        judge.note(14 + place / 25, 25.0)
        assert not judge.slow


def test_one_jump_is_a_clock_being_set_and_two_are_a_fault_that_ends() -> None:
    judge = JumpJudge()
    judge.note(0.0)
    assert not judge.jumping(1.0)
    judge.note(5.0)
    assert judge.jumping(5.0)
    assert judge.jumping(12.0)
    assert not judge.jumping(13.5)
    assert not judge.jumping(40.0)


def test_another_size_is_told_until_it_is_back_or_usual() -> None:
    judge = SizeJudge(adopt_s=60)
    judge.note(0.0, (1920, 1080))
    assert judge.change is None
    judge.note(2.0, (1280, 720))
    assert judge.change == "pictures are 1280 x 720 instead of 1920 x 1080"
    judge.note(4.0, (1920, 1080))
    assert judge.change is None
    for now in range(6, 80, 2):
        judge.note(float(now), (640, 360))
    assert judge.change is None
