"""How long each camera of the patrol was off the wall, told by the difference of two states. Pure.

A camera may be out of sight for the plan's revisit interval; it is due each time that interval has passed. What an
alarm shows is seen as well. Times are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboard.patrol.rotation import RotationState, Slot, Visit

PENDING = 1000
"""Visits that wait for the store; when more do, it has been away for most of an hour, and the oldest go."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Visits of one camera, or of many: ``due``, ``kept`` on time, and the least time that was left until one was due,
    seconds, negative where it was late; ``None`` without a visit."""

    due: int = 0
    kept: int = 0
    least_slack_s: float | None = None

    def __add__(self, other: Kept) -> Kept:
        slacks = [slack for slack in (self.least_slack_s, other.least_slack_s) if slack is not None]
        return Kept(self.due + other.due, self.kept + other.kept, min(slacks, default=None))


def booked(before: RotationState, after: RotationState, now: float, revisit_s: float) -> RotationState:
    """``after`` with what the step from ``before`` came to: who left the wall when, who came back after how long."""
    was = {slot.camera_id: slot for slot in before.slots}
    stand = {slot.camera_id: slot for slot in after.slots}
    moved = {camera for camera in was.keys() | stand.keys() if _since(was, camera) != _since(stand, camera)}
    if not moved:
        return after
    unseen = dict(after.unseen_since)
    unseen |= {camera: min(now, slot.until) for camera, slot in was.items() if camera in moved}
    visits = list(after.visits)
    for camera in sorted(stand.keys() & moved):
        left_at = unseen.pop(camera, None)
        if left_at is not None:
            visits.append(Visit.of(camera, now, max(0.0, now - left_at), revisit_s))
    return after.model_copy(
        update={
            "unseen_since": unseen,
            "visits": tuple(visits[-PENDING:]),
            "unrecorded": after.unrecorded + max(0, len(visits) - PENDING),
        }
    )


def overdue(state: RotationState, now: float, revisit_s: float) -> dict[str, Kept]:
    """Cameras that are due at ``now`` and have not come yet."""
    return {
        camera: Kept(due=int((now - left_at) // revisit_s), least_slack_s=revisit_s - (now - left_at))
        for camera, left_at in state.unseen_since.items()
        if now - left_at > revisit_s
    }


def total(cameras: Iterable[str], *parts: Mapping[str, Kept]) -> Kept:
    """Of these cameras, all parts together."""
    return sum((part[camera] for camera in cameras for part in parts if camera in part), Kept())


def _since(slots: Mapping[str, Slot], camera: str) -> float | None:
    return slots[camera].since if camera in slots else None
