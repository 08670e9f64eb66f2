"""Figures of one stream's sessions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """Figures since the start, and the camera's clock (seconds ahead of the server; ``None`` without RTCP)."""

    sessions: int
    packets: int
    units: int
    bytes: int
    malformed: int
    undecodable: int
    lost: int
    time_jumps: int
    clock_steps: int
    unexpected_errors: int
    camera_ahead_s: float | None
    drift_ppm: float | None
    clock: str


@dataclass(slots=True)
class Counts:
    """What a session adds up itself; the rest of :class:`SessionCounts` is asked of its parts."""

    sessions: int = 0
    packets: int = 0
    units: int = 0
    bytes: int = 0
    malformed: int = 0
    undecodable: int = 0
    unexpected_errors: int = 0
    clock: str = "arrival"
