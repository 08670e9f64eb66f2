"""What H.265 pictures are made from must have come, in whatever order it is sent and shown."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ingest import h265
from ingest.judges.loss import LossJudge
from ingest.judges.references import ReferenceJudge
from ingest.nal import SliceNumber
from ingest.packet import AccessUnit

EncodeUnits = Callable[..., list[AccessUnit]]
FPS = 25


def _numbers(units: list[AccessUnit]) -> list[SliceNumber]:
    parameters = units[0].parameters
    assert isinstance(parameters, h265.ParameterSets)
    reader = h265.SliceReader(parameters)
    found = [reader.number(unit.first_slice) for unit in units]
    return [number for number in found if number is not None]


@pytest.mark.parametrize("b_frames", [0, 2, 4])
def test_what_is_missed_is_what_was_lost(encode_units: EncodeUnits, b_frames: int) -> None:
    numbers = _numbers(encode_units(200, gop=50, b_frames=b_frames, codec="hevc"))
    whole, holed, chance = ReferenceJudge(), ReferenceJudge(), random.Random(b_frames)
    assert sum(whole.note(number) for number in numbers) == 0
    found = lost = 0
    for number in numbers:
        if not number.restarts and chance.random() < 0.08:
            lost += number.reference
            continue
        found += holed.note(number)
    assert lost > 3
    assert 0.8 * lost <= found <= lost


def test_reordered_pictures_that_get_lost_are_named_and_it_heals(encode_units: EncodeUnits) -> None:
    numbers = _numbers(encode_units(240, gop=25, b_frames=3, codec="hevc"))
    judge, chance, named, now = LossJudge(), random.Random(3), None, 0.0
    for number in numbers:
        now += 1 / FPS
        if not number.restarts and chance.random() < 0.1:
            continue
        judge.note(now, "hevc", number)
        if named is None and judge.lossy(now):
            named = now
    assert named is not None
    assert named < 8
    lost = judge.lost
    for number in numbers:
        now += 1 / FPS
        judge.note(now, "hevc", number)
    assert not judge.lossy(now)
    assert judge.lost <= lost + 1


def test_groups_of_changing_length_are_no_loss() -> None:
    judge, now = LossJudge(), 0.0
    for gop in range(20):
        for value in (0, *((1, 5, 3, 2, 4) if gop % 2 else (4, 2, 1, 3, 5)), 8, 6, 7):
            now += 1 / FPS
            judge.note(now, "hevc", SliceNumber(value, 256, restarts=value == 0, reference=True))
            assert not judge.lossy(now)
    assert judge.lost <= 3, "before it is known that pictures are put in order"


def test_a_header_that_cannot_be_read_is_no_loss(encode_units: EncodeUnits) -> None:
    numbers = _numbers(encode_units(120, gop=40, b_frames=3, codec="hevc"))
    judge = ReferenceJudge()
    read: list[SliceNumber | None] = [None if place % 7 == 3 else number for place, number in enumerate(numbers)]
    assert sum(judge.note(number) for number in read) == 0
