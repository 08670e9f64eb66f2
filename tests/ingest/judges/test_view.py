"""The judges of a view: still, dark and moved, over thumbnails made here and over real clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from ingest.judges.light import DarkJudge, shows_nothing
from ingest.judges.still import StillJudge
from ingest.judges.thumbnail import COLUMNS, ROWS, Thumbnail, thumbnail
from ingest.judges.view import ViewJudge, edges, similarity

CLIPS = Path(__file__).resolve().parents[4] / "shared" / "video"
Change = Callable[[Thumbnail], Thumbnail]


def _street(seed: int = 3) -> Thumbnail:
    """Walls, windows and poles."""
    chance = np.random.default_rng(seed)
    picture = np.full((ROWS, COLUMNS), 90, np.uint8)
    for _ in range(60):
        x, y = int(chance.integers(COLUMNS)), int(chance.integers(ROWS))
        w, h = int(chance.integers(2, 14)), int(chance.integers(2, 10))
        picture[y : y + h, x : x + w] = chance.integers(30, 220)
    return picture


def _noisy(picture: Thumbnail, seed: int, sigma: float = 0.4) -> Thumbnail:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def _with_lorry(picture: Thumbnail, place: int) -> Thumbnail:
    """A lorry that hides a third of the picture's width and most of its height."""
    changed = picture.copy()
    left = place % COLUMNS
    changed[6:34, left : left + 22] = 200
    return changed


def _dusk(picture: Thumbnail) -> Thumbnail:
    return np.asarray(picture * 0.35 + 12, np.uint8)


def _shifted(picture: Thumbnail) -> Thumbnail:
    return np.roll(picture, 6, axis=1)


def _turned(picture: Thumbnail) -> Thumbnail:
    matrix = cv2.getRotationMatrix2D((COLUMNS / 2, ROWS / 2), 9, 1.2)
    return np.asarray(cv2.warpAffine(picture, matrix, (COLUMNS, ROWS), borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def _other(_: Thumbnail) -> Thumbnail:
    return _street(99)


def _same(picture: Thumbnail) -> Thumbnail:
    return picture


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        pytest.param(_same, False, id="nothing happens"),
        pytest.param(_dusk, False, id="it grows dark"),
        pytest.param(_shifted, True, id="turned aside by a tenth of the view"),
        pytest.param(_turned, True, id="tilted"),
        pytest.param(_other, True, id="another street"),
    ],
)
def test_a_camera_is_moved_when_its_view_is(change: Change, moved: bool) -> None:
    judge, street = ViewJudge(), _street()
    for second in range(15):
        judge.look(second, _noisy(street, second))
    assert judge.settled
    said = []
    for second in range(15, 27):
        judge.look(second, _noisy(change(street), second))
        said.append(judge.moved)
    assert any(said) is moved
    assert not any(said[:4]), "a moment proves nothing"
    for second in range(27, 30):
        judge.look(second, _noisy(street, second))
    assert not judge.moved, "turned back"


def test_a_lorry_before_the_lens_does_not_move_the_camera() -> None:
    judge, street = ViewJudge(), _street()
    for second in range(15):
        judge.look(second, _noisy(street, second))
    for second in range(15, 60):
        judge.look(second, _noisy(_with_lorry(street, 3 * (second - 15)), second))
        assert not judge.moved


def test_a_new_view_is_adopted_at_last() -> None:
    judge, street = ViewJudge(adopt_s=60), _street()
    for second in range(15):
        judge.look(second, street)
    said = []
    for second in range(15, 100):
        judge.look(second, _other(street))
        said.append(judge.moved)
    assert said.count(True) in range(50, 62)
    assert not said[-1]


def test_what_never_resembles_itself_is_not_judged() -> None:
    judge = ViewJudge()
    for second in range(100):
        judge.look(second, _street(second))
        assert not judge.moved
    assert not judge.settled


def test_a_view_without_structure_resembles_nothing() -> None:
    assert similarity(edges(np.full((ROWS, COLUMNS), 70, np.uint8)), edges(_street())) is None


