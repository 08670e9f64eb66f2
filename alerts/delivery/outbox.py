"""Candidates waiting for the bus: bounded, in order, and what does not fit is chosen and counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import count

from alerts.event import Candidate
from configs.schema import Severity

RANKS = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


class Outbox:
    """A bounded queue between the threads that find and the one that publishes.

    Over the bound the oldest of the least severe goes; a batch that was taken and not yet confirmed still counts
    against the bound, and is never chosen.
    """

    def __init__(self, bound: int) -> None:
        if bound < 1:
            raise ValueError(f"bound: want at least 1, got {bound}")
        self._bound = bound
        self._numbers = count()
        self._waiting: dict[Severity, deque[tuple[int, Candidate]]] = {rank: deque() for rank in RANKS}
        self._taken: list[Candidate] = []
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        with self._changed:
            return self._length()

    def put(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Add in order, never waiting; returns what had to go for it."""
        dropped = []
        with self._changed:
            for candidate in candidates:
                self._waiting[candidate.event.severity].append((next(self._numbers), candidate))
                if self._length() > self._bound:
                    least = next(queue for rank in RANKS if (queue := self._waiting[rank]))
                    dropped.append(least.popleft()[1])
            self._changed.notify_all()
        return dropped

    def take(self, at_most: int) -> list[Candidate]:
        """The batch that is to be sent now, oldest first: the one taken before, until it is confirmed."""
        with self._changed:
            while len(self._taken) < at_most:
                queues = [queue for queue in self._waiting.values() if queue]
                if not queues:
                    break
                self._taken.append(min(queues, key=lambda queue: queue[0][0]).popleft()[1])
            return list(self._taken)

    def confirm(self) -> None:
        """The taken batch has arrived."""
        with self._changed:
            self._taken = []
            self._changed.notify_all()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until something waits to be sent; False once closed and empty, or after ``timeout_s``."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._length() > 0, timeout_s)
            return self._length() > 0

    def waiting(self) -> list[Candidate]:
        """All that is not confirmed, those on their way first."""
        with self._changed:
            return [*self._taken, *(each for queue in self._waiting.values() for _, each in queue)]

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until everything is confirmed; False after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._length() == 0, timeout_s)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def close(self) -> None:
        """Nothing more will come: :meth:`wait` no longer waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _length(self) -> int:
        return len(self._taken) + sum(map(len, self._waiting.values()))
