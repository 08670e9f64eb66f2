from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from ingest.simulator.scene.scene import Scene, SceneKind

SIZE = (640, 360)


@pytest.fixture(scope="module")
def street_scene() -> Scene:
    return Scene(1, SceneKind.STREET, False, *SIZE)


@pytest.mark.parametrize("kind", list(SceneKind))
def test_the_same_seed_gives_the_same_pictures_and_another_seed_others(kind: SceneKind) -> None:
    first, again, other = (Scene(seed, kind, False, 320, 180).frame(40) for seed in (3, 3, 4))
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("kind", list(SceneKind))
def test_the_loop_closes_without_a_jump(kind: SceneKind, night: bool) -> None:
    scene = Scene(5, kind, night, 320, 180)
    last, first, second = (scene.frame(i)[0].astype(np.int16) for i in (scene.frame_count - 1, 0, 1))
    assert np.array_equal(scene.frame(scene.frame_count)[0], scene.frame(0)[0])
    seam, step = np.abs(first - last).mean(), np.abs(second - first).mean()
    assert seam < 1.4 * step + 0.1


@pytest.mark.parametrize("kind", list(SceneKind))
def test_truth_is_normalised_and_ids_differ(kind: SceneKind) -> None:
    scene = Scene(2, kind, False, 320, 180)
    labels = set[str]()
    for index in range(0, scene.frame_count, 20):
        truth = scene.frame(index)[1]
        assert len({one.id for one in truth}) == len(truth)
        for one in truth:
            x1, y1, x2, y2 = one.box
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            assert 0 < one.inside <= 1
            labels.add(one.label)
    assert labels >= {"person", "bicycle", "car"}
    assert labels <= {"person", "bicycle", "car", "truck", "bus"}


def test_over_all_places_every_class_appears() -> None:
    places = [Scene(1, kind, False, 160, 90) for kind in SceneKind]
    labels = {one.label for scene in places for index in range(0, 500, 25) for one in scene.frame(index)[1]}
    assert labels == {"person", "bicycle", "car", "truck", "bus"}


def test_ground_truth_is_what_is_drawn(street_scene: Scene) -> None:
    """What differs from the empty place lies in the boxes (shadows apart), and reaches their sides."""
    scene = street_scene
    frames = [scene.frame(i)[0] for i in range(0, 500, 10)]
    empty = np.median(np.stack(frames), axis=0).astype(np.uint8)
    filled = 0
    for index in range(5, 500, 60):
        image, truth = scene.frame(index)
        moved = cv2.absdiff(image, empty).max(axis=2) > 40
        outside = moved.copy()
        for one in truth:
            x1, y1, x2, y2 = (round(v * size) for v, size in zip(one.box, SIZE * 2, strict=True))
            outside[max(0, y1 - 2) : y2 + 2, max(0, x1 - 2) : x2 + 2] = False
            inside = moved[y1:y2, x1:x2]
            if (x2 - x1) > 12 and (y2 - y1) > 24 and one.inside > 0.99 and inside.mean() > 0.3:
                filled += 1
                # Tight: something was drawn near each of the box's four sides.
                assert inside[:4].any() or inside[:, :4].any()
        # Shadows fall beside the boxes.
        assert outside.mean() < 0.02, index
    assert filled >= 5


def test_background_subtraction_finds_the_moving_objects(street_scene: Scene) -> None:
    scene = street_scene
    subtractor = cv2.createBackgroundSubtractorMOG2(history=100, varThreshold=30, detectShadows=True)
    found = wanted = 0
    for index in range(0, 250, 2):
        image, truth = scene.frame(index)
        mask = subtractor.apply(image) == 255
        if index < 120:
            continue
        for one in truth:
            x1, y1, x2, y2 = (round(v * size) for v, size in zip(one.box, SIZE * 2, strict=True))
            if one.inside == 1.0 and (y2 - y1) * (x2 - x1) > 300:
                wanted += 1
                found += bool(mask[y1:y2, x1:x2].mean() > 0.2)
    assert wanted > 100
    assert found / wanted > 0.8


def test_objects_keep_their_id_and_move_smoothly(street_scene: Scene) -> None:
    tracks: dict[int, list[tuple[int, float]]] = {}
    for index in range(100, 160):
        for one in street_scene.frame(index)[1]:
            if one.inside == 1.0:
                tracks.setdefault(one.id, []).append((index, (one.box[0] + one.box[2]) / 2))
    steps = [abs(b[1] - a[1]) for track in tracks.values() for a, b in itertools.pairwise(track) if b[0] == a[0] + 1]
    assert max(len(track) for track in tracks.values()) == 60
    assert max(steps) < 0.06


def test_people_gather_on_the_square() -> None:
    scene = Scene(2, SceneKind.SQUARE, False, 160, 90)

    def together(index: int) -> int:
        feet = np.array([((o.box[0] + o.box[2]) / 2, o.box[3]) for o in scene.frame(index)[1] if o.label == "person"])
        if not len(feet):
            return 0
        near = np.abs(feet[:, None] - feet[None]) < (0.12, 0.12)
        return int(near.all(axis=2).sum(axis=1).max())

    counts = [together(index) for index in range(0, 500, 25)]
    assert max(counts) >= 7
    assert min(counts) <= 4


def test_night_is_darker_and_lamps_lighten_it() -> None:
    day, night = (Scene(1, SceneKind.STREET, dark, 320, 180).frame(0)[0] for dark in (False, True))
    assert night.mean() < 0.55 * day.mean()
    assert night.max() > 180


def test_what_is_hidden_counts_as_hidden_and_parked_vehicles_are_seen() -> None:
    bare, crowd = Scene(101, SceneKind.YARD, False, 320, 180), Scene(2, SceneKind.MARKET, False, 320, 180)
    standing = [one.label for one, share in bare.seen(0) if one.id < 0 and share > 0.5]
    assert sorted(standing) == ["car", "car", "truck"]
    frames = [crowd.seen(index) for index in range(0, 500, 50)]
    assert tuple(one for one, _ in frames[2] if one.id > 0) == crowd.frame(100)[1]
    assert all(0 <= share <= 1 for frame in frames for _, share in frame)
    # The truck goes behind stalls and trees; nobody hides who is nearest to the camera.
    assert any(share < 0.2 for frame in frames for one, share in frame if one.label == "truck")
    assert all(frame[-1][1] > 0.99 for frame in frames)
