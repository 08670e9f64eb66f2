"""Two streams and one analysis: it changes over at a key frame, and every unit is booked once or belongs to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.frame import Frame, StreamName
from ingest.ledger import DropCause, FrameLedger
from ingest.rtsp.decoding import FrameDecoder
from ingest.rtsp.switched import AnalysedStream, SwitchedDecoder

EncodeUnits = Callable[..., Any]
GOP = 10


class Camera:
    """Both decoders of one camera; every frame is analysed at once."""

    def __init__(self) -> None:
        self.ledger = FrameLedger(["C"])
        self.frames: list[tuple[StreamName, int]] = []
        self.changes: list[StreamName] = []
        self.ready = True
        self.analysed = AnalysedStream("sub", ready=lambda _: self.ready, on_change=self.changes.append)
        names: tuple[StreamName, StreamName] = ("sub", "main")
        self.decoders = {name: SwitchedDecoder(name, self._decoder(name), self.analysed) for name in names}

    def _decoder(self, name: StreamName) -> FrameDecoder:
        return FrameDecoder("C", name, fps=25, ledger=self.ledger, target=self)

    def put(self, frame: Frame) -> None:
        self.frames.append((frame.stream, round(frame.pts_s * 25)))
        self.ledger.analysed("C")


def test_the_old_stream_goes_on_until_a_key_frame_of_the_new_one(encode_units: EncodeUnits) -> None:
    camera = Camera()
    sub, main = encode_units(30, gop=GOP, width=160, height=90), encode_units(30, gop=GOP)
    for number, (small, large) in enumerate(zip(sub, main, strict=True)):
        if number == 13:
            camera.analysed.wanted = "main"
        assert camera.decoders["sub"].decode(small) == 1
        assert camera.decoders["main"].decode(large) == 1
    account = camera.ledger.account("C")
    # At 20 main's key frame takes over; sub's unit of that instant was decoded before it came.
    assert camera.frames == [("sub", n) for n in range(21)] + [("main", n) for n in range(20, 30)]
    assert camera.changes == ["main"]
    assert (account.received, account.analysed, account.in_flight) == (31, 31, 0)


def test_who_is_not_ready_does_not_take_over(encode_units: EncodeUnits) -> None:
    camera = Camera()
    camera.ready = False
    camera.analysed.wanted = "main"
    for unit in encode_units(12, gop=GOP):
        camera.decoders["main"].decode(unit)
    assert camera.analysed.current == "sub"
    assert camera.ledger.account("C").received == 0


def test_what_an_idle_stream_cannot_decode_is_not_the_cameras_loss() -> None:
    camera = Camera()
    camera.decoders["main"].undecodable()
    assert camera.ledger.account("C").received == 0
    camera.decoders["sub"].undecodable()
    assert camera.ledger.account("C").dropped == {DropCause.UNDECODABLE: 1}


def test_what_the_old_decoder_still_held_is_accounted_for(encode_units: EncodeUnits) -> None:
    camera = Camera()
    for unit in encode_units(6, gop=GOP, b_frames=2):
        camera.decoders["sub"].decode(unit)
    held = camera.ledger.account("C").in_flight
    assert held > 0
    camera.analysed.wanted = "main"
    camera.decoders["main"].decode(encode_units(1, gop=GOP)[0])
    camera.decoders["sub"].decode(encode_units(7, gop=GOP, b_frames=2)[6])
    account = camera.ledger.account("C")
    assert account.dropped == {DropCause.SESSION_ENDED: held}
    assert account.in_flight == 0
