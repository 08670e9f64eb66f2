"""What goes first, what never goes, and who records less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.recording.budget import EVENTS_ONLY, LADDER, MODES, Stored, modes_at, next_step, plan, takes_clips
from configs.recording import CameraRecording

WANTED = {
    "vault": CameraRecording(mode="continuous", priority="high"),
    "gate": CameraRecording(mode="continuous"),
    "yard": CameraRecording(mode="activity", priority="low"),
    "roof": CameraRecording(mode="none", priority="low"),
}


def stored(name: str, ends_at: float, size: int = 10, *, locked: bool = False, is_open: bool = False) -> Stored:
    return Stored("gate", name, ends_at - 60, ends_at, size, open=is_open, locked=locked)


def test_the_oldest_that_is_not_locked_goes_first() -> None:
    files = [stored("c", 300), stored("a", 100, locked=True), stored("b", 200), stored("d", 400, is_open=True)]
    made = plan(files, excess_bytes=15, keep_after=0)
    assert [file.name for file in made.delete] == ["b", "c"]
    assert made.short_bytes == 0
    assert plan(files, excess_bytes=31, keep_after=0).short_bytes == 11


def test_clips_of_alarms_outlive_recordings() -> None:
    clip, locked = (Stored("gate", name, 0, 60, 10, clip=True, locked=name == "kept") for name in ("clip", "kept"))
    files = [clip, locked, stored("b", 200), stored("c", 300, is_open=True)]
    assert [file.name for file in plan(files, excess_bytes=30, keep_after=100).delete] == ["b"]
    assert [file.name for file in plan(files, excess_bytes=10, keep_after=100, clips=True).delete] == ["b"]
    made = plan(files, excess_bytes=30, keep_after=0, clips=True)
    assert ([file.name for file in made.delete], made.short_bytes) == (["b", "clip"], 10)


def test_old_clips_go_before_the_next_alarm_has_none() -> None:
    steps = [step for step in range(len(LADDER) + 1) if takes_clips(step, WANTED)]
    assert steps == list(range(EVENTS_ONLY, len(LADDER) + 1))
    assert set(modes_at(EVENTS_ONLY, WANTED).values()) == {"events", "none"}
    assert takes_clips(0, {"roof": CameraRecording(mode="none")})


def test_what_is_too_old_goes_although_there_is_room() -> None:
    files = [stored("a", 100), stored("b", 200, locked=True), stored("c", 300)]
    assert [file.name for file in plan(files, excess_bytes=0, keep_after=250).delete] == ["a"]


_FILES = st.lists(
    st.builds(
        Stored,
        camera_id=st.sampled_from(["a", "b"]),
        name=st.text("xyz", min_size=1, max_size=3),
        begins_at=st.floats(0, 100),
        ends_at=st.floats(100, 200),
        bytes=st.integers(0, 100),
        open=st.booleans(),
        locked=st.booleans(),
    )
)


@given(_FILES, st.integers(0, 500), st.floats(0, 300))
def test_enough_goes_or_it_is_told_how_much_is_missing(files: list[Stored], excess: int, keep_after: float) -> None:
    made = plan(files, excess_bytes=excess, keep_after=keep_after)
    assert not any(file.locked or file.open for file in made.delete)
    assert sum(file.bytes for file in made.delete) + made.short_bytes >= excess
    if made.short_bytes:
        assert len(made.delete) == sum(not (file.locked or file.open) for file in files)


def test_priority_by_priority_everyone_steps_down_to_events_before_anyone_stops() -> None:
    seen = []
    step = 0
    while (below := next_step(step, WANTED, short=True, ample=False)) != step:
        step = below
        seen.append(modes_at(step, WANTED))
    assert [tuple(modes[name] for name in ("vault", "gate", "yard")) for modes in seen] == [
        ("continuous", "continuous", "events"),
        ("continuous", "activity", "events"),
        ("continuous", "events", "events"),
        ("activity", "events", "events"),
        ("events", "events", "events"),
        ("events", "events", "none"),
        ("events", "none", "none"),
        ("none", "none", "none"),
    ]


@given(st.integers(0, len(LADDER)), st.booleans(), st.booleans())
def test_a_step_is_never_more_than_one_and_never_the_wrong_way(step: int, short: bool, ample: bool) -> None:
    before, after = modes_at(step, WANTED), modes_at(next_step(step, WANTED, short=short, ample=ample), WANTED)
    moved = {name: MODES.index(after[name]) - MODES.index(before[name]) for name in WANTED}
    assert all(change <= 0 for change in moved.values()) if short else all(change >= 0 for change in moved.values())
    assert max(map(abs, moved.values())) <= 1
    if not short and not ample:
        assert after == before
