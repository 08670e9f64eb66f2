"""Slow: far fewer pictures a second than the stream says, or than it used to bring. Pure; one clock, seconds."""

from __future__ import annotations

from collections import deque


class PaceJudge:
    """Slow: under ``share`` of the expected rate over ``window_s``; ``healed`` of it ends the fault.

    Expected is what the stream declares, or else the best rate that this session kept up over a window. A silence of
    ``silence_s`` is another fault's business, and measuring begins anew after it.
    """

    def __init__(self, window_s: float = 5.0, share: float = 0.35, healed: float = 0.6, silence_s: float = 1.7) -> None:
        self._window_s = window_s
        self._share = share
        self._healed = healed
        self._silence_s = silence_s
        self._times: deque[float] = deque()
        self._usual = 0.0
        self._begun = 0.0
        self.slow = False

    @property
    def rate(self) -> float | None:
        """Pictures a second over the last window; ``None`` before one has passed."""
        if len(self._times) < 2 or self._times[-1] - self._begun < self._window_s:
            return None
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    def note(self, now: float, declared: float | None) -> None:
        """A picture came. ``declared``: a second, by the stream's own description."""
        if not self._times or now - self._times[-1] > self._silence_s:
            self._times.clear()
            self._begun = now
        self._times.append(now)
        while now - self._times[0] > self._window_s:
            self._times.popleft()
        rate = self.rate
        if rate is None:
            return
        if now - self._begun >= 2 * self._window_s:  # a camera may begin with its current GOP in a burst
            self._usual = max(self._usual, rate)
        expected = declared if declared is not None else self._usual
        self.slow = rate < (self._healed if self.slow else self._share) * expected

    def begin(self) -> None:
        """A new session."""
        self._times.clear()
        self._usual = 0.0
        self.slow = False
