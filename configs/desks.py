"""The settings of alarms on their way to people: desks, reaction times, priority by place and time."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from configs.rules import Severity
from configs.schedule import Span
from configs.section import Identifier, Name, Section

Role = Literal["operator", "shift_leader", "administrator"]
Username = Annotated[str, StringConstraints(min_length=1, max_length=64)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""HH:MM by the wall clock of the site."""


class Desk(Section):
    """坐席: owns regions with all that lies under them. Its people are the named accounts, and the accounts of the
    named roles that cover one of its regions; with neither, whoever may acknowledge there.
    """

    id: Identifier
    name: Name
    name_en: Name | None = None
    regions: tuple[Identifier, ...] = Field(min_length=1)
    accounts: tuple[Username, ...] = ()
    roles: tuple[Role, ...] = ()
    parent: Identifier | None = Field(
        default=None, description="who gets what this desk leaves; left out: the desk that owns the region above"
    )


class Reaction(Section):
    """Seconds until somebody must have acknowledged an alarm, by its priority; then it goes to the desk above."""

    critical: float = Field(default=60.0, gt=0, le=86400)
    high: float = Field(default=120.0, gt=0, le=86400)
    medium: float = Field(default=300.0, gt=0, le=86400)
    low: float = Field(default=900.0, gt=0, le=86400)

    def of(self, priority: Severity) -> float:
        """Seconds."""
        seconds: float = getattr(self, priority.value)
        return seconds


class PriorityStep(Section):
    """At these sites and in these regions (none named: everywhere), in these hours (left out: always), an alarm's
    priority lies so many steps above (+) or below (-) its rule's severity. Several that hold are summed.
    """

    sites: tuple[Identifier, ...] = ()
    regions: tuple[Identifier, ...] = ()
    schedule: tuple[Span, ...] | None = None
    steps: Literal[-3, -2, -1, 1, 2, 3]


class AlarmSettings(Section):
    """How alarms reach people."""

    reaction: Reaction = Reaction()
    priority: tuple[PriorityStep, ...] = ()
    shift_changes: tuple[TimeOfDay, ...] = Field(default=(), description="when shifts change, every day")


def next_change(changes: tuple[TimeOfDay, ...], at: float, zone: tzinfo) -> float | None:
    """When the shift that runs at ``at`` ends, UTC epoch seconds both; ``None`` where no shifts are set."""
    local = datetime.fromtimestamp(at, zone)
    ahead = []
    for day in (local.date(), local.date() + timedelta(days=1)):
        for change in changes:
            hour, minute = map(int, change.split(":"))
            ahead.append(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp())
    return min((one for one in ahead if one > at), default=None)
