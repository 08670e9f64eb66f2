"""Between a camera's rules and the publisher: what surrounds a finding is recorded before anybody knows what becomes
of it, since a Redis that is away may answer when the moment has long left memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from alerts.delivery.publisher import Publisher
from alerts.event import Candidate, Event
from alerts.rules.base import Ongoing


class RecordedSink:
    """A sink of candidates; ``hold`` hears the event of each."""

    def __init__(self, publisher: Publisher, hold: Callable[[Event], None]) -> None:
        self._publisher = publisher
        self._hold = hold

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take them, without waiting."""
        for candidate in candidates:
            self._hold(candidate.event)
        self._publisher.submit(candidates)

    def observe(self, ongoing: Mapping[str, Ongoing], at: float) -> None:
        """See :meth:`alerts.delivery.publisher.Publisher.observe`."""
        self._publisher.observe(ongoing, at)

    def likely_repeat(self, dedup_key: str) -> bool:
        """See :meth:`alerts.delivery.publisher.Publisher.likely_repeat`."""
        return self._publisher.likely_repeat(dedup_key)
