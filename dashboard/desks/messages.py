"""What the page sends to take a step with an alarm."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alerts.alarms.life import LONGEST_SHELF_S, Closing
from dashboard.messages import Message

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
