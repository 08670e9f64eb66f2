"""Decoding offers frames at the analysed rate and accounts for every unit, broken ones too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.frame import Frame
from ingest.gating.rate import RateGate
from ingest.ledger import DropCause, FrameLedger
from ingest.packet import AccessUnit
from ingest.rtsp.decoding import FrameDecoder

EncodeUnits = Callable[..., list[AccessUnit]]


class _Target:
    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put(self, frame: Frame) -> None:
        self.frames.append(frame)


def _decoder(fps: float = 5) -> tuple[FrameDecoder, _Target, FrameLedger]:
    ledger, target = FrameLedger(["a"]), _Target()
    return FrameDecoder("a", "sub", fps=fps, ledger=ledger, target=target), target, ledger


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        pytest.param(25, 5, 50, id="every fifth"),
        pytest.param(12.5, 5, 50, id="no whole multiple: on average"),
        pytest.param(25, 30, 250, id="slower than allowed: all"),
        pytest.param(8, 5, 50, id="close to the limit"),
    ],
)
def test_the_rate_is_kept_over_ten_seconds(source: float, wanted: float, expected: int) -> None:
    gate = RateGate(wanted)
    passed = sum(gate.passes(picture / source) for picture in range(round(source * 10)))
    assert passed == pytest.approx(expected, abs=2)


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=200), st.sampled_from([1.0, 5.0, 25.0]))
def test_never_more_than_allowed(steps: list[float], fps: float) -> None:
    gate, now, passed = RateGate(fps), 0.0, 0
    for step in steps:
        passed += gate.passes(now)
        now += step
    assert passed <= now * fps + 2


def test_each_frame_carries_its_units_time(encode_units: EncodeUnits) -> None:
    units = encode_units(20, b_frames=2)
    decoder, target, ledger = _decoder(fps=25)
    for unit in units:
        decoder.decode(unit)
    decoder.end_session(DropCause.SESSION_ENDED)
    assert len(target.frames) >= 14
    times = {unit.pts / 90_000: unit.captured_at for unit in units}
    assert all(times[frame.pts_s] == frame.captured_at for frame in target.frames)
    account = ledger.account("a")
    assert account.received == 20 == len(target.frames) + sum(account.dropped.values())


def test_without_reordering_no_frame_is_held_back(encode_units: EncodeUnits) -> None:
    decoder, target, _ = _decoder(fps=25)
    for number, unit in enumerate(encode_units(5), start=1):
        assert decoder.decode(unit) == 1
        assert len(target.frames) == number


def test_broken_pictures_are_told_and_counted(encode_units: EncodeUnits) -> None:
    units = encode_units(20, gop=10)
    decoder, target, ledger = _decoder(fps=25)
    for number, unit in enumerate(units):
        broken = 3 <= number < 10
        if broken:
            unit = replace(unit, units=tuple(nal[:1] + bytes(255 - byte for byte in nal[1:]) for nal in unit.units))  # noqa: PLW2901  # the broken one takes its place
        assert (decoder.decode(unit) is None) is broken
    assert len(target.frames) == 13
    assert ledger.account("a").dropped == {DropCause.UNDECODABLE: 7}


def test_before_a_key_frame_nothing_is_decoded(encode_units: EncodeUnits) -> None:
    decoder, target, ledger = _decoder()
    assert decoder.decode(encode_units(2)[1]) is None
    assert not target.frames
    assert ledger.account("a").dropped == {DropCause.UNDECODABLE: 1}


def test_a_new_resolution_is_followed(encode_units: EncodeUnits) -> None:
    decoder, target, _ = _decoder(fps=25)
    for unit in encode_units(2):
        decoder.decode(unit)
    for unit in encode_units(2, width=640, height=360):
        decoder.decode(replace(unit, pts=unit.pts + 90_000, dts=unit.dts + 90_000))
    assert [frame.picture.width for frame in target.frames] == [320, 320, 640, 640]
