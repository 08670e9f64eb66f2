"""H.264 parsing: what was written is read back, and broken input is named, not guessed at."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.h264 import SliceReader, find_parameter_sets, parameter_sets_of_extradata, parse_sps
from ingest.nal import (
    BitReader,
    MalformedVideo,
    remove_emulation_prevention,
    split_annex_b,
    split_length_prefixed,
    to_annex_b,
    to_length_prefixed,
)
from tests.ingest.field_pictures import BitWriter, escape

# A NAL unit never ends in a zero byte and never holds a start code (7.4.1).
_units = st.lists(st.binary(min_size=1, max_size=40).map(lambda data: b"\x65" + data.replace(b"\0", b"\1")), max_size=8)


@given(_units)
def test_both_forms_of_an_access_unit_hold_the_same_units(units: list[bytes]) -> None:
    assert split_annex_b(to_annex_b(units)) == units
    assert split_length_prefixed(to_length_prefixed(units)) == units


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    for unit in split_annex_b(data):
        try:
            parse_sps(unit)
        except MalformedVideo:
            continue


@given(st.binary(max_size=80))
def test_emulation_prevention_is_undone(payload: bytes) -> None:
    assert remove_emulation_prevention(escape(payload)) == payload


@given(st.lists(st.integers(0, 2**20), max_size=20))
def test_exp_golomb(values: list[int]) -> None:
    writer = BitWriter()
    for value in values:
        writer.ue(value)
    reader = BitReader(writer.data())
    assert [reader.ue() for _ in values] == values


@given(
    columns=st.integers(1, 240),
    rows=st.integers(1, 135),
    crop=st.tuples(*[st.integers(0, 3)] * 4),
    interlaced=st.booleans(),
    level=st.integers(10, 62),
)
def test_the_cropped_size_is_read(
    columns: int, rows: int, crop: tuple[int, int, int, int], interlaced: bool, level: int
) -> None:
    writer = BitWriter().bits(8, 66).bits(8, 0xC0).bits(8, level).ue(0).ue(0).ue(2).ue(1).bits(1, 0)
    writer.ue(columns - 1).ue(rows - 1).bits(1, not interlaced)
    if interlaced:
        writer.bits(1, 0)
    writer.bits(1, 1).bits(1, 1)
    for side in crop:
        writer.ue(side)
    writer.bits(1, 0)
    sps = b"\x67" + escape(writer.data())
    fields = 2 if interlaced else 1
    width = columns * 16 - 2 * (crop[0] + crop[1])
    height = rows * 16 * fields - 2 * fields * (crop[2] + crop[3])
    sequence = parse_sps(sps)
    assert (sequence.width, sequence.height) == (width, height)
    assert sequence.codec == f"avc1.42c0{level:02x}"


@pytest.mark.parametrize(
    ("width", "height", "profile", "pixels"),
    [
        pytest.param(640, 360, "baseline", "yuv420p", id="360 is no multiple of 16: cropped"),
        pytest.param(1920, 1080, "high", "yuv420p", id="1080 lines are coded as 1088"),
        pytest.param(322, 242, "high", "yuv420p", id="odd macroblocks both ways"),
        pytest.param(320, 240, "high422", "yuv422p", id="another chroma format"),
    ],
)
def test_parameter_sets_of_a_real_encoder(width: int, height: int, profile: str, pixels: str) -> None:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base = Fraction(1, 25)
    context.framerate = Fraction(25)
    context.options = {"profile": profile, "preset": "veryfast", "x264-params": "annexb=1"}
    frame = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), "bgr24").reformat(format=pixels)
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    parameters = parameter_sets_of_extradata(data)
    assert parameters is not None
    assert (parameters.sequence().width, parameters.sequence().height) == (width, height)
    assert parameters.sequence().fps == 25.0
    assert parameters.sequence().codec.startswith(
        {"baseline": "avc1.42", "high": "avc1.64", "high422": "avc1.7a"}[profile]
    )


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"\xe7\x42\xc0\x15", "forbidden", id="forbidden bit"),
        pytest.param(b"\x65\x42\xc0\x15", "not a sequence", id="a slice"),
        pytest.param(b"\x67\x42\xc0\x15", "ends early", id="cut off"),
    ],
)
def test_a_broken_sps_is_refused_by_name(unit: bytes, reason: str) -> None:
    with pytest.raises(MalformedVideo, match=reason):
        parse_sps(unit)


@pytest.mark.parametrize("b_frames", [0, 2])
def test_picture_numbers_of_a_real_encoder_count_reference_pictures(b_frames: int) -> None:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
    context.time_base, context.gop_size, context.max_b_frames = Fraction(1, 25), 40, b_frames
    context.options = {"preset": "veryfast", "x264-params": "annexb=1:scenecut=0"}
    packets = []
    for number in range(60):
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * number, np.uint8), "bgr24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = number
        packets += context.encode(frame)
    packets += context.encode(None)
    units = [unit for packet in packets for unit in split_annex_b(bytes(packet))]
    parameters = find_parameter_sets(units)
    assert parameters is not None
    reader, expected, restarts = SliceReader(parameters), 0, 0
    for unit in units:
        if unit[0] & 31 not in (1, 5):
            continue
        number_of = reader.number(unit)
        assert number_of is not None
        restarts += number_of.restarts
        expected = 0 if number_of.restarts else expected
        assert number_of.value == expected % number_of.modulus
        expected += number_of.reference
    assert restarts == 2


def test_a_length_past_the_end_is_refused() -> None:
    with pytest.raises(MalformedVideo, match="ends at 9"):
        split_length_prefixed(b"\0\0\0\5ab")


def test_avcc_extradata_is_read() -> None:
    sps, pps = b"\x67\x42\xc0\x15\xda", b"\x68\xce"
    record = b"\x01\x42\xc0\x15\xff\xe1\x00\x05" + sps + b"\x01\x00\x02" + pps
    parameters = parameter_sets_of_extradata(record)
    assert parameters is not None
    assert (parameters.sps, parameters.pps) == (sps, pps)
    assert parameter_sets_of_extradata(record[:-6]) is None
