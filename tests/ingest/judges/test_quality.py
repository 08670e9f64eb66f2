"""Garbled and flapping are named when they last, and taken back when they are over."""

from __future__ import annotations

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
    for end in (1.0, 3.0):
        judge.ended(end, lasted_s=1.0)
        assert not judge.flapping(end, None)
    judge.ended(5.0, lasted_s=1.0)
    assert judge.flapping(5.0, None)
    assert judge.flapping(7.0, open_for_s=2.0)
    assert not judge.flapping(14.0, open_for_s=8.5)


def test_a_camera_restarted_once_a_minute_is_not_flapping() -> None:
    judge = FlapJudge()
    for end in range(0, 600, 60):
        judge.ended(float(end), lasted_s=5.0)
        assert not judge.flapping(float(end), None)
