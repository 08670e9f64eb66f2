"""Dark: the picture is black, or the lens is covered. Pure; one clock, seconds."""

from __future__ import annotations

import numpy as np

from ingest.judges.thumbnail import Thumbnail

_BLACK = 28.0
"""Grey level under which nearly all of a black picture lies; video's black is 16."""
_FLAT = 14.0
"""Least spread, in grey levels, that a view of anything has between its darkest and brightest places."""


def shows_nothing(picture: Thumbnail) -> bool:
    """Whether a thumbnail is black or without any structure: one grey of whatever brightness is a covered lens."""
    low, high = np.percentile(picture, (2.0, 98.0))
    return bool(high <= _BLACK or high - low <= _FLAT)


class DarkJudge:
    """Dark, after ``looks`` pictures in a row over ``after_s`` that show nothing; the first other one ends it."""

    def __init__(self, after_s: float = 2.0, looks: int = 3) -> None:
        self._after_s = after_s
        self._least = looks
        self._looks = 0
        self._since = 0.0
        self.dark = False

    def look(self, now: float, picture: Thumbnail) -> None:
        """A picture was decoded."""
        if not shows_nothing(picture):
            self._looks, self.dark = 0, False
            return
        if not self._looks:
            self._since = now
        self._looks += 1
        self.dark = self._looks >= self._least and now - self._since >= self._after_s

    def begin(self) -> None:
        """A new session."""
        self._looks, self.dark = 0, False
