from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ingest.simulator.encode import Profiles, prepare
from ingest.simulator.material import Material, MaterialError, Track, load_track
from ingest.simulator.rtsp.rtp import packetize
from ingest.simulator.source import SceneSource


def test_key_frames_carry_the_parameter_sets_in_band(
    sim_source: SceneSource, sim_profiles: Profiles, sim_cache: Path
) -> None:
    track = prepare(sim_source, sim_profiles, sim_cache).sub
    for train, since in zip(track.trains, track.since_key, strict=True):
        kinds = [train.data[offset + 16] & 31 for offset in train.offsets]
        assert (kinds[:2] == [7, 8]) == (since == 0)
        assert not {6, 9} & set(kinds), "neither SEI nor delimiters"


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.main.mp4"
    file.write_bytes(b"nonsense")
    with pytest.raises(MaterialError, match=r"x\.main\.mp4"):
        load_track(file)


def _track(frames: int, fps: int, first: int = 0) -> Track:
    train = packetize([b"\x65abc"])
    return Track(2, 2, Fraction(fps), (b"\x67", b"\x68"), (train,) * frames, (first,) * frames)


def test_loops_that_would_drift_apart_are_refused() -> None:
    with pytest.raises(MaterialError, match="drift"):
        Material(_track(50, 25), _track(25, 12))


def test_a_loop_must_begin_with_a_key_frame_and_fit_the_clock() -> None:
    with pytest.raises(MaterialError, match="key frame"):
        _track(5, 25, first=1)
    with pytest.raises(MaterialError, match="90 kHz"):
        _track(5, 7)
    with pytest.raises(MaterialError, match="0 frames"):
        _track(0, 25)
