"""Judges of a stream's health over time: garbled pictures and flapping sessions. Pure; one clock, seconds."""

from __future__ import annotations

from collections import deque


class GarbleJudge:
    """Garbled: over ``ratio`` of the pictures of the last ``window_s``, and at least ``least``, could not be decoded.

    It takes ``ratio`` / 2 to be healed, so that the word does not flicker.
    """

    def __init__(self, window_s: float = 2.0, ratio: float = 0.3, least: int = 5) -> None:
        self._window_s = window_s
        self._ratio = ratio
        self._least = least
        self._seen: deque[tuple[float, bool]] = deque()
        self._bad = 0
        self.garbled = False

    def note(self, now: float, good: bool) -> None:
        """A picture was decoded, or could not be."""
        self._seen.append((now, good))
        self._bad += not good
        while now - self._seen[0][0] > self._window_s:
            _, was_good = self._seen.popleft()
            self._bad -= not was_good
        share = self._bad / len(self._seen)
        if self.garbled:
            self.garbled = share > self._ratio / 2
        else:
            self.garbled = self._bad >= self._least and share > self._ratio

    def reset(self) -> None:
        """A new session: what the old one sent says nothing about it."""
        self._seen.clear()
        self._bad = 0
        self.garbled = False


class FlapJudge:
    """Flapping: at least ``sessions`` ended within ``within_s``, each shorter than ``short_s``."""

    def __init__(self, sessions: int = 3, within_s: float = 30.0, short_s: float = 8.0) -> None:
        self._sessions = sessions
        self._within_s = within_s
        self._short_s = short_s
        self._ends: deque[float] = deque()

    def ended(self, now: float, lasted_s: float) -> None:
        """A session that had been open for ``lasted_s`` came to an end."""
        if lasted_s < self._short_s:
            self._ends.append(now)
        else:
            self._ends.clear()

    def flapping(self, now: float, open_for_s: float | None) -> bool:
        """``open_for_s``: how long the present session has been open, ``None`` without one."""
        if open_for_s is not None and open_for_s >= self._short_s:
            self._ends.clear()
        while self._ends and now - self._ends[0] > self._within_s:
            self._ends.popleft()
        return len(self._ends) >= self._sessions
