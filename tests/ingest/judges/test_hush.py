"""A stream that falls silent between its key frames."""

from __future__ import annotations

from ingest.judges.hush import HushJudge


def test_a_picture_that_stands_still_is_noticed_within_a_second_and_noise_is_not() -> None:
    judge = HushJudge()
    for index in range(500):
        judge.note(8_000 + 900 * (index % 5))
        assert not judge.hushed
    for _ in range(25):
        judge.note(120)
    assert judge.hushed
    for _ in range(25):
        judge.note(8_000)
    assert not judge.hushed


def test_nothing_is_said_of_a_stream_that_never_sent_more() -> None:
    judge = HushJudge()
    for _ in range(200):
        judge.note(60)
    assert not judge.hushed
