"""The live channel of one stream: the current GOP, ready for whoever comes, and what follows it, as fragments.

Publishers are threads, subscribers are asyncio tasks. Every message is built once for all subscribers, and none where
nobody watches, as is so for most streams most of the time. Nothing here blocks a publisher: a subscriber that reads
too slowly loses pictures up to the next key frame, is told so, and is counted.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Protocol, Self

import structlog

from ingest.fmp4 import fragment, init_segment, mime_type
from ingest.packet import TIMESCALE, AccessUnit, ParameterSets
from ingest.state import StreamState

log = structlog.get_logger(__name__)

Message = str | bytes


class Tap(Protocol):
    """Who hears all of a stream, watched or not: a recorder. Called on the reader's thread; must not block or raise."""

    def on_unit(self, unit: AccessUnit, duration: int) -> None:
        """One picture; ``duration``: expected, 90 kHz."""

    def on_state(self, state: StreamState) -> None:
        """A change of the stream's state; from the watch's thread too."""


class _Kind(Enum):
    STATE = auto()
    INIT = auto()
    PICTURE = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """``gop_pictures`` and ``gop_bytes`` bound the cache.

    A subscriber may leave ``waiting`` messages unread, and none for longer than ``waiting_s``: what it would be sent
    then is too old to be shown as live.
    """

    gop_pictures: int = 1000
    gop_bytes: int = 32 * 1024 * 1024
    waiting: int = 150
    waiting_s: float = 2.0


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """``skipped``: pictures left out for slow subscribers, in sum. ``oversized``: GOPs too large for the cache."""

    subscribers: int
    published: int
    skipped: int
    oversized: int


def state_message(state: StreamState) -> str:
    """The ``state`` message of the live channel (ARCHITECTURE.md)."""
    return json.dumps(
        {
            "v": 1,
            "type": "state",
            "phase": state.phase,
            "fault": state.fault,
            "since": state.since,
            "at": state.at,
            "attempt": state.attempt,
            "detail": state.detail,
            "next_try_at": state.next_try_at,
            "last_picture_at": state.last_picture_at,
        },
        separators=(",", ":"),
    )


def _init_message(parameters: ParameterSets) -> str:
    sequence = parameters.sequence()
    return json.dumps(
        {
            "v": 1,
            "type": "init",
            "codec": sequence.codec,
            "mime": mime_type(sequence),
            "width": sequence.width,
            "height": sequence.height,
        },
        separators=(",", ":"),
    )


class _Picture:
    """One picture of the GOP; its fragment is made once, when somebody wants it."""

    __slots__ = ("_data", "_duration", "_sequence", "unit")

    def __init__(self, unit: AccessUnit, sequence: int, duration: int) -> None:
        self.unit = unit
        self._sequence = sequence
        self._duration = duration
        self._data: bytes | None = None

    @property
    def data(self) -> bytes:
        if self._data is None:
            self._data = fragment(self.unit, self._sequence, self._duration)
        return self._data


