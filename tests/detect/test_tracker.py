from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.detection import Detections, Tracks
from detect.nms import pairwise_iou
from detect.tracker import Tracker

WIDTH, HEIGHT = 640, 480
LABELS = ("person", "car", "bus", "truck")
Row = Sequence[float]


def seen(*rows: Row, score: float = 0.8, label: int = 0) -> Detections:
    """Rows of x1 y1 x2 y2 px, with a score and a class of their own where they have six numbers."""
    full = [(*row, score, label)[:6] if len(row) == 4 else tuple(row) for row in rows]
    numbers = np.array(full, np.float32).reshape(-1, 6)
    boxes, scores, classes = numbers[:, :4].copy(), numbers[:, 4].copy(), numbers[:, 5].astype(np.int16)
    return Detections(boxes, scores, classes, WIDTH, HEIGHT)


def person(x: float, y: float = 200, w: float = 40, h: float = 120) -> tuple[float, float, float, float]:
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def play(tracker: Tracker, scene: Callable[[float], Detections], times: Sequence[float]) -> list[Tracks]:
    return [tracker.update(scene(t), 1_700_000_000 + t, t) for t in times]


FIVE_FPS = [i / 5 for i in range(30)]


def test_one_walker_is_one_track_from_the_second_clear_hit_on() -> None:
    result = play(Tracker("gate", LABELS), lambda t: seen(person(100 + 80 * t)), FIVE_FPS)
    assert [len(tracks) for tracks in result[:4]] == [0, 1, 1, 1]
    assert {int(i) for tracks in result for i in tracks.ids} == {1}
    last = result[-1]
    assert (last.camera_id, last.labels, last.pts_s) == ("gate", ("person",), FIVE_FPS[-1])
    assert last.captured_at == 1_700_000_000 + FIVE_FPS[-1]
    x1, _, x2, _ = last.boxes[0] * WIDTH
    assert abs((x1 + x2) / 2 - (100 + 80 * FIVE_FPS[-1])) < 2


def test_who_is_seen_doubtfully_is_a_track_from_the_third_hit_on() -> None:
    result = play(Tracker("gate", LABELS), lambda t: seen(person(100 + 80 * t), score=0.42), FIVE_FPS)
    assert [len(tracks) for tracks in result[:4]] == [0, 0, 1, 1]


def test_at_two_frames_a_second_a_second_doubtful_hit_is_enough() -> None:
    slow = [i / 2 for i in range(8)]
    result = play(Tracker("gate", LABELS), lambda t: seen(person(100 + 80 * t), score=0.42), slow)
    assert [len(tracks) for tracks in result] == [0, 1, 1, 1, 1, 1, 1, 1]


def test_one_look_is_never_enough_however_clear_and_however_late() -> None:
    tracker = Tracker("gate", LABELS)
    assert len(tracker.update(seen(person(300), score=1.0), 1_700_000_000, 0)) == 0
    assert len(tracker.update(seen(person(600), score=1.0), 1_700_000_009, 9)) == 0


def test_a_flicker_is_nobody() -> None:
    result = play(Tracker("gate", LABELS), lambda t: seen(person(300)) if round(t * 5) % 3 == 0 else seen(), FIVE_FPS)
    assert sum(map(len, result)) == 0


def test_two_who_cross_keep_their_ids() -> None:
    # One behind the other's path: their boxes overlap by half when they meet.
    result = play(
        Tracker("gate", LABELS),
        lambda t: seen(person(100 + 80 * t, 200), person(540 - 80 * t, 240)),
        [i / 5 for i in range(28)],
    )
    first, last = result[2], result[-1]
    going_right = int(first.ids[np.argmin(first.boxes[:, 0])])
    assert int(last.ids[np.argmax(last.boxes[:, 0])]) == going_right
    assert set(last.ids.tolist()) == set(first.ids.tolist())


@pytest.mark.parametrize("fps", [2.5, 5.0, 10.0])
def test_of_two_who_meet_one_is_hidden_and_both_keep_their_ids(fps: float) -> None:
    # The nearer one hides the farther while their centres are closer than half a width: there is one box for both.
    def scene(t: float) -> Detections:
        near, far = person(100 + 80 * t, 240, 48, 140), person(520 - 80 * t, 225)
        return seen(near) if abs(420 - 160 * t) < 24 else seen(near, far)

    result = play(Tracker("gate", LABELS), scene, [i / fps for i in range(round(5 * fps))])
    first, last = result[2], result[-1]
    nearer = [int(tracks.ids[np.argmax(tracks.boxes[:, 3])]) for tracks in (first, last)]
    assert nearer[0] == nearer[1]
    assert set(last.ids.tolist()) == set(first.ids.tolist()) == {1, 2}


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_who_walks_behind_a_lorry_is_the_same_afterwards(seconds: float) -> None:
    def scene(t: float) -> Detections:
        return seen() if 2.0 <= t < 2.0 + seconds else seen(person(100 + 60 * t))

    result = play(Tracker("gate", LABELS), scene, FIVE_FPS)
    assert {int(i) for tracks in result for i in tracks.ids} == {1}
    hidden = [tracks for tracks, t in zip(result, FIVE_FPS, strict=True) if 2.0 <= t < 2.0 + seconds]
    assert sum(map(len, hidden)) == 0, "a track that is not seen is not shown"


def test_who_comes_after_a_long_time_is_somebody_else() -> None:
    result = play(Tracker("gate", LABELS), lambda t: seen() if 2.0 <= t < 5.2 else seen(person(300)), FIVE_FPS)
    assert [int(i) for i in np.unique(np.concatenate([tracks.ids for tracks in result]))] == [1, 2]


