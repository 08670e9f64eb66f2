"""H.265 parsing against a real encoder and a real reader, and against broken input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import h265
from ingest.fmp4 import init_segment
from ingest.h265 import ParameterSets, SliceReader, parameter_sets_of_extradata, parse_sps
from ingest.nal import MalformedVideo
from ingest.packet import AccessUnit
from tests.ingest.field_pictures import BitWriter, escape

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


@dataclass(frozen=True)
class _Set:
    """A reference picture set as it is written: ``before`` and ``after`` as gaps and whether used, or ``shift`` and,
    for each entry of the set before it and that itself, whether it is used, kept or left out.
    """

    before: tuple[tuple[int, bool], ...] = ()
    after: tuple[tuple[int, bool], ...] = ()
    shift: int = 0
    kinds: tuple[str, ...] = ()


_gaps = st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=4).map(tuple)
_sets = st.lists(
    st.one_of(
        st.builds(_Set, _gaps, _gaps),
        st.builds(
            _Set,
            shift=st.integers(-9, 9).filter(bool),
            kinds=st.lists(st.sampled_from(["used", "kept", "out"]), min_size=17, max_size=17).map(tuple),
        ),
    ),
    max_size=6,
)
Entries = list[tuple[int, bool]]


def _predicted(before: Entries, after: Entries, shift: int, kinds: tuple[str, ...]) -> tuple[Entries, Entries]:
    """(7-61) and (7-62), word for word."""
    at = len(before)
    lists: list[Entries] = []
    for sign, near, far, far_at, near_at in ((-1, before, after, at, 0), (1, after, before, 0, at)):
        found: Entries = []
        for j in reversed(range(len(far))):
            if sign * (far[j][0] + shift) > 0 and kinds[far_at + j] != "out":
                found.append((far[j][0] + shift, kinds[far_at + j] == "used"))
        if sign * shift > 0 and kinds[len(before) + len(after)] != "out":
            found.append((shift, kinds[len(before) + len(after)] == "used"))
        for j in range(len(near)):
            if sign * (near[j][0] + shift) > 0 and kinds[near_at + j] != "out":
                found.append((near[j][0] + shift, kinds[near_at + j] == "used"))
        lists.append(found)
    return lists[0], lists[1]


def _write_sets(writer: BitWriter, sets: list[_Set]) -> list[Entries]:
    writer.ue(len(sets))
    before: Entries = []
    after: Entries = []
    written: list[Entries] = []
    for place, each in enumerate(sets):
        predicted = bool(each.kinds) and place > 0
        if place:
            writer.bits(1, predicted)
        if predicted:
            writer.bits(1, each.shift < 0).ue(abs(each.shift) - 1)
            for kind in each.kinds[: len(before) + len(after) + 1]:
                writer.bits(*{"used": (1, 1), "kept": (2, 0b01), "out": (2, 0b00)}[kind])
            before, after = _predicted(before, after, each.shift, each.kinds)
        else:
            writer.ue(len(each.before), len(each.after))
            for gap, used in (*each.before, *each.after):
                writer.ue(gap - 1).bits(1, used)
            before, after = (
                [(sign * sum(gap for gap, _ in gaps[: n + 1]), used) for n, (_, used) in enumerate(gaps)]
                for sign, gaps in ((-1, each.before), (1, each.after))
            )
        written.append(before + after)
    return written


@given(_sets, st.booleans(), st.sampled_from([None, True, False]), st.booleans())
def test_reference_picture_sets_are_read(sets: list[_Set], pcm: bool, scaled: bool | None, layers: bool) -> None:
    writer = BitWriter().bits(8, 0b0000_001_1 if layers else 0b0000_000_1).bits(96, 0)
    if layers:
        writer.bits(2, 0b01).bits(14, 0).bits(8, 93)  # a level of the lower layer
    writer.ue(0, 1, 64, 64).bits(1, 0).ue(0, 0, 4)
    writer.bits(1, 1).ue(*[4, 0, 0] * (2 if layers else 1)).ue(0, 3, 0, 3, 0, 0)
    writer.bits(1, scaled is not None)
    if scaled is not None:
        writer.bits(1, 1)
        for size in range(4):
            for _ in range(2 if size == 3 else 6):
                writer.bits(1, scaled)
                if scaled:
                    for value in range(min(64, 1 << 4 + 2 * size) + (size > 1)):
                        writer.se(value % 5 - 2)
                else:
                    writer.ue(0)
    writer.bits(2, 0b11).bits(1, pcm)
    if pcm:
        writer.bits(8, 0x77).ue(0, 1).bits(1, 0)
    written = _write_sets(writer, sets)
    read = parse_sps(b"\x42\x01" + escape(writer.data())).reference_sets
    assert read is not None
    assert [list(each.entries) for each in read] == written
    assert [each.used for each in read] == [tuple(distance for distance, used in one if used) for one in written]
