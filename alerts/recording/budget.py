"""What is deleted and who records less where the disk has no room. Pure.

Who records less, step by step: first everyone down to the surroundings of alarms, the lowest priority first, since
evidence of an alarm is worth more than a day of somebody's yard; then the oldest clips go; only then nothing at all is
recorded, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from configs.recording import CameraRecording, RecordingMode

MODES: tuple[RecordingMode, ...] = ("none", "events", "activity", "continuous")
LADDER: tuple[tuple[str, RecordingMode], ...] = (
    *((priority, mode) for priority in ("low", "normal", "high") for mode in MODES[2:0:-1]),
    *((priority, MODES[0]) for priority in ("low", "normal", "high")),
)
"""(priority, most that it may record): each step adds one."""

EVENTS_ONLY = sum(mode != MODES[0] for _, mode in LADDER)
"""The step at which everybody records the surroundings of alarms at most."""

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a recording, or a clip of an alarm. ``open``: somebody may still write to it. Times are UTC epoch s."""

    camera_id: str
    name: str
    begins_at: float
    ends_at: float
    bytes: int
    open: bool = False
    locked: bool = False
    clip: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``short_bytes``: what is missing although all that may go goes."""

    delete: tuple[Stored, ...]
    short_bytes: int


def plan(files: Iterable[Stored], *, excess_bytes: int, keep_after: float, clips: bool = False) -> Plan:
    """Oldest first, by whole files: recordings that ended before ``keep_after``, and until ``excess_bytes`` are gone.

    With ``clips``, these go too, where no recording that may go is left: they are what alarms are proven by. Their own
    age is retention's affair. Neither what is locked nor what is being written goes.
    """
    delete: list[Stored] = []
    freed = 0
    free_to_go = (file for file in files if not file.locked and not file.open and (clips or not file.clip))
    for file in sorted(free_to_go, key=lambda file: (file.clip, file.ends_at, file.camera_id, file.name)):
        if freed < excess_bytes or (not file.clip and file.ends_at < keep_after):
            delete.append(file)
            freed += file.bytes
    return Plan(tuple(delete), max(0, excess_bytes - freed))


def takes_clips(step: int, wanted: Mapping[str, CameraRecording]) -> bool:
    """Whether old clips go now: everybody has stepped back to the surroundings of alarms. Recording nothing at all
    comes later, since the next alarm would have no clip."""
    return modes_at(step, wanted) == modes_at(max(step, EVENTS_ONLY), wanted)


def modes_at(step: int, wanted: Mapping[str, CameraRecording]) -> dict[str, RecordingMode]:
    """What each camera records at that step of :data:`LADDER`; 0: what is wanted."""
    modes: dict[str, RecordingMode] = {camera_id: each.mode for camera_id, each in wanted.items()}
    for priority, most in LADDER[:step]:
        for camera_id, each in wanted.items():
            if each.priority == priority and MODES.index(most) < MODES.index(modes[camera_id]):
                modes[camera_id] = most
    return modes


def next_step(step: int, wanted: Mapping[str, CameraRecording], *, short: bool, ample: bool) -> int:
    """One effective step down where space is ``short``, one up where it is ``ample``, else the same."""
    now = modes_at(step, wanted)
    towards: Sequence[int] = ()
    if short:
        towards = range(step + 1, len(LADDER) + 1)
    elif ample:
        towards = range(step - 1, -1, -1)
    return next((other for other in towards if modes_at(other, wanted) != now), 0 if ample and not short else step)
