"""What was reported and is not finished: the spool, and what of it the historian and situations still need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alerts.bus import Outcome
from alerts.delivery.spool import Kept, Spool
from alerts.event import Candidate

Position = tuple[int, int]
"""A stream id as numbers: milliseconds, sequence."""


@dataclass(slots=True)
class _Published:
    dedup_key: str
    position: Position
    stored: bool


class Reported:
    """Settles what is in the spool: an event once it is stored and its situation is over, a repeat once it was told.

    ``stored_up_to`` asks Redis up to which position the historian has stored everything; raises ``redis.RedisError``.
    """

    def __init__(self, spool: Spool, stored_up_to: Callable[[], Position]) -> None:
        self._spool = spool
        self._stored_up_to = stored_up_to
        self._published: dict[str, _Published] = {}

    @property
    def trouble(self) -> str | None:
        return self._spool.trouble

    def keep(self, candidates: Sequence[Candidate]) -> frozenset[str]:
        """As :meth:`alerts.delivery.spool.Spool.keep`."""
        return self._spool.keep(candidates)

    def unsettled(self) -> list[str]:
        """As :meth:`alerts.delivery.spool.Spool.unsettled`."""
        return self._spool.unsettled()

    def read(self, ids: Iterable[str]) -> list[Kept]:
        """As :meth:`alerts.delivery.spool.Spool.read`."""
        return self._spool.read(ids)

    def adopt(self, kept: Kept) -> bool:
        """Take over what an earlier life had published and the historian has; False where it is known."""
        event_id = kept.candidate.event.id
        if event_id in self._published:
            return False
        self._published[event_id] = _Published(kept.candidate.dedup_key, (0, 0), stored=True)
        return True

    def holds(self, event_id: str) -> bool:
        """Whether it is on the disk and not settled."""
        return self._spool.holds(event_id)

    def arrived(self, outcome: Outcome, *, carried: bool) -> None:
        """It is on the stream, or merged; ``carried``: an update will tell it."""
        event_id = outcome.candidate.event.id
        if outcome.stream_id is None:
            if not carried:
                self._spool.settle([event_id])
            elif outcome.merged_into is not None:
                self._spool.merged(event_id, outcome.merged_into)
            return
        milliseconds, _, sequence = outcome.stream_id.partition("-")
        position = int(milliseconds), int(sequence)
        self._published[event_id] = _Published(outcome.candidate.dedup_key, position, stored=False)

    def told(self, ids: Iterable[str]) -> None:
        """An update has told these merged hits."""
        self._spool.settle(list(ids))

    def ask_stored(self, over: Callable[[str, str], bool], check: Callable[[], None]) -> None:
        """Look what the historian has stored, and settle what is finished. ``over(dedup_key, event_id)`` says whether
        its situation is; ``check`` raises where the answer is of a server that has lost what we sent it."""
        if not self._published:
            return
        if any(not each.stored for each in self._published.values()):
            reached = self._stored_up_to()
            check()
            fresh = [key for key, each in self._published.items() if not each.stored and each.position <= reached]
            self._spool.stored(fresh)
            for event_id in fresh:
                self._published[event_id].stored = True
        finished = [key for key, each in self._published.items() if each.stored and over(each.dedup_key, key)]
        self._spool.settle(finished)
        for event_id in finished:
            del self._published[event_id]

    def counters(self) -> dict[str, int]:
        """The spool's, by ``spool_…``."""
        return {f"spool_{name}": value for name, value in self._spool.counters().items()}
