"""How often a child may be restarted. Pure: times are passed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class RestartBudget:
    """At most ``restarts`` within ``window_s``; then one slow try every ``cool_down_s`` until it holds again.

    A node that watches cameras does not give up: a child whose budget is spent is still tried, slowly and loudly,
    because the operator's alternative at three in the morning is a dark wall. The first restarts come at once and
    then back off, so that a crash is mended within seconds and a crash loop does not take a core.
    """

    restarts: int = 5
    window_s: float = 60.0
    first_delay_s: float = 0.1
    longest_delay_s: float = 5.0
    cool_down_s: float = 30.0
    _starts: deque[float] = field(default_factory=deque)

    def spent(self, now: float) -> bool:
        """Whether the budget of the window that ends ``now`` is used up."""
        self._forget(now)
        return len(self._starts) >= self.restarts

    def next_delay_s(self, now: float) -> float:
        """Count one restart and say how long to wait before it, seconds."""
        if self.spent(now):
            delay = self.cool_down_s
        else:
            delay = min(self.longest_delay_s, self.first_delay_s * 3 ** len(self._starts))
        self._starts.append(now)
        return delay

    def _forget(self, now: float) -> None:
        while self._starts and now - self._starts[0] > self.window_s:
            self._starts.popleft()
