"""What a wall screen shows, and who drives it: a state machine over plain data. Pure.

Whoever pushes to a screen drives it until they take it back or another takes it over. To take over from somebody means
to name the version that one has seen: who asks has been told whose picture goes, and nobody else's goes instead.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alerts.event import Plain
from dashboard.scenes.scene import Arrangement

EventId = Annotated[str, StringConstraints(min_length=1, max_length=36)]


class ShownScene(Arrangement):
    """Cameras: one of them, a desk's own layout, or a scene by its name."""

    kind: Literal["scene"] = "scene"
    name: Annotated[str, Field(max_length=64)] | None = None


class ShownAlarm(Plain):
    """An alarm with its picture, clip and reason."""

    kind: Literal["alarm"] = "alarm"
    event_id: EventId


class ShownOverview(Plain):
    """The overview with its map."""

    kind: Literal["overview"] = "overview"


Content = Annotated[ShownScene | ShownAlarm | ShownOverview, Field(discriminator="kind")]


class Driver(Plain):
    """Who pushed: the account, and the desk that it belongs to, if any."""

    account: str
    name: str
    desk: str | None = None
    desk_name: str | None = None
    desk_name_en: str | None = None


class ScreenState(Plain):
    """``version`` grows by one at each change. ``since``: UTC epoch s. Without a driver there is nothing on show."""

    v: Literal[1] = 1
    version: int = 0
    content: Content | None = None
    driver: Driver | None = None
    since: float | None = None


class ScreenRefused(Exception):
    """``driven``: another drives the screen. ``changed``: it is no longer as the asker saw it. ``state``: as it is."""

    def __init__(self, why: Literal["driven", "changed"], state: ScreenState) -> None:
        super().__init__(why)
        self.why = why
        self.state = state


def pushed(
    state: ScreenState,
    content: ShownScene | ShownAlarm | ShownOverview,
    driver: Driver,
    at: float,
    seen: int | None = None,
) -> ScreenState:
    """The screen shows ``content``. ``seen``: the version that is taken over. Raises :class:`ScreenRefused`."""
    _require(state, driver, seen)
    return ScreenState(version=state.version + 1, content=content, driver=driver, since=at)


def taken_back(state: ScreenState, driver: Driver, at: float, seen: int | None = None) -> ScreenState:
    """The screen shows nothing; one that shows nothing stays as it is. Raises :class:`ScreenRefused`."""
    if state.driver is None:
        return state
    _require(state, driver, seen)
    return ScreenState(version=state.version + 1, since=at)


def _require(state: ScreenState, driver: Driver, seen: int | None) -> None:
    if seen is not None and seen != state.version:
        raise ScreenRefused("changed", state)
    if seen is None and state.driver is not None and state.driver.account != driver.account:
        raise ScreenRefused("driven", state)
