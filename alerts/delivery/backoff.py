"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Callable
from random import random

FIRST_S = 0.2
LONGEST_S = 1.0
"""So much longer than the outage itself a client is away at most; trying costs next to nothing."""


class Backoff:
    """Doubles from ``FIRST_S`` to ``LONGEST_S``; each wait is between half and all of that, so that clients of one
    server that comes back do not come at once. ``random`` gives [0, 1).
    """

    def __init__(self, random: Callable[[], float] = random) -> None:
        self._random = random
        self._next = FIRST_S

    def wait_s(self) -> float:
        """Seconds to wait after one more failure."""
        wait = self._next * (0.5 + 0.5 * self._random())
        self._next = min(2 * self._next, LONGEST_S)
        return wait

    def reset(self) -> None:
        """It worked."""
        self._next = FIRST_S
