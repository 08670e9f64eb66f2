"""Garbled and flapping are named when they last, and taken back when they are over."""

from __future__ import annotations

import pytest

from ingest.judges.quality import FlapJudge, GarbleJudge


def _until(judge: GarbleJudge, picture: int, *, good: bool) -> float:
    """Seconds at 25 pictures a second until the judge says what the pictures are."""
    begun = picture
    while judge.garbled is good:
        judge.note(picture / 25, good)
        picture += 1
    return (picture - begun) / 25


def test_one_broken_picture_is_not_garbled() -> None:
    judge = GarbleJudge()
    for picture in range(100):
        judge.note(picture / 25, picture % 10 != 0)
    assert not judge.garbled


def test_broken_pictures_are_garbled_within_a_second_and_healed_after() -> None:
    judge = GarbleJudge()
    for picture in range(50):
        judge.note(picture / 25, good=True)
    assert _until(judge, 50, good=False) <= 1.0
    assert _until(judge, 100, good=True) <= 2.0


def test_sessions_that_end_again_and_again_are_flapping() -> None:
    judge = FlapJudge()
    for end in (10.0, 18.0):
        judge.ended(end, lasted_s=7.0)
        assert not judge.flapping(end, None)
    judge.ended(26.0, lasted_s=7.0)
    assert judge.flapping(26.0, None)
    assert judge.flapping(28.0, open_for_s=2.0)
    assert not judge.flapping(35.0, open_for_s=8.5)


def test_who_ends_again_as_soon_as_it_is_opened_is_flapping() -> None:
    judge = FlapJudge()
    judge.ended(1000.0, lasted_s=900.0)
    assert not judge.flapping(1000.0, None)
    judge.ended(1004.0, lasted_s=3.5)
    assert judge.flapping(1004.0, None)
    assert judge.flapping(1006.0, open_for_s=1.5)
    assert judge.flapping(1012.0, open_for_s=7.5)
    assert not judge.flapping(1013.0, open_for_s=8.5)
    judge.ended(1400.0, lasted_s=390.0)
    assert not judge.flapping(1400.0, None), "what is over does not count again"


def test_who_goes_away_while_flapping_is_flapping_no_more() -> None:
    judge = FlapJudge()
    judge.ended(0.0, lasted_s=1.0)
    judge.ended(2.0, lasted_s=1.0)
    assert judge.flapping(9.0, None)
    assert not judge.flapping(13.0, None)


@pytest.mark.parametrize("lasted_s", [5.0, 500.0])
def test_a_camera_restarted_once_a_minute_is_not_flapping(lasted_s: float) -> None:
    judge = FlapJudge()
    for end in range(0, 600, 60):
        judge.ended(float(end), lasted_s)
        assert not judge.flapping(float(end), None)
