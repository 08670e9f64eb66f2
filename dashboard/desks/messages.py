"""What crosses between page and dashboard about steps with an alarm, desks and shifts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alerts.alarms.life import LONGEST_SHELF_S, Closing
from alerts.alarms.shifts import Shift
from alerts.records import EventRow
from dashboard.messages import Message

HANDOVER_LIMIT = 1000
"""Open alarms that one person can be asked to take over."""

Words = Annotated[str, Field(max_length=500)]


class StepTaken(Message):
    """``version``: of the row that the person looked at; given, the step is refused where somebody was faster."""

    comment: Words | None = None
    version: int | None = None


class Acknowledging(StepTaken):
    """``own``: take it into one's own hands by the same call."""

    own: bool = False


class Owning(StepTaken):
    """``take_over``: also from somebody who has it already."""

    take_over: bool = False


class Commenting(Message):
    comment: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class Shelving(StepTaken):
    """For so many seconds from now; the alarm comes back by itself. Why is asked for."""

    seconds: Annotated[float, Field(gt=0, le=LONGEST_SHELF_S)]
    comment: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class ClosingAlarm(StepTaken):
    """``closing``: what it turned out to be."""

    closing: Closing


class DeskInfo(Message):
    """A desk as it is manned now. ``mine``: the asker's own. ``open``: its open alarms."""

    id: str
    name: str
    name_en: str | None
    regions: tuple[str, ...]
    parent: str | None
    connected: bool
    mine: bool
    shift: Shift
    open: int


class Offering(Message):
    """``note``: words for who takes the shift."""

    note: Words | None = None


class Taking(Message):
    """``alarms``: ids of every open alarm of the desk, as the hand-over list showed them: who takes has seen them."""

    alarms: Annotated[tuple[str, ...], Field(max_length=HANDOVER_LIMIT)] = ()


class HandOver(Message):
    """What a successor takes over. ``alarms``: the open ones, oldest first."""

    shift: Shift
    alarms: tuple[EventRow, ...]
