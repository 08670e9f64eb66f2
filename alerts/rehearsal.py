"""Situations without a server: what the bus would make of candidates, with its windows in memory.

For dry runs and benchmarks, whose time is that of their footage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from alerts.bus import Outcome
from alerts.event import Candidate, Event
from alerts.rules.base import Ongoing
from alerts.situations import Situations


class Rehearsal:
    """The stage behind one run's rules; times are of capture, UTC epoch s, frames in order.

    ``events`` are those that would be alarms; ``merged`` the candidates that would not, by the id of the event that
    each is a hit of; ``signs`` on how many frames something of an event was found or went on, by its id.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.merged: list[tuple[str, Event]] = []
        self.signs: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()
        self._now = 0.0
        self._windows: dict[str, tuple[str, float]] = {}
        self._situations = Situations(lambda: self._now)

    def frame(self, at: float, candidates: Sequence[Candidate], ongoing: Mapping[str, Ongoing]) -> None:
        """What one frame brought and what lasts after it, by dedup key."""
        self._now = at
        for candidate in candidates:
            self._situations.take(self._publish(candidate), at)
        self._situations.observe(ongoing, at, at)
        for key in {candidate.dedup_key for candidate in candidates} | ongoing.keys():
            if key in self._windows:
                self.signs[self._windows[key][0]] += 1
        for change in self._situations.due(at):
            told = change.telling
            holder, _ = self._windows.get(told.dedup_key, ("", 0.0))
            if holder == told.event_id:
                self._windows[told.dedup_key] = (holder, told.open_until)
            self._situations.told(change, at)

    def _publish(self, candidate: Candidate) -> Outcome:
        """As :mod:`alerts.bus`: a repeat within the window is a hit of the event that opened it."""
        event, key = candidate.event, candidate.dedup_key
        holder, until = self._windows.get(key, ("", float("-inf")))
        if self._now < until:
            self.merged.append((holder, event))
            self._hits[holder] += 1
            return Outcome(candidate, None, holder, again=False, hits=self._hits[holder])
        self._windows[key] = (event.id, self._now + candidate.window_s)
        self.events.append(event)
        return Outcome(candidate, f"0-{len(self.events)}", None, again=False)
