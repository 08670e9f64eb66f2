"""What crosses between page and dashboard about wall screens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from alerts.event import Plain
from dashboard.screens.screen import Content, ScreenState


class ScreenStatus(Plain):
    """A screen as the feed tells it. ``connected``: its page has been seen lately."""

    id: str
    connected: bool
    state: ScreenState


class ScreenInfo(ScreenStatus):
    """``enrolled``: a browser has been let in for it, there or not."""

    name: str
    name_en: str | None
    regions: tuple[str, ...]
    enrolled: bool


class Pushing(Plain):
    """``seen``: the version of the screen's state that is taken over from another driver, who was told."""

    content: Content
    seen: int | None = None


class TakingBack(Plain):
    """``seen`` as in :class:`Pushing`."""

    seen: int | None = None


class ScreenCode(Plain):
    """Typed at the screen's page once, until ``expires_at`` (UTC epoch s)."""

    code: str
    expires_at: float


class Enrolling(Plain):
    """The code of eight digits; spaces are of no account."""

    code: Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9 ]+$")]
