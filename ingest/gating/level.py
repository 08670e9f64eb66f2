"""How much of a camera is decoded and analysed while the machine is overloaded. Pure but for who sets the level."""

from __future__ import annotations

from collections import deque
from enum import StrEnum

from ingest.gating.gate import Decision
from ingest.gating.rate import RateGate


class Level(StrEnum):
    """From all that was promised down to almost nothing.

    ``half``: half the promised rate, ``minimum``: the least that was promised; both spare the detector alone, since
    pictures need those before them, but key frames may come often enough for the least. ``keyframes``: key frames only,
    not more than the least, which spares the decoder too. ``floor``: one key frame now and then.
    """

    FULL = "full"
    HALF = "half"
    MINIMUM = "minimum"
    KEYFRAMES = "keyframes"
    FLOOR = "floor"


def reduced(fps: float, min_fps: float) -> float:
    """Frames a second at level half: half the promise, but not less than the minimum."""
    return max(fps / 2, min(fps, min_fps))


def key_frames_suffice(key_fps: float, least: float) -> bool:
    """Whether ``least`` frames a second can be had of ``key_fps`` key frames a second."""
    return key_fps >= 0.9 * least


class LevelGate:
    """One camera's level and what it leaves of its stream. :attr:`level` is set by one thread, obeyed by the reader.

    ``fps`` and ``min_fps`` as promised, frames a second. ``floor_s``: between two key frames at the lowest level.
    """

    def __init__(self, fps: float = 5.0, min_fps: float = 1.0, floor_s: float = 30.0) -> None:
        self.level = Level.FULL
        self._least = min(fps, min_fps)
        self._thinned = {Level.HALF: RateGate(reduced(fps, min_fps)), Level.MINIMUM: RateGate(self._least)}
        self._looks = RateGate(self._least)
        self._floor_s = floor_s
        self._looked_at = float("-inf")
        self._keyframe_at: float | None = None
        self._gops_s: deque[float] = deque(maxlen=4)  # an encoder may begin GOPs where the scene changes

    def limit(self, wanted: Decision, at: float, *, keyframe: bool) -> Decision:
        """What of ``wanted`` the level allows for the picture at ``at`` seconds of the stream's time."""
        if keyframe:
            self._note_keyframe(at)
        level = self.level
        if wanted is Decision.REST or level in (Level.FULL, Level.HALF):
            return wanted
        if wanted is Decision.LOOK and level is not Level.FLOOR:  # less is hardly possible
            return wanted
        if level is Level.MINIMUM and not (self._gops_s and key_frames_suffice(1 / max(self._gops_s), self._least)):
            return wanted
        if not keyframe or not self._due(level, at):
            return Decision.REST
        self._looked_at = at
        return Decision.LOOK

    def thins(self, pts_s: float) -> bool:
        """Whether the decoded picture at ``pts_s``, due by the promised rate, is given up."""
        gate = self._thinned.get(self.level)
        return gate is not None and not gate.passes(pts_s)

    def _due(self, level: Level, at: float) -> bool:
        if level is Level.FLOOR:
            return not 0 <= at - self._looked_at < self._floor_s
        return self._looks.passes(at)

    def _note_keyframe(self, at: float) -> None:
        if self._keyframe_at is not None and at > self._keyframe_at:
            self._gops_s.append(at - self._keyframe_at)
        self._keyframe_at = at