class Subscription:
    """One reader of a channel, bound to the event loop in which it was made. Use as a context manager."""

    def __init__(self, channel: LiveChannel, loop: asyncio.AbstractEventLoop) -> None:
        self._channel = channel
        self._loop = loop
        self._ready = asyncio.Event()
        self._woken = False
        self._waiting: deque[tuple[_Kind, Message]] = deque()
        self._pictures_waiting = 0
        self._waiting_since = 0.0  # when the oldest of them arrived, UTC epoch seconds
        self._needs_key = True
        self._skipped = 0  # pictures left out that no message has told of
        self._told_skipped = 0  # pictures that a message tells of which itself still waits
        self._init: tuple[Message, Message] | None = None
        self._closed = False

    async def messages(self) -> list[Message]:
        """All messages that wait, at least one; an empty list once the channel or the subscription is closed."""
        await self._ready.wait()
        return self._channel._take(self)

    def close(self) -> None:
        """Ends the subscription; idempotent."""
        self._channel._leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LiveChannel:
    """Live pictures, states and overlays of one stream.

    ``wanted`` is called, outside any lock, whenever somebody subscribes: a stream that is only opened on demand
    starts then. ``tap`` hears every picture that has parameter sets, and every state.
    """

    def __init__(
        self,
        initial: StreamState,
        *,
        limits: LiveLimits | None = None,
        wanted: Callable[[], None] | None = None,
        tap: Tap | None = None,
    ) -> None:
        self._limits = limits or LiveLimits()
        self._tap = tap
        self._wanted = wanted
        self._lock = threading.Lock()
        self._subscribers: set[Subscription] = set()
        self._state = state_message(initial)
        self._parameters: ParameterSets | None = None
        self._size: tuple[int, int] | None = None
        self._init: tuple[Message, Message] | None = None
        self._gop: list[_Picture] = []
        self._gop_bytes = 0
        self._gop_whole = False
        self._last: tuple[float, int] | None = None
        self._sequence = 0
        self._skipped = 0
        self._oversized = 0
        self._closed = False

    def subscribe(self) -> Subscription:
        """A subscription of the running event loop: state, init and the current GOP at once, then what comes."""
        subscription = Subscription(self, asyncio.get_running_loop())
        with self._lock:
            subscription._closed = self._closed
            if not self._closed:
                self._subscribers.add(subscription)
            subscription._waiting.append((_Kind.STATE, self._state))
            if self._gop and self._gop_whole:
                self._greet(subscription)
            subscription._ready.set()
            subscription._woken = True
        if self._wanted is not None:
            self._wanted()
        return subscription

    def counts(self) -> LiveCounts:
        """Figures since the start."""
        with self._lock:
            return LiveCounts(len(self._subscribers), self._sequence, self._skipped, self._oversized)

    @property
    def subscribers(self) -> int:
        """How many watch."""
        with self._lock:
            return len(self._subscribers)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the newest pictures, px; ``None`` before the first key frame."""
        with self._lock:
            return self._size

    def pts_at(self, captured_at: float) -> float | None:
        """Media time, seconds, at which this stream showed the moment ``captured_at``; ``None`` before a picture."""
        with self._lock:
            if self._last is None:
                return None
            last_captured_at, last_pts = self._last
        return max(0.0, last_pts / TIMESCALE + captured_at - last_captured_at)

    def publish_unit(self, unit: AccessUnit, duration: int) -> None:
        """One picture; ``duration``: expected, 90 kHz. Raises ``MalformedVideo`` for a key frame with a broken SPS."""
        with self._lock:
            if self._closed:
                return
            if unit.keyframe and unit.parameters != self._parameters:
                self._init = (_init_message(unit.parameters), init_segment(unit.parameters))
                self._parameters = unit.parameters
                sequence = unit.parameters.sequence()
                self._size = (sequence.width, sequence.height)
            if self._init is None:
                return
            self._sequence += 1
            picture = _Picture(unit, self._sequence, duration)
            self._last = (unit.captured_at, unit.pts)
            self._remember(picture)
            for subscription in list(self._subscribers):
                self._offer_picture(subscription, picture.data, unit)
        if self._tap is not None:
            self._tap.on_unit(unit, duration)

    def publish_state(self, state: StreamState) -> None:
        """A change of the stream's state."""
        message = state_message(state)
        with self._lock:
            self._state = message
            for subscription in list(self._subscribers):
                self._put(subscription, _Kind.STATE, message)
        if self._tap is not None:
            self._tap.on_state(state)

    def publish_overlay(self, message: str) -> None:
        """A ready ``overlay`` message; left out for a subscriber that waits for a key frame or is full."""
        with self._lock:
            for subscription in list(self._subscribers):
                if not subscription._needs_key and len(subscription._waiting) < self._limits.waiting:
                    self._put(subscription, _Kind.TEXT, message)

    def forget_pictures(self) -> None:
        """The stream was closed on purpose: whoever comes next shall not be shown its last GOP."""
        with self._lock:
            self._gop, self._gop_bytes, self._gop_whole = [], 0, False
            self._last = None

    def close(self) -> None:
        """Ends all subscriptions; idempotent."""
        with self._lock:
            self._closed = True
            for subscription in list(self._subscribers):
                subscription._closed = True
                self._wake(subscription)
            self._subscribers.clear()
            self._gop = []
            self._gop_whole = False

    # From here on: with the lock held, except _take and _leave.

    def _remember(self, picture: _Picture) -> None:
        if picture.unit.keyframe:
            self._gop, self._gop_bytes, self._gop_whole = [], 0, True
        if not self._gop_whole:
            return
        self._gop.append(picture)
        self._gop_bytes += picture.unit.size
        if len(self._gop) > self._limits.gop_pictures or self._gop_bytes > self._limits.gop_bytes:
            self._gop, self._gop_bytes, self._gop_whole = [], 0, False
            self._oversized += 1

    def _greet(self, subscription: Subscription) -> None:
        self._send_init(subscription)
        subscription._waiting.extend((_Kind.PICTURE, picture.data) for picture in self._gop)
        subscription._needs_key = False

    def _send_init(self, subscription: Subscription) -> None:
        if self._init is not None and subscription._init is not self._init:
            subscription._init = self._init
            subscription._waiting.extend((_Kind.INIT, part) for part in self._init)

    def _offer_picture(self, subscription: Subscription, data: bytes, unit: AccessUnit) -> None:
        waited = unit.arrived_at - subscription._waiting_since if subscription._pictures_waiting else 0.0
        if subscription._pictures_waiting >= self._limits.waiting or waited > self._limits.waiting_s:
            self._skip(subscription)
        if subscription._needs_key:
            if not unit.keyframe:
                if subscription._skipped:
                    self._count_skipped(subscription, 1)
                return
            if subscription._skipped:
                note = json.dumps({"v": 1, "type": "skipped", "frames": subscription._skipped}, separators=(",", ":"))
                subscription._waiting.append((_Kind.TEXT, note))
                subscription._told_skipped, subscription._skipped = subscription._skipped, 0
            subscription._needs_key = False
        if unit.keyframe:
            self._send_init(subscription)
        if not subscription._pictures_waiting:
            subscription._waiting_since = unit.arrived_at
        subscription._pictures_waiting += 1
        self._put(subscription, _Kind.PICTURE, data)

    def _skip(self, subscription: Subscription) -> None:
        pictures = sum(kind is _Kind.PICTURE for kind, _ in subscription._waiting)
        kept = [item for item in subscription._waiting if item[0] in (_Kind.STATE, _Kind.INIT)]
        subscription._waiting = deque(kept)
        subscription._pictures_waiting = 0
        subscription._needs_key = True
        # A notice that was left out with the rest is taken back into the next one.
        subscription._skipped, subscription._told_skipped = subscription._told_skipped, 0
        self._count_skipped(subscription, pictures)

    def _count_skipped(self, subscription: Subscription, pictures: int) -> None:
        subscription._skipped += pictures
        self._skipped += pictures

    def _put(self, subscription: Subscription, kind: _Kind, message: Message) -> None:
        if kind is _Kind.STATE:
            # Only the newest state matters, so that states alone cannot fill the queue of a sleeping subscriber.
            subscription._waiting = deque(item for item in subscription._waiting if item[0] is not _Kind.STATE)
        subscription._waiting.append((kind, message))
        self._wake(subscription)

    def _wake(self, subscription: Subscription) -> None:
        if subscription._woken:
            return
        subscription._woken = True
        try:
            subscription._loop.call_soon_threadsafe(subscription._ready.set)
        except RuntimeError:  # the loop of this subscriber is closed: it left without a word
            self._subscribers.discard(subscription)
            log.warning("live.subscriber_lost")

    def _take(self, subscription: Subscription) -> list[Message]:
        with self._lock:
            taken = [message for _, message in subscription._waiting]
            subscription._waiting.clear()
            subscription._pictures_waiting = subscription._told_skipped = 0
            if not subscription._closed:
                subscription._ready.clear()
                subscription._woken = False
            return taken

    def _leave(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscribers.discard(subscription)
            if not subscription._closed:
                subscription._closed = True
                subscription._waiting.clear()
                self._wake(subscription)
