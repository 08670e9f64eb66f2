"""The pictures of faults: what they show, and that a camera takes them up and gives them back without a gap."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.judges.light import shows_nothing
from ingest.judges.thumbnail import Thumbnail, thumbnail
from ingest.judges.view import edges, similarity
from ingest.nal import to_annex_b
from ingest.simulator.encode import Profile, Profiles, prepare
from ingest.simulator.fault import PICTURED, SimFault
from ingest.simulator.material import MaterialError, Track
from ingest.simulator.source import ClipSource, SceneSource
from ingest.simulator.variants import make_variant


@pytest.fixture(scope="module", params=["h264", "hevc"])
def track(
    request: pytest.FixtureRequest,
    sim_source: SceneSource,
    sim_profiles: Profiles,
    sim_cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Track:
    """Four seconds of a yard."""
    drawn = prepare(sim_source, sim_profiles, sim_cache).main.path
    assert drawn is not None
    profile = Profile(320, 180, Fraction(25), 400_000, 1, codec=request.param)
    return prepare(ClipSource(drawn), Profiles(profile, profile), tmp_path_factory.mktemp("variants")).main


def _pictures(track: Track) -> list[av.VideoFrame]:
    """What a receiver sees: the trains put together and decoded."""
    context = av.CodecContext.create(track.codec, "r")
    assert isinstance(context, av.VideoCodecContext)
    found: list[av.VideoFrame] = []
    for train in track.trains:
        found += context.decode(av.Packet(to_annex_b(_units(track, train.data, train.offsets))))
    return found + context.decode(None)


def _units(track: Track, data: bytes, offsets: tuple[int, ...]) -> list[bytes]:
    units: list[bytes] = []
    for start, end in zip(offsets, (*offsets[1:], len(data)), strict=True):
        payload = data[start + 16 : end]
        if track.codec == "h264":
            whole, begins, first, skip = (
                payload[0] & 31 != 28,
                payload[1] & 128,
                bytes([payload[0] & 0xE0 | payload[1] & 31]),
                2,
            )
        elif payload[0] >> 1 == 48:
            at = 2
            while at < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at + 2 : at + 2 + size])
                at += 2 + size
            continue
        else:
            whole, begins = payload[0] >> 1 != 49, payload[2] & 128
            first, skip = bytes([(payload[2] & 63) << 1, payload[1]]), 3
        if whole:
            units.append(payload)
        elif begins:
            units.append(first + payload[skip:])
        else:
            units[-1] += payload[skip:]
    return units


def _small(track: Track) -> list[Thumbnail]:
    return [thumbnail(picture) for picture in _pictures(track)]


def _grey(picture: av.VideoFrame) -> NDArray[np.int16]:
    return picture.to_ndarray(format="gray").astype(np.int16)


@pytest.mark.parametrize("fault", sorted(PICTURED))
def test_every_variant_begins_with_a_key_frame_and_decodes_whole(track: Track, fault: SimFault) -> None:
    variant = make_variant(track, fault)
    assert (variant.codec, variant.fps, variant.since_key[0]) == (track.codec, track.fps, 0)
    assert len(_pictures(variant)) == len(variant.trains)


def test_stuck_repeats_one_picture_for_almost_no_bytes(track: Track) -> None:
    variant = make_variant(track, SimFault.STUCK)
    pictures = _pictures(variant)
    assert len(pictures) == 25
    assert max(int(np.abs(_grey(pictures[0]) - _grey(other)).max()) for other in pictures) <= 2
    assert max(len(train.data) for train in variant.trains[1:]) < 250


def test_dark_shows_nothing_and_is_not_stuck(track: Track) -> None:
    pictures = _pictures(make_variant(track, SimFault.DARK))
    assert all(shows_nothing(thumbnail(picture)) for picture in pictures)
    assert (_grey(pictures[0]) != _grey(pictures[-1])).any()


def test_moved_resembles_its_street_no_more_and_resized_still_does(track: Track) -> None:
    before = edges(_small(track)[0])
    moved, resized = make_variant(track, SimFault.MOVED), make_variant(track, SimFault.RESIZED)
    assert (similarity(before, edges(_small(moved)[0])) or 0) < 0.3
    assert (similarity(before, edges(_small(resized)[0])) or 0) > 0.6
    assert (moved.width, moved.height) == (320, 180)
    assert (resized.width, resized.height) == (240, 134)


def test_slow_has_two_pictures_a_second(track: Track) -> None:
    variant = make_variant(track, SimFault.SLOW)
    assert float(track.fps / variant.stride) == pytest.approx(2, abs=0.1)
    assert float(variant.duration) == pytest.approx(2, abs=0.5)


def test_a_track_whose_file_is_gone_says_so(track: Track) -> None:
    with pytest.raises(MaterialError, match="not readable"):
        make_variant(replace(track, path=Path("gone.mp4")), SimFault.DARK)
