"""A rate that is not exceeded, judged by media time. Pure."""

from __future__ import annotations


class RateGate:
    """Lets at most ``fps`` frames a second through, evenly, judged by media time in seconds."""

    def __init__(self, fps: float) -> None:
        self._interval = 1.0 / fps
        self._due: float | None = None

    def passes(self, pts_s: float) -> bool:
        """Whether the frame at ``pts_s`` is due; a tenth of an interval early is, or jitter would halve the rate."""
        if self._due is not None and pts_s < self._due - 0.1 * self._interval:
            # A timeline that went back would otherwise close the gate for as long as it went back.
            if self._due - pts_s <= 2 * self._interval:
                return False
            self._due = None
        behind = self._due is None or pts_s > self._due + self._interval
        self._due = (pts_s if behind or self._due is None else self._due) + self._interval
        return True
