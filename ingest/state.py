"""What a stream is doing, in words that an operator understands. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The state machine of a session. Legal steps are in :mod:`ingest.lifecycle`."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    OFFLINE = "offline"
    REFUSED = "refused"


class Fault(StrEnum):
    """Why a stream shows nothing new, or nothing good. The words of the design; the worker names each."""

    FROZEN = "frozen"
    STUCK = "stuck"
    DARK = "dark"
    MOVED = "moved"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    LOSSY = "lossy"
    GARBLED = "garbled"
    SLOW = "slow"
    JUMPING = "jumping"
    RESIZED = "resized"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True)
class StreamState:
    """``since`` and ``at`` are UTC epoch seconds. ``detail`` is one sentence without URL or secret."""

    camera_id: str
    stream: str
    phase: Phase
    fault: Fault | None
    since: float
    at: float
    attempt: int
    detail: str
    next_try_at: float | None = None
    last_picture_at: float | None = None
