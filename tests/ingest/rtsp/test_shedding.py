"""What a level leaves of a stream, every unit of it booked, with and without a packet gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.frame import Frame
from ingest.gating.activity import Activity, ActivityLimits
from ingest.gating.gate import PacketGate
from ingest.gating.level import Level, LevelGate
from ingest.ledger import DropCause, FrameLedger
from ingest.packet import AccessUnit
from ingest.rtsp.decoding import FrameDecoder
from ingest.rtsp.gated import GatedDecoder

EncodeUnits = Callable[..., list[AccessUnit]]
FPS = 12.5


class _Camera:
    """A GOP of ten pictures, 25 a second; every second picture is due."""

    def __init__(self, *, gate: PacketGate | None = None, min_fps: float = 1) -> None:
        self.frames: list[Frame] = []
        self.ledger = FrameLedger(["a"])
        self.level = LevelGate(FPS, min_fps, floor_s=1.9)
        decoder = FrameDecoder("a", "sub", fps=FPS, ledger=self.ledger, target=self, thins=self.level.thins)
        self.decoder = GatedDecoder("a", decoder, gate, self.ledger, self.level)

    def put(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.ledger.analysed("a")

    def feed(self, units: list[AccessUnit]) -> list[int]:
        """Indices of the pictures that were analysed, counted from the stream's beginning."""
        before = len(self.frames)
        assert all(self.decoder.decode(unit) is not None for unit in units)
        return [round(frame.pts_s * 25) for frame in self.frames[before:]]

    def dropped(self) -> dict[DropCause, int]:
        return dict(self.ledger.account("a").dropped)


@pytest.mark.parametrize(
    ("level", "min_fps", "analysed", "shed"),
    [
        pytest.param(Level.FULL, 1, 50, 0, id="full: all that is due"),
        pytest.param(Level.HALF, 1, 25, 25, id="half of it"),
        pytest.param(Level.MINIMUM, 5, 20, 30, id="the least, more often than key frames come: all is decoded"),
        pytest.param(Level.MINIMUM, 1, 4, 90, id="the least, out of key frames as soon as their rate is known"),
        pytest.param(Level.KEYFRAMES, 2.5, 10, 90, id="key frames, one GOP in ten pictures"),
        pytest.param(Level.KEYFRAMES, 1, 4, 96, id="key frames, but not more than the least"),
        pytest.param(Level.FLOOR, 1, 2, 98, id="a key frame every two seconds"),
    ],
)
def test_a_level_leaves_what_it_says(
    encode_units: EncodeUnits, level: Level, min_fps: float, analysed: int, shed: int
) -> None:
    camera = _Camera(min_fps=min_fps)
    camera.level.level = level
    assert len(camera.feed(encode_units(100))) == pytest.approx(analysed, abs=1)
    account = camera.ledger.account("a")
    assert account.received == 100 == account.analysed + sum(account.dropped.values())
    assert account.dropped.get(DropCause.SHED, 0) == pytest.approx(shed, abs=1)
    assert DropCause.GATED not in account.dropped


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_key_frame_alone_is_seen_though_the_decoder_puts_pictures_in_order(
    encode_units: EncodeUnits, codec: str
) -> None:
    camera = _Camera(min_fps=2.5)
    camera.level.level = Level.KEYFRAMES
    units = encode_units(30, b_frames=2, codec=codec)
    camera.feed(units)
    assert len(camera.frames) == sum(unit.keyframe for unit in units)


def test_more_begins_at_a_key_frame(encode_units: EncodeUnits) -> None:
    camera, units = _Camera(), encode_units(40)
    camera.feed(units[:15])
    camera.level.level = Level.KEYFRAMES
    assert camera.feed(units[15:23]) == [20]
    camera.level.level = Level.FULL
    later = camera.feed(units[23:])
    assert later[0] in (30, 31), "pictures whose reference was left out are not decoded"
    assert DropCause.UNDECODABLE not in camera.dropped()


def test_a_gated_camera_is_not_caught_up_with_after_it_was_shed(encode_units: EncodeUnits) -> None:
    learning = PacketGate(activity=Activity(ActivityLimits(learning=1000)))
    camera, units = _Camera(gate=learning), encode_units(40)
    camera.level.level = Level.FLOOR
    assert camera.feed(units[:13]) == [0]
    camera.level.level = Level.FULL
    assert camera.feed(units[13:])[0] in (20, 21)
    assert camera.dropped()[DropCause.SHED] == 19


def test_what_the_gate_lets_rest_is_not_told_as_overload(encode_units: EncodeUnits) -> None:
    gate = PacketGate(activity=Activity(ActivityLimits(learning=2)))
    camera, units = _Camera(gate=gate), encode_units(230)
    for unit in units:
        camera.feed([unit])
        gate.found(unit.pts / 90_000, matters=False)
        if len(camera.frames) and DropCause.GATED in camera.dropped():
            camera.level.level = Level.KEYFRAMES
    dropped = camera.dropped()
    assert dropped[DropCause.GATED] > 50
    assert dropped.get(DropCause.SHED, 0) == 0
