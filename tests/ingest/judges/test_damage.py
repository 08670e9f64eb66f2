"""Pictures that build on a lost or broken one are told as such, from the first loss on and until they are whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.judges.loss import DamageJudge
from ingest.judges.stream import StreamJudge
from ingest.nal import CodecName
from ingest.packet import AccessUnit
from ingest.state import Fault

EncodeUnits = Callable[..., list[AccessUnit]]
FPS, GOP = 25, 25


class _Stream:
    """Units on their way to the judge, at an even rate."""

    def __init__(self) -> None:
        self.now = 0.0
        self.judge = StreamJudge(lambda: self.now)
        self.judge.opened()

    def send(self, unit: AccessUnit, *, good: bool = True) -> bool:
        """Whether the stream is called lossy with it."""
        self.now += 1 / FPS
        self.judge.unit(unit)
        self.judge.decoded(good=good)
        return Fault.LOSSY in self.judge.findings()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_single_lost_picture_is_told_at_once_and_forgotten_with_whole_ones(
    encode_units: EncodeUnits, codec: CodecName
) -> None:
    units = encode_units(6 * GOP, gop=GOP, codec=codec)
    stream = _Stream()
    assert not any(stream.send(unit) for unit in units[: GOP + 5])
    told = [stream.send(unit) for unit in units[GOP + 6 :]]
    assert told.index(True) <= 2, "the loss shows in the next picture and is believed with the one after it"
    assert all(told[2 : 2 * FPS])
    assert not any(told[3 * FPS :])


def test_a_picture_that_cannot_be_decoded_damages_those_after_it(encode_units: EncodeUnits) -> None:
    units = encode_units(GOP, gop=GOP)
    stream = _Stream()
    assert not any(stream.send(unit) for unit in units[:5])
    assert not stream.send(units[5], good=False)
    assert stream.send(units[6])


def test_where_nothing_can_be_decoded_nothing_old_is_shown(encode_units: EncodeUnits) -> None:
    stream = _Stream()
    assert not any(stream.send(unit, good=False) for unit in encode_units(2 * GOP, gop=GOP))


def test_a_loss_after_which_a_decoder_gives_nothing_is_told_too() -> None:
    judge = DamageJudge()
    judge.broken(1.0)
    assert not judge.damaged(1.2)
    assert judge.damaged(1.6)
    judge.begin()
    assert not judge.damaged(1.7)


def test_a_camera_without_key_frames_is_not_damaged_for_ever() -> None:
    judge = DamageJudge()
    judge.broken(0.96)
    judge.shown(1.0, keyframe=False)
    assert judge.damaged(10.9)
    assert not judge.damaged(11.1)
