"""Carries scenes between desks: kept in Redis, changed by compare-and-set, told by the feed to both desks.

A restart of any dashboard, or of a browser, finds the cards again that wait for an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from pydantic import ValidationError

from configs.desks import Desk
from configs.schema import Settings
from dashboard.bus import SENDINGS, Bus
from dashboard.errors import BusAway
from dashboard.feed.items import Item
from dashboard.messages import SendingItem
from dashboard.policy import Action
from dashboard.scenes.sending import KEPT_S, Answer, Sending, answered

log = structlog.get_logger(__name__)

LOOK_S = 0.5


class SendingUnknown(Exception):
    """There is no such card (any more)."""


class Courier:
    """``run`` until cancelled. ``tell`` is given each card when it is new or answered, ``forget`` when it is gone."""

    def __init__(
        self,
        settings: Settings,
        bus: Bus,
        tell: Callable[[str, Item], None],
        forget: Callable[[str], None],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.follow(settings)
        self._bus = bus
        self._tell = tell
        self._forget = forget
        self._clock = clock
        self._sleep = sleep
        self._raw: dict[str, str] = {}
        self._figures = dict.fromkeys(("sent", "answered", "undecodable", "interruptions"), 0)

    def follow(self, settings: Settings) -> None:
        """By these desks from now on, for cards that are new or answered. Any thread."""
        self._desks: Mapping[str, Desk] = {desk.id: desk for desk in settings.desks}

    def figures(self) -> dict[str, int]:
        """Counters since the start."""
        return dict(self._figures)

    async def run(self) -> None:
        """Until cancelled. While Redis is away the cards stand as they were."""
        while True:
            try:
                await self._look()
            except BusAway:
                self._figures["interruptions"] += 1
            await self._sleep(LOOK_S)

    async def send(self, sending: Sending) -> None:
        """Raises :class:`dashboard.errors.BusAway`."""
        text = sending.model_dump_json()
        await self._bus.replace_held(SENDINGS, sending.id, "", text)
        self._figures["sent"] += 1
        self._take({**self._raw, sending.id: text})

    async def get(self, sending_id: str) -> Sending:
        """Raises :class:`SendingUnknown`."""
        sending = self._read(sending_id, (await self._bus.held(SENDINGS)).get(sending_id, ""))
        if sending is None:
            raise SendingUnknown(sending_id)
        return sending

    async def answer(self, sending_id: str, answer: Answer) -> Sending:
        """The first answer counts. Raises :class:`SendingUnknown` and
        :class:`dashboard.scenes.sending.AlreadyAnswered`.
        """
        while True:  # ends: a second writer has answered, and that is raised
            held = await self._bus.held(SENDINGS)
            raw = held.get(sending_id, "")
            before = self._read(sending_id, raw)
            if before is None:
                raise SendingUnknown(sending_id)
            after = answered(before, answer)
            text = after.model_dump_json()
            if await self._bus.replace_held(SENDINGS, sending_id, raw, text):
                self._figures["answered"] += 1
                self._take({**held, sending_id: text})
                return after

    async def _look(self) -> None:
        held = await self._bus.held(SENDINGS)
        now = self._clock()
        read = {sending_id: self._read(sending_id, raw) for sending_id, raw in held.items()}
        over = [sending_id for sending_id, card in read.items() if card is None or now - card.at > KEPT_S]
        if over:
            await self._bus.drop_held(SENDINGS, over)
        self._take({sending_id: raw for sending_id, raw in held.items() if sending_id not in over})

    def _take(self, raw: dict[str, str]) -> None:
        before, self._raw = self._raw, raw
        for sending_id in before.keys() - raw.keys():
            self._forget(f"sending:{sending_id}")
        for sending_id, text in raw.items():
            if text == before.get(sending_id):
                continue
            sending = self._read(sending_id, text)
            desk = None if sending is None else self._desks.get(sending.receiver.id)
            if sending is not None and desk is not None:
                item = SendingItem(sending=sending).model_dump_json()
                self._tell(f"sending:{sending_id}", Item(item, Action.DESK_READ, regions=desk.regions))

    def _read(self, sending_id: str, raw: str) -> Sending | None:
        """``None`` for none, and for what another release wrote and this one cannot read, which is told in the log."""
        if not raw:
            return None
        try:
            return Sending.model_validate_json(raw)
        except ValidationError as error:
            self._figures["undecodable"] += 1
            log.warning("undecodable_sending", sending_id=sending_id, faults=error.error_count())
            return None
