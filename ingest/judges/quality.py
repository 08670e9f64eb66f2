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
    """Flapping: ``sessions`` ended within ``within_s``, each shorter than ``short_s``; or two within ``quick_s``.

    The first of the two may have been a long one: who is opened anew and ends again at once does not work, while one
    end alone is what a restart looks like. A session that lives for ``short_s`` takes it back, and so do ``gone_s``
    without any: then the camera is away.
    """

    def __init__(
        self,
        sessions: int = 3,
        within_s: float = 30.0,
        short_s: float = 8.0,
        quick_s: float = 5.0,
        gone_s: float = 10.0,
    ) -> None:
        self._sessions = sessions
        self._within_s = within_s
        self._short_s = short_s
        self._quick_s = quick_s
        self._gone_s = gone_s
        self._ends: deque[float] = deque()  # of short sessions
        self._ended_at = float("-inf")
        self._flapping = False

    def ended(self, now: float, lasted_s: float) -> None:
        """A session that had been open for ``lasted_s`` came to an end."""
        if lasted_s < self._short_s:
            self._ends.append(now)
        else:
            self._forget()
        self._flapping = self._flapping or now - self._ended_at <= self._quick_s
        self._ended_at = now

    def flapping(self, now: float, open_for_s: float | None) -> bool:
        """``open_for_s``: how long the present session has been open, ``None`` without one."""
        lives = open_for_s is not None and open_for_s >= self._short_s
        if lives or (open_for_s is None and now - self._ended_at > self._gone_s):
            self._forget()
        while self._ends and now - self._ends[0] > self._within_s:
            self._ends.popleft()
        self._flapping = self._flapping or len(self._ends) >= self._sessions
        return self._flapping

    def _forget(self) -> None:
        self._ends.clear()
        self._flapping = False
