from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.simulator.encode import PreparationCancelledError, Profiles, cached_files, prepare
from ingest.simulator.encode_process import prepare_in_process
from ingest.simulator.source import ClipSource, SceneSource, SourceError


def test_another_process_makes_the_same_material(
    sim_source: SceneSource, sim_profiles: Profiles, sim_cache: Path, tmp_path: Path
) -> None:
    prepare_in_process(sim_source, sim_profiles, tmp_path, lambda: False)
    assert {file.name for file in tmp_path.iterdir()} == {
        file.name for file in cached_files(sim_source, sim_profiles, tmp_path)
    }
    here, there = (prepare(sim_source, sim_profiles, folder) for folder in (sim_cache, tmp_path))
    assert here.main.trains == there.main.trains


def test_cancelling_ends_it_and_leaves_nothing_behind(
    sim_source: SceneSource, sim_profiles: Profiles, tmp_path: Path
) -> None:
    long = replace(sim_source, seconds=600)
    with pytest.raises(PreparationCancelledError):
        prepare_in_process(long, sim_profiles, tmp_path, lambda: any(tmp_path.iterdir()))
    assert list(tmp_path.iterdir()) == []


def test_what_the_process_says_is_told(sim_profiles: Profiles, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"clip gone\.mp4: No such file"):
        prepare_in_process(ClipSource(tmp_path / "gone.mp4"), sim_profiles, tmp_path, lambda: False)