def test_a_faint_box_carries_a_track_on_and_begins_none() -> None:
    def scene(t: float) -> Detections:
        return seen(person(100 + 40 * t), score=0.8 if t < 1 else 0.3)

    assert [len(tracks) for tracks in play(Tracker("gate", LABELS), scene, FIVE_FPS)][3:] == [1] * 27
    faint = play(Tracker("gate", LABELS), lambda t: seen(person(100 + 40 * t), score=0.3), FIVE_FPS)
    assert sum(map(len, faint)) == 0


def test_classes_stay_apart_but_a_vehicle_may_waver() -> None:
    both = play(Tracker("gate", LABELS), lambda t: seen((*person(300), 0.8, 0), (*person(300), 0.7, 1)), FIVE_FPS)
    assert sorted(both[-1].labels) == ["car", "person"]

    def wavering(t: float) -> Detections:
        return seen((*person(100 + 40 * t, w=120), 0.8, 3 if round(t * 5) % 4 == 1 else 1))

    result = play(Tracker("gate", LABELS), wavering, FIVE_FPS)
    assert {int(i) for tracks in result for i in tracks.ids} == {1}
    assert {tracks.labels for tracks in result[2:]} == {("car",)}


def test_a_clock_that_goes_back_or_leaps_ahead_does_not_break_ids() -> None:
    tracker = Tracker("gate", LABELS)
    back = play(tracker, lambda t: seen(person(300)), [0, 0.2, 0.4, -50, -49.8])
    assert [len(tracks) for tracks in back] == [0, 1, 1, 1, 1]
    ahead = play(tracker, lambda t: seen(person(300)), [9000, 9000.2, 9000.4])
    assert [tracks.ids.tolist() for tracks in ahead] == [[], [2], [2]]


def test_two_frames_of_one_instant_are_two_frames() -> None:
    result = play(Tracker("gate", LABELS), lambda t: seen(person(300)), [0, 0, 0])
    assert [len(tracks) for tracks in result] == [0, 1, 1]
    gone = Tracker("gate", LABELS)
    play(gone, lambda t: seen(person(300)), [0, 0.2, 0.4])
    assert len(gone.update(seen(), 1_700_000_000.4, 0.4)) == 0


def test_another_picture_size_starts_over_with_new_ids() -> None:
    tracker = Tracker("gate", LABELS)
    play(tracker, lambda t: seen(person(300)), [0, 0.2, 0.4])
    small = seen(person(300))
    resized = Detections((small.boxes / 2).astype(np.float32), small.scores, small.classes, WIDTH // 2, HEIGHT // 2)
    ids = [tracker.update(resized, 1_700_000_001 + i / 5, 1 + i / 5).ids.tolist() for i in range(3)]
    assert ids == [[], [2], [2]]


_rows = st.lists(
    st.tuples(
        st.floats(0, 600), st.floats(0, 400), st.floats(1, 200), st.floats(1, 200), st.floats(0, 1), st.integers(0, 3)
    ),
    max_size=6,
)


@given(st.lists(st.tuples(st.floats(0, 1), _rows), max_size=12))
def test_whatever_comes_ids_are_unique_never_reused_and_the_same_each_time(
    frames: list[tuple[float, list[tuple[float, ...]]]],
) -> None:
    def run() -> list[Tracks]:
        tracker, now, out = Tracker("gate", LABELS), 0.0, []
        for dt, rows in frames:
            now += dt
            out.append(tracker.update(seen(*[(x, y, x + w, y + h, s, c) for x, y, w, h, s, c in rows]), now, now))
        return out

    result, again = run(), run()
    gone: set[int] = set()
    last_seen: dict[int, float] = {}
    for tracks, same in zip(result, again, strict=True):
        assert tracks.ids.tolist() == same.ids.tolist()
        assert len(set(tracks.ids.tolist())) == len(tracks)
        assert ((tracks.boxes >= 0) & (tracks.boxes <= 1)).all()
        gone |= {i for i, at in last_seen.items() if tracks.captured_at - at > 3.0}
        assert not gone & set(tracks.ids.tolist())
        last_seen.update(dict.fromkeys(tracks.ids.tolist(), tracks.captured_at))


@pytest.mark.parametrize(("name", "people", "most_switches"), [("TUD-Campus", 8, 0), ("TUD-Stadtmitte", 10, 0)])
def test_real_walkers_at_five_frames_a_second_keep_their_ids(
    shared_folder: Path, name: str, people: int, most_switches: int
) -> None:
    truth: dict[int, list[tuple[int, Row]]] = {}
    with (shared_folder / "video" / "gt" / name / "gt" / "gt.txt").open() as file:
        for row in csv.reader(file):
            x, y, w, h = map(float, row[2:6])
            truth.setdefault(int(row[0]), []).append((int(row[1]), (x, y, x + w, y + h)))
    tracker, held, switches, matched, total = Tracker("tud", LABELS), dict[int, int](), 0, 0, 0
    for frame in range(1, max(truth) + 1, 5):
        rows = truth.get(frame, [])
        tracks = tracker.update(seen(*[box for _, box in rows]), frame / 25, frame / 25)
        total += len(rows)
        iou = pairwise_iou(
            seen(*[box for _, box in rows]).boxes, tracks.boxes * np.array([WIDTH, HEIGHT] * 2, np.float32)
        )
        for line, column in zip(*np.nonzero(iou > 0.7), strict=True):
            if iou[line, column] < iou[line].max() or iou[line, column] < iou[:, column].max():
                continue
            walker, track = rows[line][0], int(tracks.ids[column])
            matched += 1
            switches += held.get(walker, track) != track
            held[walker] = track
    assert switches <= most_switches
    assert matched / total > 0.7
    assert len(held) >= people - 1
