"""Which desk an alarm belongs to, and who comes after: pure, from the settings and who is on duty.

An alarm belongs to the desk that owns the narrowest region around it. Where nobody is there it goes up, desk by desk,
to the first that is manned; where none is, to the topmost: an alarm always has a desk, and it stays visible there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from alerts.event import Event
from configs.desks import Desk, PriorityStep
from configs.rules import Severity
from configs.schedule import Calendar
from configs.schema import Region, Settings

ORDER = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class Tree:
    """The desks over the region tree. ``above`` maps a region to the one around it."""

    desks: dict[str, Desk]
    above: dict[str, str]

    @classmethod
    def of(cls, settings: Settings) -> Tree:
        above: dict[str, str] = {}

        def walk(region: Region) -> None:
            for child in region.children:
                above[child.id] = region.id
                walk(child)

        for root in settings.regions:
            walk(root)
        return cls({desk.id: desk for desk in settings.desks}, above)

    def owners(self, region: str) -> tuple[Desk, ...]:
        """The desks of the narrowest region around, in the order of the settings; empty where nobody owns it."""
        here: str | None = region
        while here is not None:
            found = tuple(desk for desk in self.desks.values() if here in desk.regions)
            if found:
                return found
            here = self.above.get(here)
        return ()

    def parent(self, desk: Desk) -> Desk | None:
        """Who gets what ``desk`` leaves; ``None`` at the top."""
        if desk.parent is not None:
            return self.desks.get(desk.parent)
        around = self.above.get(desk.regions[0])
        over = () if around is None else self.owners(around)
        return next((one for one in over if one.id != desk.id), None)

    def chain(self, desk: Desk) -> tuple[Desk, ...]:
        """The desk and all above it, nearest first."""
        found = [desk]
        while (over := self.parent(found[-1])) is not None and over not in found:
            found.append(over)
        return tuple(found)

    def route(self, region: str, manned: Collection[str]) -> Desk | None:
        """The desk for an alarm in ``region``. ``None`` only where there is no desk at all: a region that nobody owns
        is the first desk's.
        """
        owners = self.owners(region) or tuple(self.desks.values())[:1]
        if not owners:
            return None
        there = next((desk for desk in owners if desk.id in manned), None)
        if there is not None:
            return there
        chain = self.chain(owners[0])
        return next((desk for desk in chain if desk.id in manned), chain[-1])

    def escalated(self, desk_id: str | None, region: str, manned: Collection[str]) -> Desk | None:
        """The desk after ``desk_id``: the next manned one above, else the topmost; ``None`` for who is the topmost."""
        desk = self.desks.get(desk_id or "")
        if desk is None:
            return self.route(region, manned)  # the settings have changed since
        above = self.chain(desk)[1:]
        return next((one for one in above if one.id in manned), above[-1] if above else None)


@dataclass(frozen=True, slots=True)
class Priorities:
    """Priority from rule, place and time."""

    steps: tuple[PriorityStep, ...]
    above: dict[str, str]
    calendar: Calendar

    @classmethod
    def of(cls, settings: Settings) -> Priorities:
        zone: tzinfo = ZoneInfo(settings.timezone)
        calendar = Calendar(zone, frozenset(settings.holidays))
        return cls(settings.alarms.priority, Tree.of(settings).above, calendar)

    def of_event(self, event: Event) -> Severity:
        """The rule's severity, moved by every step that holds where and when the event occurred."""
        around = {event.region_id}
        here: str | None = event.region_id
        while (here := self.above.get(here or "")) is not None:
            around.add(here)
        rank = ORDER.index(event.severity)
        for step in self.steps:
            anywhere = not step.sites and not step.regions
            inside = anywhere or event.site_id in step.sites or not around.isdisjoint(step.regions)
            if inside and (step.schedule is None or self.calendar.within(step.schedule, event.occurred_at)):
                rank += step.steps
        return ORDER[min(max(rank, 0), len(ORDER) - 1)]
