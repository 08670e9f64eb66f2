"""Knows what every wall screen shows and tells the pages; changes it by compare-and-set, so that none is lost.

The states lie in Redis, written to its disk before each reply: a restart of any dashboard, or of a screen's browser,
goes on with the same picture. Several dashboards may do this at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from pydantic import ValidationError

from configs.schema import Settings
from configs.screens import WallScreen
from dashboard.access.viewer import Viewer
from dashboard.accounts import Account
from dashboard.bus import SCREENS, SCREENS_PRESENT, Bus
from dashboard.errors import BusAway
from dashboard.feed.items import Item
from dashboard.messages import ScreenItem
from dashboard.policy import Action
from dashboard.screens.messages import ScreenStatus
from dashboard.screens.screen import ScreenState

log = structlog.get_logger(__name__)

LOOK_S = 0.5
PRESENCE_EVERY = 2
GRACE_S = 4.0
"""A screen counts as connected so long after its page was last seen: a reload, or a restart of the dashboard."""
_TRIES = 8


class Contended(Exception):
    """Others were faster too often."""


class Director:
    """``run`` until cancelled; ``tell`` is given each screen's item of the feed when it changes, ``forget`` when the
    screen is gone."""

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        viewers: Callable[[], Iterable[Viewer]],
        tell: Callable[[str, Item], None],
        forget: Callable[[str], None],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.screens: dict[str, WallScreen] = {screen.id: screen for screen in settings.screens}
        self._bus = bus
        self._viewers = viewers
        self._tell = tell
        self._forget = forget
        self._followed = False
        self._clock = clock
        self._sleep = sleep
        self._raw: dict[str, str] = {}
        self._states: dict[str, ScreenState] = {}
        self._connected: frozenset[str] = frozenset()
        self._told: dict[str, ScreenStatus] = {}
        self._figures = dict.fromkeys(("changes", "contended", "undecodable", "interruptions"), 0)

    def follow(self, settings: Settings) -> None:
        """By these screens from the next look on. Any thread."""
        self.screens = {screen.id: screen for screen in settings.screens}
        self._followed = True

    def figures(self) -> dict[str, int]:
        """Counters since the start, and screens ``connected`` now."""
        return {**self._figures, "connected": len(self._connected & self.screens.keys())}

    def regions_of(self, account: Account) -> tuple[str, ...]:
        """What an account covers: a screen's what the settings say of it now, nothing once they no longer name it."""
        if account.screen is None:
            return account.regions
        screen = self.screens.get(account.screen)
        return () if screen is None else screen.regions

    def status(self, screen_id: str) -> ScreenStatus:
        """As last looked at. Raises ``KeyError`` for one that the settings do not name."""
        screen = self.screens[screen_id]
        state = self._states.get(screen.id, ScreenState())
        return ScreenStatus(id=screen.id, connected=screen.id in self._connected, state=state)

    async def run(self) -> None:
        """Until cancelled. While Redis is away the screens stand as they were."""
        turn = 0
        while True:
            try:
                if turn % PRESENCE_EVERY == 0:
                    await self._look_around()
                self._take(await self._bus.held(SCREENS))
            except BusAway:
                self._figures["interruptions"] += 1
            turn += 1
            await self._sleep(LOOK_S)

    async def change(self, screen_id: str, step: Callable[[ScreenState], ScreenState]) -> ScreenStatus:
        """Reads, changes and stores the state, again when another was faster. What ``step`` raises is raised.

        Raises :class:`Contended`, and :class:`dashboard.errors.BusAway`.
        """
        for _ in range(_TRIES):
            held = await self._bus.held(SCREENS)
            raw = held.get(screen_id, "")
            before = self._read(screen_id, raw)
            after = step(before)
            text = after.model_dump_json()
            if after == before or await self._bus.replace_held(SCREENS, screen_id, raw, text):
                self._figures["changes"] += after != before
                self._take({**held, screen_id: text})
                return self.status(screen_id)
            self._figures["contended"] += 1
        raise Contended

    async def _look_around(self) -> None:
        now = self._clock()
        here = {viewer.account.screen for viewer in self._viewers()} - {None}
        await self._bus.say_present((each for each in here if each is not None), now, SCREENS_PRESENT)
        self._connected = await self._bus.present_since(now - GRACE_S, SCREENS_PRESENT)

    def _take(self, raw: Mapping[str, str]) -> None:
        if self._followed:  # what was read and told of screens that stood otherwise
            self._followed = False
            for gone in self._told.keys() - self.screens.keys():
                self._forget(f"screen:{gone}")
            self._raw, self._told = {}, {}
        before, self._raw = self._raw, dict(raw)
        for screen in self.screens.values():
            if raw.get(screen.id) != before.get(screen.id):
                self._states[screen.id] = self._read(screen.id, raw.get(screen.id, ""))
            status = self.status(screen.id)
            if self._told.get(screen.id) == status:
                continue
            self._told[screen.id] = status
            text = ScreenItem(screen=status).model_dump_json()
            self._tell(f"screen:{screen.id}", Item(text, Action.SCREEN_READ, regions=screen.regions))

    def _read(self, screen_id: str, raw: str) -> ScreenState:
        """A state that another release wrote and this one cannot read counts as none, and is told in the log."""
        if not raw:
            return ScreenState()
        try:
            return ScreenState.model_validate_json(raw)
        except ValidationError as error:
            self._figures["undecodable"] += 1
            log.warning("undecodable_screen", screen_id=screen_id, faults=error.error_count())
            return ScreenState()
