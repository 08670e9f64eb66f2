"""H.265 parsing against a real encoder and a real reader, and against broken input."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import h265
from ingest.fmp4 import init_segment
from ingest.h265 import ParameterSets, SliceReader, parameter_sets_of_extradata, parse_sps
from ingest.nal import MalformedVideo
from ingest.packet import AccessUnit

EncodeUnits = Callable[..., list[AccessUnit]]


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(320, 180, id="180 is no multiple of 8: a conformance window"),
        pytest.param(640, 358, id="odd coding blocks"),
        pytest.param(1280, 720, id="720 lines"),
    ],
)
def test_what_an_encoder_wrote_is_read(encode_units: EncodeUnits, width: int, height: int) -> None:
    parameters = encode_units(1, width=width, height=height, codec="hevc")[0].parameters
    sequence = parameters.sequence()
    assert (sequence.width, sequence.height) == (width, height)
    assert sequence.codec.startswith("hvc1.1.6.L")
    assert sequence.codec.endswith(".90")


def test_the_configuration_record_gives_the_parameter_sets_back(encode_units: EncodeUnits) -> None:
    parameters = encode_units(1, codec="hevc")[0].parameters
    segment = init_segment(parameters)
    begin = segment.index(b"hvcC") + 4
    end = begin + int.from_bytes(segment[begin - 8 : begin - 4], "big") - 8
    assert parameter_sets_of_extradata(segment[begin:end]) == parameters
    assert parameter_sets_of_extradata(parameters.annex_b()) == parameters


def test_picture_order_counts_go_up_by_one_without_reordering(encode_units: EncodeUnits) -> None:
    units = encode_units(30, gop=10, codec="hevc")
    parameters = units[0].parameters
    assert isinstance(parameters, ParameterSets)
    reader = SliceReader(parameters)
    numbers = [reader.number(unit.first_slice) for unit in units]
    restarts = [place for place, number in enumerate(numbers) if number is not None and number.restarts]
    assert restarts == [0, 10, 20]
    values = [number.value for number in numbers if number is not None]
    assert all(after - before == 1 for before, after in pairwise(values[:10]))


@given(st.binary(max_size=120))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    sps = b"\x42\x01" + data
    try:
        parse_sps(sps)
    except MalformedVideo:
        return
    try:
        SliceReader(ParameterSets(b"\x40\x01", sps, b"\x44\x01" + data)).number(b"\x02\x01" + data)
    except MalformedVideo:
        return


@given(st.binary(min_size=1, max_size=60).map(lambda data: b"\x01" + data))
def test_any_configuration_record_can_be_looked_at(record: bytes) -> None:
    parameter_sets_of_extradata(record)


def test_a_broken_set_is_refused_by_name() -> None:
    with pytest.raises(MalformedVideo, match="not a sequence"):
        parse_sps(b"\x02\x01\x00")
    with pytest.raises(MalformedVideo, match="forbidden"):
        h265.SYNTAX.type_of(b"\xc2\x01")
