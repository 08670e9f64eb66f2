from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import ClipSource, SceneSource, SourceError, clips, fit, scenes

VIDEO = Path(__file__).parents[3] / "../shared/video"


@given(st.integers(2, 8000), st.integers(2, 8000), st.integers(16, 4000), st.integers(16, 4000))
def test_fitting_keeps_the_shape_is_even_and_never_enlarges(width: int, height: int, wide: int, high: int) -> None:
    w, h = fit(width, height, wide, high)
    assert w % 2 == h % 2 == 0
    assert w <= max(2, min(width, wide) + 1)
    assert h <= max(2, min(height, high) + 1)
    if min(w, h) > 100:
        assert w / h == pytest.approx(width / height, rel=0.03)


def _clip(path: Path, rate: int, frames: int) -> Path:
    """Frame i is a flat grey of 4 * i."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((72, 64), 4 * index, np.uint8), format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("rate", [10, 25, 30])
def test_a_clip_is_resampled_to_a_constant_rate(tmp_path: Path, rate: int) -> None:
    source = ClipSource(_clip(tmp_path / "c.mp4", rate, rate * 2))
    seen = [int(picture.to_ndarray()[24, 32]) / 4 for picture in source.pictures(Fraction(25), 1920, 1080)]
    assert len(seen) == pytest.approx(50, abs=2)
    for index, shown in enumerate(seen):
        assert shown == pytest.approx(np.floor(index / 25 * rate + 1e-6), abs=1.3), index


def test_a_clip_is_cut_to_its_limit_and_made_smaller(tmp_path: Path) -> None:
    source = ClipSource(_clip(tmp_path / "c.mp4", 25, 50), max_seconds=1.0)
    pictures = list(source.pictures(Fraction(25), 32, 32))
    assert len(pictures) == 25
    assert {(picture.width, picture.height, picture.format.name) for picture in pictures} == {(32, 24, "yuv420p")}


def test_a_clip_that_changes_is_another(tmp_path: Path) -> None:
    path = _clip(tmp_path / "c.mp4", 25, 10)
    before = ClipSource(path).identity()
    _clip(path, 25, 12)
    assert ClipSource(path).identity() != before


@pytest.mark.parametrize("content", [None, b"", b"no video at all"])
def test_what_is_no_clip_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "gone.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=r"gone\.mp4"):
        list(ClipSource(path).pictures(Fraction(25), 64, 64))


def test_a_clip_that_is_gone_has_no_identity(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: No such file"):
        ClipSource(tmp_path / "gone.mp4").identity()


def test_a_folder_gives_its_clips_by_name_and_an_empty_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no video"):
        clips(tmp_path)
    for name in ("b.MP4", "a.avi", "notes.txt"):
        (tmp_path / name).touch()
    assert [clip.path.name for clip in clips(tmp_path)] == ["a.avi", "b.MP4"]
    with pytest.raises(SourceError, match="is not a folder"):
        clips(tmp_path / "nowhere")


def test_a_scenes_pictures_fit_and_loop() -> None:
    source = SceneSource(kind=SceneKind.YARD, width=320, height=180, seconds=1)
    pictures = list(source.pictures(Fraction(25), 160, 160))
    assert len(pictures) == 25
    assert (pictures[0].width, pictures[0].height) == (160, 90)


def test_scenes_differ() -> None:
    made = scenes(9)
    assert len({source.identity() for source in made}) == 9
    assert len({source.kind for source in made}) == 5
    assert 1 <= sum(source.night for source in made) <= 3


@pytest.mark.skipif(not VIDEO.is_dir(), reason="no clips beside the checkout")
def test_real_clips_are_read() -> None:
    for clip in clips(VIDEO, max_seconds=0.4):
        pictures = list(clip.pictures(Fraction(25), 640, 360))
        assert len(pictures) == 10, clip.title
        assert {picture.width % 2 for picture in pictures} == {0}
