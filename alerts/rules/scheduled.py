"""A rule that watches by schedule. Outside of it nothing is looked at, and what lasted is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alerts.rules.base import CountingRule, Finding, Ongoing, StateRule, TrackRule
from configs.places import Line, Zone
from configs.schedule import Calendar, Span
from detect.detection import Tracks
from ingest.state import StreamState


class ScheduledTracks:
    """A rule over objects, made anew by ``make`` whenever its hours begin."""

    def __init__(self, make: Callable[[], TrackRule], spans: Sequence[Span], calendar: Calendar) -> None:
        self._make = make
        self._spans = spans
        self._calendar = calendar
        self._rule = make()
        self._watches = False

    @property
    def place(self) -> Zone | Line:
        return self._rule.place

    @property
    def alarmed(self) -> frozenset[int]:
        return self._rule.alarmed

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return self._rule.ongoing

    @property
    def pending(self) -> bool:
        return self._rule.pending

    @property
    def number_inside(self) -> int | None:
        return self._rule.number_inside if self._watches and isinstance(self._rule, CountingRule) else None

    def observe(self, tracks: Tracks) -> list[Finding]:
        watched, self._watches = self._watches, self._calendar.within(self._spans, tracks.captured_at)
        if watched and not self._watches:
            self._rule = self._make()
        return self._rule.observe(tracks) if self._watches else []


class ScheduledStates:
    """A rule over a camera's state; as :class:`ScheduledTracks`."""

    def __init__(self, make: Callable[[], StateRule], spans: Sequence[Span], calendar: Calendar) -> None:
        self._make = make
        self._spans = spans
        self._calendar = calendar
        self._rule = make()
        self._watches = False

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return self._rule.ongoing

    def observe_state(self, state: StreamState, now: float) -> list[Finding]:
        watched, self._watches = self._watches, self._calendar.within(self._spans, now)
        if watched and not self._watches:
            self._rule = self._make()
        return self._rule.observe_state(state, now) if self._watches else []
