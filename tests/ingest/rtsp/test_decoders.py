"""Hardware decoding falls back to the processor, says so, and loses no frame uncounted. No device is needed."""

from __future__ import annotations

from collections.abc import Callable

import av
import pytest
from structlog.testing import capture_logs

from ingest.frame import Frame
from ingest.ledger import DropCause, FrameLedger
from ingest.packet import AccessUnit
from ingest.rtsp.decoders import Decoders, Hardware, hardware_decoder
from ingest.rtsp.decoding import FrameDecoder

EncodeUnits = Callable[..., list[AccessUnit]]


class _Target:
    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def put(self, frame: Frame) -> None:
        self.frames.append(frame)


class _Broken:
    """A device's decoder that opens and then fails."""

    def decode(self, packet: object) -> list[av.VideoFrame]:
        raise av.error.ExternalError(1, "device lost")


def _software(hardware: Hardware) -> av.VideoCodecContext:
    """What FFmpeg makes of a device that cannot do the stream: a decoder like any other."""
    return av.CodecContext.create("h264", "r")


def _run(decoders: Decoders, units: list[AccessUnit]) -> tuple[list[Frame], FrameLedger]:
    ledger, target = FrameLedger(["a"]), _Target()
    decoder = FrameDecoder("a", "sub", fps=25, ledger=ledger, target=target, decoders=decoders)
    for unit in units:
        decoder.decode(unit)
    decoder.end_session(DropCause.SESSION_ENDED)
    account = ledger.account("a")
    assert account.received == len(units) == len(target.frames) + sum(account.dropped.values())
    return target.frames, ledger


def test_a_device_that_is_not_there_is_told_and_pictures_come_all_the_same(encode_units: EncodeUnits) -> None:
    def absent(hardware: Hardware) -> av.VideoCodecContext:
        raise av.error.PermissionError(1, "Operation not permitted")

    with capture_logs() as logs:
        decoders = Decoders("cuda", available=lambda: ["cuda"], opener=absent)
    assert decoders.device is None
    if hardware_decoder("h264", "cuda") is not None:
        assert "cuda: no such device or driver (Operation not permitted)" in (decoders.fallback or "")
    assert [log["log_level"] for log in logs] == ["error"]
    frames, _ = _run(decoders, encode_units(10))
    assert len(frames) == 10


def test_what_the_build_lacks_is_told() -> None:
    with capture_logs():
        decoders = Decoders("vaapi", available=lambda: ["cuda", "qsv"])
    assert decoders.fallback == (
        "decoding runs on the processor instead of vaapi: this build of PyAV has only cuda, qsv"
    )
    assert decoders.fallbacks == 1


@pytest.mark.parametrize("asked", ["none", "auto"])
def test_without_a_wish_there_is_no_fallback(asked: str) -> None:
    decoders = Decoders(asked, available=list)  # type: ignore[arg-type]
    assert (decoders.device, decoders.fallback, decoders.fallbacks) == (None, None, 0)


@pytest.fixture
def on_cuda() -> None:
    if hardware_decoder("h264", "cuda") is None:
        pytest.skip("this build of PyAV has no CUDA decoder")


@pytest.mark.usefixtures("on_cuda")
def test_a_silent_fallback_of_ffmpeg_is_told_once_a_camera(encode_units: EncodeUnits) -> None:
    decoders = Decoders("auto", available=lambda: ["cuda"], opener=_software)
    assert decoders.device == "cuda"
    with capture_logs() as logs:
        for _ in range(2):
            frames, _ = _run(decoders, encode_units(10))
            assert len(frames) == 10
    assert decoders.fallbacks == 2
    assert [log["event"] for log in logs] == ["decoding_on_processor"]
    assert (decoders.fallback or "").startswith(
        "camera a is decoded on the processor: cuda does not take its h264 stream of "
    )


@pytest.mark.usefixtures("on_cuda")
def test_a_decoder_that_fails_before_its_first_picture_is_replaced_at_the_next_key_frame(
    encode_units: EncodeUnits,
) -> None:
    opened = []

    def broken(hardware: Hardware) -> av.VideoCodecContext:
        opened.append(hardware.name)
        return _Broken()  # type: ignore[return-value]

    decoders = Decoders("cuda", available=lambda: ["cuda"], opener=broken)
    frames, ledger = _run(decoders, encode_units(20, gop=10))
    assert len(frames) == 10, "from the second key frame on"
    assert ledger.account("a").dropped == {DropCause.UNDECODABLE: 10}
    assert "its decoder on cuda failed (device lost)" in (decoders.fallback or "")
    assert len(opened) == 2, "when the worker started, and once for the stream"


@pytest.mark.usefixtures("on_cuda")
def test_a_device_that_takes_no_more_streams_costs_none_of_them(encode_units: EncodeUnits) -> None:
    left = [1]

    def full(hardware: Hardware) -> av.VideoCodecContext:
        if not left.pop():
            raise av.error.ExternalError(1, "out of memory")
        left.append(0)
        return _software(hardware)

    decoders = Decoders("cuda", available=lambda: ["cuda"], opener=full)
    frames, _ = _run(decoders, encode_units(10))
    assert len(frames) == 10
    assert decoders.fallback == "some streams are decoded on the processor: cuda takes no more (out of memory)"


@pytest.mark.usefixtures("on_cuda")
def test_this_machines_own_device_is_used_or_its_absence_told(encode_units: EncodeUnits) -> None:
    with capture_logs():
        decoders = Decoders("cuda")
    assert (decoders.device is None) == (decoders.fallback is not None)
    frames, _ = _run(decoders, encode_units(10))
    assert len(frames) == 10
