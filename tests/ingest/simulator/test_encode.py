from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from ingest.simulator.encode import PreparationCancelledError, Profile, Profiles, cache_key, prepare
from ingest.simulator.source import SceneSource, SourceError


@dataclass
class _Counting:
    """A scene that counts how often it is drawn."""

    inner: SceneSource
    drawn: int = 0
    fail_after: int | None = None
    title: str = "counting"

    def identity(self) -> str:
        return self.inner.identity()

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        for number, picture in enumerate(self.inner.pictures(fps, width, height)):
            if number == self.fail_after:
                raise SourceError("the clip ends in the middle")
            self.drawn += 1
            yield picture


def test_both_streams_have_the_asked_shape_and_turn_together(
    sim_source: SceneSource, sim_profiles: Profiles, sim_cache: Path
) -> None:
    material = prepare(sim_source, sim_profiles, sim_cache)
    assert (material.main.width, material.main.height, material.main.fps) == (320, 180, Fraction(25))
    assert (material.sub.width, material.sub.height, material.sub.fps) == (160, 90, Fraction(25, 2))
    assert material.main.duration == material.sub.duration == 4
    assert [i for i, since in enumerate(material.main.since_key) if since == 0] == [0, 50]
    assert [i for i, since in enumerate(material.sub.since_key) if since == 0] == [0, 25]
    assert 100_000 < material.main.bit_rate < 450_000


def test_it_is_encoded_once(sim_source: SceneSource, sim_profiles: Profiles, tmp_path: Path) -> None:
    source = _Counting(replace(sim_source, seconds=2))
    first = prepare(source, sim_profiles, tmp_path)
    assert source.drawn == 50
    again = prepare(source, sim_profiles, tmp_path)
    assert source.drawn == 50
    assert again.main.trains == first.main.trains


def test_a_damaged_cache_file_is_made_again(sim_source: SceneSource, sim_profiles: Profiles, tmp_path: Path) -> None:
    source = _Counting(replace(sim_source, seconds=2))
    first = prepare(source, sim_profiles, tmp_path)
    for file in tmp_path.glob("*.sub.mp4"):
        file.write_bytes(file.read_bytes()[:200])
    assert prepare(source, sim_profiles, tmp_path).sub.trains == first.sub.trains
    assert source.drawn == 100


def test_a_source_that_fails_leaves_nothing_behind(
    sim_source: SceneSource, sim_profiles: Profiles, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="ends in the middle"):
        prepare(_Counting(sim_source, fail_after=20), sim_profiles, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_cancelling_leaves_nothing_behind(sim_source: SceneSource, sim_profiles: Profiles, tmp_path: Path) -> None:
    source = _Counting(replace(sim_source, seconds=60))
    with pytest.raises(PreparationCancelledError):
        prepare(source, sim_profiles, tmp_path, lambda: source.drawn > 5)
    assert list(tmp_path.iterdir()) == []


def test_every_parameter_changes_the_key(sim_source: SceneSource, sim_profiles: Profiles) -> None:
    keys = {
        cache_key(sim_source, sim_profiles),
        cache_key(replace(sim_source, seed=2), sim_profiles),
        cache_key(replace(sim_source, night=True), sim_profiles),
        cache_key(sim_source, replace(sim_profiles, main=replace(sim_profiles.main, bit_rate=1))),
        cache_key(sim_source, replace(sim_profiles, sub=replace(sim_profiles.sub, gop_s=1))),
    }
    assert len(keys) == 5


def test_rates_that_do_not_turn_together_are_refused() -> None:
    with pytest.raises(ValueError, match="no multiple"):
        Profiles(Profile(320, 180, Fraction(25), 1), Profile(160, 90, Fraction(10), 1))
