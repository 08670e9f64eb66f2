"""When a stream is decoded: openings, looks, and the detector's word against the packets'."""

from __future__ import annotations

from ingest.gating.activity import Activity, ActivityLimits
from ingest.gating.gate import Decision, GateLimits, GateState, PacketGate

GOP = 50
CALM, BUSY = 8_000, 24_000


class Stream:
    """A camera of 25 pictures a second behind a gate; ``finds``: whether its detector sees something that matters."""

    def __init__(self, limits: GateLimits | None = None, gop: int = GOP) -> None:
        self.gate = PacketGate(limits, Activity(ActivityLimits(learning=4)))
        self.index = 0
        self._gop = gop

    def run(self, seconds: float, size: int = CALM, finds: bool | None = None) -> list[Decision]:
        """``finds`` None: nobody analyses."""
        decisions = []
        for _ in range(round(seconds * 25)):
            at = self.index / 25
            wobble = 1 + 0.02 * (self.index * 7 % 5 - 2)
            decision = self.gate.note(at, round(size * wobble), 26, keyframe=self.index % self._gop == 0)
            if decision is not Decision.REST and finds is not None and self.index % 5 == 0:
                self.gate.found(at, matters=finds)
            decisions.append(decision)
            self.index += 1
        return decisions

    def settled(self) -> Stream:
        self.run(20, finds=False)
        assert self.gate.state is GateState.SHUT
        return self


def test_everything_is_decoded_until_the_calm_is_known() -> None:
    stream = Stream()
    assert set(stream.run(8)) == {Decision.DECODE}
    assert stream.gate.state is GateState.LEARNING


def test_it_opens_within_half_a_second_and_shuts_soon_after_the_last_reason() -> None:
    stream = Stream().settled()
    moving = stream.run(5, BUSY, finds=True)
    assert moving.index(Decision.DECODE) <= 12
    assert Decision.REST not in moving[12:]
    after = stream.run(10, CALM, finds=False)
    held = round(25 * GateLimits().hold_s) - 5
    assert after[:held] == [Decision.DECODE] * held
    assert Decision.DECODE not in after[25 * 4 :]


def test_key_frames_are_looked_at_for_a_while_after_it_has_shut() -> None:
    stream = Stream().settled()
    stream.run(8, finds=False)
    assert Decision.LOOK not in stream.run(10, finds=False)
    stream.run(2, BUSY, finds=False)
    assert stream.run(12, finds=False).count(Decision.LOOK) in (1, 2, 3)


def test_what_was_found_once_is_awaited_longer_than_what_never_was() -> None:
    stream = Stream().settled()
    stream.run(1, BUSY, finds=True)
    hidden = stream.run(3, BUSY, finds=False)
    assert Decision.REST not in hidden
    assert Decision.REST in stream.run(3, BUSY, finds=False)


def test_what_the_detector_still_finds_keeps_it_open_though_nothing_moves() -> None:
    stream = Stream().settled()
    stream.run(2, BUSY, finds=True)
    assert set(stream.run(20, CALM, finds=True)) == {Decision.DECODE}


def test_wind_is_overruled_by_a_detector_that_finds_nothing() -> None:
    stream = Stream().settled()
    windy = stream.run(3, BUSY, finds=False)
    assert Decision.REST in windy[12:]
    assert stream.gate.counts().overruled == 1


def test_wind_that_stays_becomes_calm() -> None:
    stream = Stream().settled()
    stream.run(120, BUSY, finds=False)
    assert Decision.DECODE not in stream.run(20, BUSY, finds=False)


def test_nobody_overrules_who_did_not_look() -> None:
    stream = Stream().settled()
    assert set(stream.run(6, BUSY, finds=None)[12:]) == {Decision.DECODE}


def test_a_key_frame_is_looked_at_now_and_then_and_opens_where_it_shows_something() -> None:
    stream = Stream(GateLimits(floor_s=10)).settled()
    stream.run(10, finds=False)
    decisions = stream.run(30, finds=False)
    assert decisions.count(Decision.LOOK) in (2, 3)
    assert Decision.DECODE not in decisions
    decisions = stream.run(12, finds=True)
    assert decisions[decisions.index(Decision.LOOK) + 1] is Decision.DECODE
    assert stream.gate.counts().opened_by_look == 1


def test_who_watches_sees_boxes_though_nothing_moves() -> None:
    stream = Stream().settled()
    stream.gate.watch(True)
    assert set(stream.run(5, finds=False)) == {Decision.DECODE}
    assert stream.gate.state is GateState.WATCHED
    stream.gate.watch(False)
    assert stream.run(12, finds=False)[-1] is Decision.REST


def test_another_encoder_is_learnt_anew() -> None:
    stream = Stream().settled()
    stream.gate.relearn()
    assert stream.run(1)[-1] is Decision.DECODE


def test_a_stream_whose_time_goes_back_is_not_stuck() -> None:
    stream = Stream().settled()
    stream.index = 0
    assert Decision.DECODE in stream.run(2, BUSY, finds=True)
    assert stream.run(12, CALM, finds=False)[-1] is Decision.REST


def test_pictures_that_come_in_another_order_than_they_are_shown_do_not_hold_it_open() -> None:
    gate = PacketGate(None, Activity(ActivityLimits(learning=4)))
    shown = [0, *(first + place for first in range(1, GOP, 3) for place in (2, 0, 1))][:GOP]  # P, and its two B-frames
    decisions = []
    for second in range(20):
        for place in shown:
            at = 2 * second + place / 25
            reference = place % 3 == 0
            size = CALM if reference else CALM // 4
            decisions.append(gate.note(at, size, 26, keyframe=place == 0, reference=reference))
            if decisions[-1] is not Decision.REST and place % 5 == 0:
                gate.found(at, matters=False)
    assert gate.state is GateState.SHUT
    assert decisions[-GOP:].count(Decision.DECODE) == 0


NOISE = 120_000
"""Bytes of a picture that is mostly noise; a walker adds less than it wavers by."""


def test_a_stream_that_spends_its_bytes_on_noise_is_decoded_whole() -> None:
    stream = Stream()
    stream.gate.pixels = 1280 * 720
    assert set(stream.run(60, NOISE, finds=False)) == {Decision.DECODE}
    assert stream.gate.short_sighted
    stream.gate.relearn()  # day again: the encoder says so, or it is learnt little by little
    stream.run(30, CALM, finds=False)
    assert stream.gate.state is GateState.SHUT
    assert not stream.gate.short_sighted


def test_a_short_sighted_stream_whose_key_frames_come_often_is_looked_at_each_time() -> None:
    stream = Stream(gop=25)
    stream.gate.pixels = 1280 * 720
    stream.run(60, NOISE, finds=False)
    decisions = stream.run(10, NOISE, finds=False)
    assert stream.gate.short_sighted
    assert decisions.count(Decision.LOOK) == 10
    assert Decision.DECODE not in decisions
    assert Decision.DECODE in stream.run(2, NOISE, finds=True), "what a look finds opens it"


def test_one_that_tells_a_walker_from_its_noise_shuts() -> None:
    stream = Stream()
    stream.gate.pixels = 1280 * 720
    stream.settled()
    assert not stream.gate.short_sighted
