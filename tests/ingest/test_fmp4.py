"""Fragments: a decoder plays them, and the boxes say what the standard wants them to say."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.fmp4 import fragment, init_segment, mime_type, ntp_timestamp
from ingest.nal import CodecName
from ingest.packet import AccessUnit

EncodeUnits = Callable[..., list[AccessUnit]]

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"mvex", b"moof", b"traf"}


def _boxes(data: bytes, begin: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """All boxes, those in containers too; fails where sizes do not add up."""
    at = begin
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at, name
        content = data[at + 8 : at + size]
        yield name, content
        if name in _CONTAINERS:
            yield from _boxes(content)
        at += size


def _file(units: list[AccessUnit]) -> bytes:
    return init_segment(units[0].parameters) + b"".join(
        fragment(unit, number, 3600) for number, unit in enumerate(units, start=1)
    )


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 2), ("hevc", 0), ("hevc", 2)])
def test_the_concatenation_plays(encode_units: EncodeUnits, codec: CodecName, b_frames: int) -> None:
    units = encode_units(25, b_frames=b_frames, codec=codec)
    with av.open(io.BytesIO(_file(units)), mode="r", format="mp4") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (320, 180)
        assert stream.codec_context.name == codec
        assert stream.codec_context.codec_tag == {"h264": "avc1", "hevc": "hvc1"}[codec]
        assert stream.time_base is not None
        assert stream.time_base.denominator == 90_000
        frames = list(container.decode(video=0))
    assert [frame.pts for frame in frames] == sorted(unit.pts for unit in units)
    assert not any(frame.is_corrupt for frame in frames)
    for number, frame in enumerate(frames):
        assert frame.to_ndarray(format="gray").mean() == pytest.approx((10 + number - 0) * 219 / 255 + 16, abs=20)


def test_ffprobe_has_no_complaint(encode_units: EncodeUnits) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = [
        "ffprobe",
        "-v",
        "warning",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
        "-",
    ]
    done = subprocess.run(command, input=_file(encode_units(12)), capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    assert done.stdout.strip() == b"12"


def test_a_page_can_begin_at_any_key_frame(encode_units: EncodeUnits) -> None:
    units = encode_units(30, gop=10)[20:]
    with av.open(io.BytesIO(_file(units)), mode="r", format="mp4") as container:
        assert len(list(container.decode(video=0))) == 10


def test_what_the_boxes_say(encode_units: EncodeUnits) -> None:
    units = encode_units(3, gop=2)
    for number, unit in enumerate(units, start=1):
        data = fragment(unit, number, 3600)
        top = []
        at = 0
        while at < len(data):
            size, name = struct.unpack_from(">I4s", data, at)
            top.append(name)
            at += size
        assert top == [b"prft", b"moof", b"mdat"]
        found = dict(_boxes(data))
        version_flags, track, ntp, media_time = struct.unpack(">IIQQ", found[b"prft"])
        assert (version_flags, track, media_time) == (0x01000018, 1, unit.pts)
        assert ntp / 2**32 - 2_208_988_800 == pytest.approx(unit.captured_at, abs=1e-3)
        assert struct.unpack(">IQ", found[b"tfdt"]) == (0x01000000, unit.dts)
        assert struct.unpack(">II", found[b"mfhd"]) == (0, number)
        _, samples, offset, duration, size, flags, reorder = struct.unpack(">IIiIIIi", found[b"trun"])
        assert (samples, duration, size, reorder) == (1, 3600, len(found[b"mdat"]), unit.pts - unit.dts)
        assert bool(flags & 0x00010000) is not unit.keyframe
        assert data[data.index(b"moof") - 4 + offset :] == found[b"mdat"]


def test_a_picture_that_may_be_older_is_no_picture_of_known_age(encode_units: EncodeUnits) -> None:
    unit = replace(encode_units(1)[0], settled=False)
    assert dict(_boxes(fragment(unit, 1, 3600)))[b"prft"][:4] == bytes((1, 0, 0, 2))


def test_the_init_segment_announces_codec_and_size(encode_units: EncodeUnits) -> None:
    parameters = encode_units(1)[0].parameters
    found = dict(_boxes(init_segment(parameters)))
    assert {b"ftyp", b"mvex", b"trex", b"tkhd", b"stsd"} <= set(found)
    assert struct.unpack(">II", found[b"tkhd"][-8:]) == (320 << 16, 180 << 16)
    assert parameters.sps in found[b"stsd"]
    assert mime_type(parameters.sequence()) == f'video/mp4; codecs="avc1.{parameters.sps[1:4].hex()}"'


@given(st.integers(0, 4_000_000_000_000_000))
def test_ntp_time_is_right_to_the_microsecond(microseconds: int) -> None:
    stamp = ntp_timestamp(microseconds / 1e6)
    seconds, fraction = stamp >> 32, stamp & 0xFFFFFFFF
    back = ((seconds - 2_208_988_800) % 2**32) * 1_000_000 + fraction * 1_000_000 / 2**32
    assert back == pytest.approx(microseconds % (2**32 * 1_000_000), abs=2)
