"""How much of a camera is decoded and analysed while the machine is overloaded. Pure but for who sets the level."""

from __future__ import annotations

from enum import StrEnum

from ingest.gating.gate import Decision
from ingest.gating.rate import RateGate


class Level(StrEnum):
    """From all that was promised down to almost nothing.

    ``half``: half the promised rate, which spares the detector alone, since pictures need those before them.
    ``keyframes``: key frames only, which spares the decoder too. ``floor``: one key frame now and then.
    """

    FULL = "full"
    HALF = "half"
    KEYFRAMES = "keyframes"
    FLOOR = "floor"


def reduced(fps: float, min_fps: float) -> float:
    """Frames a second at level half: half the promise, but not less than the minimum."""
    return max(fps / 2, min(fps, min_fps))


class LevelGate:
    """One camera's level and what it leaves of its stream. :attr:`level` is set by one thread, obeyed by the reader.

    ``fps`` and ``min_fps`` as promised, frames a second. ``floor_s``: between two key frames at the lowest level.
    """

    def __init__(self, fps: float = 5.0, min_fps: float = 1.0, floor_s: float = 30.0) -> None:
        self.level = Level.FULL
        self._half = RateGate(reduced(fps, min_fps))
        self._floor_s = floor_s
        self._looked_at = float("-inf")

    def limit(self, wanted: Decision, at: float, *, keyframe: bool) -> Decision:
        """What of ``wanted`` the level allows for the picture at ``at`` seconds of the stream's time."""
        level = self.level
        if wanted is Decision.REST or level in (Level.FULL, Level.HALF):
            return wanted
        if not keyframe or (level is Level.FLOOR and 0 <= at - self._looked_at < self._floor_s):
            return Decision.REST
        self._looked_at = at
        return Decision.LOOK

    def thins(self, pts_s: float) -> bool:
        """Whether the decoded picture at ``pts_s``, due by the promised rate, is given up."""
        return self.level is Level.HALF and not self._half.passes(pts_s)
