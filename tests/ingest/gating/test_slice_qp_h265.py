"""The quantiser read off H.265 slice headers: what an encoder was told to use, whatever stands before it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from statistics import median

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from ingest.gating.slice_qp_h265 import HevcQpReader
from ingest.h265 import SYNTAX, ParameterSets, find_parameter_sets
from ingest.nal import MalformedVideo, split_annex_b

FRAMES, ASKED = 24, 31


def _encode(options: str) -> tuple[ParameterSets, list[tuple[bytes, bool]]]:
    """First slices in the order of decoding, and whether they are of a key frame; noise that grows lighter."""
    random = np.random.default_rng(3)
    context = av.CodecContext.create("libx265", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 192, 128, "yuv420p"
    context.framerate, context.time_base = Fraction(12), Fraction(1, 12)
    always = "log-level=error:pools=none:frame-threads=1:scenecut=0:keyint=12:min-keyint=12"
    context.options = {"preset": "fast", "x265-params": f"{always}:{options}"}
    packets: list[av.Packet[VideoStream]] = []
    for index in range(FRAMES):
        picture = np.clip(random.normal(60 + 3 * index, 8, (128, 192, 3)), 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = index
        packets += context.encode(frame)
    packets += context.encode(None)
    units = [list(split_annex_b(bytes(packet))) for packet in packets]
    parameters = find_parameter_sets(unit for each in units for unit in each)
    assert parameters is not None
    return parameters, [(next(filter(SYNTAX.is_slice, each)), SYNTAX.is_keyframe(each)) for each in units]


def _quantisers(coded: tuple[ParameterSets, Sequence[tuple[bytes, bool]]]) -> tuple[list[int], list[int]]:
    """Of key frames, and of the others."""
    reader = HevcQpReader(coded[0])
    read = [(reader.qp(unit), key) for unit, key in coded[1]]
    assert len(read) == FRAMES
    return [qp for qp, key in read if key], [qp for qp, key in read if not key]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("bframes=0:ref=1", id="as cameras send it"),
        pytest.param("bframes=0:ref=4", id="several reference pictures"),
        pytest.param("bframes=0:ref=3:weightp=1", id="tables of weights: the light changes"),
        pytest.param("bframes=3:b-pyramid=1:ref=3:weightb=1", id="B-frames, some of them referred to"),
        pytest.param("bframes=2:open-gop=1:b-pyramid=0", id="open GOPs: pictures shown before their key frame"),
        pytest.param("bframes=0:sao=0:temporal-mvp=0:amp=0", id="less in the header"),
        pytest.param("bframes=0:temporal-layers=2:slices=2", id="layers in time, two slices a picture"),
        pytest.param("bframes=0:scaling-list=default:strong-intra-smoothing=0", id="scaling lists"),
        pytest.param("bframes=0:no-deblock=1:wpp=1:cbqpoffs=3", id="no loop filter, colour quantised otherwise"),
    ],
)
def test_what_the_encoder_was_told_is_read(options: str) -> None:
    keys, others = _quantisers(_encode(f"qp={ASKED}:ipratio=1:pbratio=1:{options}"))
    assert set(keys) == {ASKED}
    assert set(others) == {ASKED}


def test_a_rate_control_that_turns_is_followed() -> None:
    few, many = (_quantisers(_encode(f"bitrate={rate}:vbv-maxrate={rate}:vbv-bufsize={rate}")) for rate in (60, 600))
    assert median(few[1]) > median(many[1]) + 5


@given(st.binary(max_size=160))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    try:
        HevcQpReader(ParameterSets(b"\x40\x01", b"\x42\x01" + data, b"\x44\x01" + data)).qp(b"\x02\x01" + data)
    except MalformedVideo:
        return


@pytest.fixture(scope="module")
def coded() -> tuple[ParameterSets, list[tuple[bytes, bool]]]:
    return _encode("bframes=2:weightp=1:ref=3")


@given(data=st.data())
def test_a_damaged_header_is_refused_or_gives_a_quantiser(
    coded: tuple[ParameterSets, list[tuple[bytes, bool]]], data: st.DataObject
) -> None:
    parameters, slices = coded
    unit = bytearray(data.draw(st.sampled_from(slices))[0][:40])
    for _ in range(data.draw(st.integers(1, 3))):
        unit[data.draw(st.integers(2, len(unit) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert -48 <= HevcQpReader(parameters).qp(bytes(unit)) <= 51
    except MalformedVideo:
        return
