"""Cameras are dealt out to worker processes: each to one, alike in number and in priority."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema import Camera, CameraDetection, Priority, Settings, StreamSettings
from xueliang.assignment import CAMERAS_EACH, Assignment, assign, follow, read, workers_wanted, write


def cameras(*priorities: Priority) -> tuple[Camera, ...]:
    return tuple(
        Camera(
            id=f"c{index}",
            site="s",
            name="c",
            main=StreamSettings(url="rtsp://192.0.2.1/main"),
            detection=CameraDetection(priority=priority),
        )
        for index, priority in enumerate(priorities)
    )


@given(st.lists(st.sampled_from(Priority), max_size=40), st.integers(1, 6))
def test_each_camera_has_one_worker_and_the_workers_are_alike(priorities: list[Priority], workers: int) -> None:
    all_of_them = cameras(*priorities)
    handed_out = assign(all_of_them, workers)
    assert [each.worker_id for each in handed_out] == [f"worker-{n}" for n in range(1, workers + 1)]
    assert sorted(name for each in handed_out for name in each.cameras) == sorted(each.id for each in all_of_them)
    for priority in Priority:
        counts = [
            Counter(camera.detection.priority for camera in each.of(all_of_them))[priority] for each in handed_out
        ]
        assert max(counts) - min(counts) <= 1


def test_a_camera_added_at_the_end_moves_no_other() -> None:
    before = assign(cameras(*[Priority.NORMAL] * 7), 3)
    after = assign(cameras(*[Priority.NORMAL] * 8), 3)
    assert all(set(old.cameras) <= set(new.cameras) for old, new in zip(before, after, strict=True))


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(1, 4))
def test_over_a_change_of_settings_a_camera_stays_where_it_is(before: set[int], after: set[int], workers: int) -> None:
    all_of_them = cameras(*[Priority.NORMAL] * 31)
    former = assign([all_of_them[n] for n in sorted(before)], workers)
    handed_out = follow(former, [all_of_them[n] for n in sorted(after)], 7)
    assert sorted(name for each in handed_out for name in each.cameras) == sorted(f"c{n}" for n in after)
    kept = {f"c{n}" for n in before & after}
    for old, new in zip(former, handed_out, strict=True):
        assert set(old.cameras) & kept == set(new.cameras) & kept
        assert (new.worker_id, new.revision) == (old.worker_id, 7)


@pytest.mark.parametrize(
    ("count", "cores", "asked", "want", "why"),
    [
        (0, 8, None, 1, "the private port is there before the first camera"),
        (CAMERAS_EACH, 8, None, 1, "one carries as many"),
        (CAMERAS_EACH + 1, 8, None, 2, "one more than one carries"),
        (10 * CAMERAS_EACH, 4, None, 4, "more than cores would only wait for each other"),
        (3, 1, 2, 2, "as the settings say"),
    ],
)
def test_how_many_workers(count: int, cores: int, asked: int | None, want: int, why: str) -> None:
    settings = Settings.model_construct(cameras=cameras(*[Priority.NORMAL] * count), workers=asked)
    assert workers_wanted(settings, cores) == want, why


def test_an_assignment_is_read_as_it_was_written_and_anything_else_is_refused(tmp_path: Path) -> None:
    handed_out = Assignment("worker-2", ("a", "b"), ("worker-1", "worker-2"))
    file = write(tmp_path / "assignments", handed_out)
    assert read(file) == handed_out
    file.write_text('{"worker_id": "worker-2"}')
    with pytest.raises(ValueError, match=r"worker-2\.json is no assignment: KeyError 'cameras'"):
        read(file)