@pytest.mark.parametrize(
    ("picture", "nothing"),
    [
        pytest.param(np.full((ROWS, COLUMNS), 16, np.uint8), True, id="black"),
        pytest.param(_noisy(np.full((ROWS, COLUMNS), 18, np.uint8), 1, 2.0), True, id="a black one with noise"),
        pytest.param(_noisy(np.full((ROWS, COLUMNS), 180, np.uint8), 1, 2.0), True, id="a bag over the lens"),
        pytest.param(_street(), False, id="a street"),
        pytest.param(_dusk(_street()), False, id="a street at dusk"),
        pytest.param(np.asarray(_street() // 6, np.uint8), False, id="a street by night"),
    ],
)
def test_what_is_dark(picture: Thumbnail, nothing: bool) -> None:
    assert shows_nothing(picture) is nothing


def test_dark_takes_some_seconds_and_one_picture_heals_it() -> None:
    judge, black = DarkJudge(), np.full((ROWS, COLUMNS), 16, np.uint8)
    said = []
    for second in range(5):
        judge.look(second, black)
        said.append(judge.dark)
    assert said == [False, False, True, True, True]
    judge.look(5, _street())
    assert not judge.dark


@pytest.mark.parametrize("interval", [pytest.param(1.0, id="decoded"), pytest.param(2.0, id="key frames alone")])
def test_the_same_picture_is_stuck_within_ten_seconds(interval: float) -> None:
    judge, street = StillJudge(), _street()
    judge.begin(0.0)
    said: list[float] = []
    for look in range(12):
        now = look * interval
        if now % 2 == 0:
            judge.keyframe(now, look)
        judge.look(now, street)
        if judge.stuck(now):
            said.append(now)
    assert said[0] <= 9
    judge.look(30, _noisy(street, 1))
    assert not judge.stuck(30)


def test_a_sensors_noise_is_life() -> None:
    judge, street = StillJudge(), _street()
    judge.begin(0.0)
    for second in range(60):
        judge.keyframe(second, second)
        judge.look(second, _noisy(street, second))
        assert not judge.stuck(second)


def test_within_one_gop_a_repeated_picture_proves_nothing() -> None:
    judge = StillJudge()
    judge.begin(0.0)
    judge.keyframe(0.0, 1)
    for second in range(30):
        judge.look(second, _street())
        assert not judge.stuck(second)


def test_key_frames_of_the_same_bytes_are_stuck_even_where_nobody_decodes() -> None:
    judge = StillJudge()
    judge.begin(0.0)
    for second in range(0, 10, 2):
        judge.keyframe(second, 7)
    assert judge.stuck(9)
    judge.keyframe(10, 8)
    assert not judge.stuck(10)


def test_time_without_pictures_is_not_time_with_the_same_one() -> None:
    judge = StillJudge()
    judge.begin(0.0)
    judge.look(0.0, _street())
    judge.keyframe(0.0, 7)
    judge.begin(100.0)
    judge.keyframe(100.0, 7)
    judge.look(100.0, _street())
    assert not judge.stuck(100.0)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p", "nv12", "yuv420p10le", "gray"])
def test_a_thumbnail_is_the_mean_of_each_cell(pixels: str) -> None:
    grey = np.zeros((354, 638, 3), np.uint8)
    grey[:, 319:] = 200
    frame = av.VideoFrame.from_ndarray(grey, "bgr24").reformat(format=pixels)
    small = thumbnail(frame)
    assert small.shape == (ROWS, COLUMNS)
    assert np.ptp(small[:, :30]) <= 1
    assert int(small[5, 50]) - int(small[5, 5]) > 150


@pytest.mark.skipif(not CLIPS.is_dir(), reason="no shared clips beside the checkout")
@pytest.mark.parametrize("clip", ["frigate_test_motion_video-2.mp4", "ken_night.mp4", "bgs_video02.avi"])
def test_a_real_street_is_neither_stuck_nor_dark_nor_moved(clip: str) -> None:
    still, dark, view = StillJudge(), DarkJudge(), ViewJudge()
    still.begin(0.0)
    now = 0.0
    with av.open(str(CLIPS / clip)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            if frame.time < now:
                continue
            if frame.time > 16:
                break
            now = frame.time + 1
            small = thumbnail(frame)
            still.keyframe(now, int(now))
            still.look(now, small)
            dark.look(now, small)
            view.look(now, small)
            assert not any([still.stuck(now), dark.dark, view.moved]), now
    assert view.settled
