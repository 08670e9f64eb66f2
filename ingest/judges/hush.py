"""Hushed: pictures cost so much less than they used to that they may all be the same one. Pure.

No verdict, a reason to look: a camera whose picture stands still sends next to nothing between its key frames.
"""

from __future__ import annotations

import math


class HushJudge:
    """Compares a quick mean of log2 sizes with a slow one; ``fall``: by so many octaves."""

    def __init__(self, fall: float = 2.0, quick: float = 0.15, slow: float = 0.004) -> None:
        self._fall = fall
        self._quick_share, self._slow_share = quick, slow
        self._quick = self._slow = 0.0
        self._seen = 0

    @property
    def hushed(self) -> bool:
        """Whether it is so now."""
        return self._seen > 0 and self._quick < self._slow - self._fall

    def note(self, size: int) -> None:
        """A picture between key frames, of ``size`` bytes."""
        effort = math.log2(max(size, 1))
        self._seen += 1
        self._quick += (effort - self._quick) * max(self._quick_share, 1 / self._seen)
        self._slow += (effort - self._slow) * max(self._slow_share, 1 / self._seen)
