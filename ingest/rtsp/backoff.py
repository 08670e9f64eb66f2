"""How long to wait before a camera is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

REFUSED_S = 600.0
"""Seconds between two tries of credentials that were refused: a camera must not lock us out."""


@dataclass(slots=True)
class Backoff:
    """Exponential with full jitter (Brooker, "Exponential Backoff and Jitter", 2015), never under ``first_s``.

    The ceiling doubles from ``first_s`` to ``last_s``; ``uniform(low, high)`` draws the wait.
    """

    uniform: Callable[[float, float], float]
    first_s: float = 0.2
    last_s: float = 3.0
    failures: int = 0

    def next_wait(self) -> float:
        """Seconds to wait after one more failure, in [first_s, last_s]."""
        ceiling = min(self.last_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self.uniform(self.first_s, max(self.first_s, ceiling))

    def reset(self) -> None:
        """The camera has shown that it works."""
        self.failures = 0
