"""The dashboard's view of Redis: the keys of ARCHITECTURE.md, typed, with one exception for "it is away".

The only module of the dashboard that knows the client library; :func:`open_redis` makes the client that it needs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import SecretStr
from redis import exceptions
from redis.asyncio import Redis

from alerts.bus import EVENTS_KEY
from alerts.health import HEALTH_KEY, WORKERS_KEY
from alerts.storage.queries import SEQUENCE_BITS
from dashboard.errors import BusAway

PRESENT = "xl:desks:present"
SCREENS = "xl:screens"
SCREENS_PRESENT = "xl:screens:present"
SENDINGS = "xl:sendings"
ROTATION = "xl:rotation"
ROTATION_LEASE = "xl:rotation:lease"
BLOCK_MS = 1000
ANSWER_S = 5.0
"""An answer takes no longer, waiting for entries included."""

_ID = re.compile(r"(\d{1,13})-(\d{1,7})", re.ASCII)
_REPLACE = """
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
_REPLACE_HELD = """
local now = redis.call('HGET', KEYS[1], ARGV[1])
if (now or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


@dataclass(frozen=True, slots=True, order=True)
class StreamId:
    """An entry's id, ordered as Redis orders it."""

    ms: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> StreamId | None:
        """``None`` for anything that is no id, or none that the store could hold."""
        found = _ID.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found and int(found[2]) < 1 << SEQUENCE_BITS else None

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"


ZERO = StreamId(0, 0)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the event stream, its JSON unread."""

    id: StreamId
    type: str
    data: str


def open_redis(url: SecretStr | str) -> Redis:
    """The client that :class:`Bus` needs; connects at its first command. Raises ``ValueError``, without the URL."""
    secret = url.get_secret_value() if isinstance(url, SecretStr) else url
    try:
        # Without a socket timeout of its own: the library would then send through asyncio.wait_for, which before
        # Python 3.12 swallows a cancellation that comes while the send completes. Bus times its answers instead.
        return Redis.from_url(
            secret, client_name="dashboard", decode_responses=True, socket_timeout=None, socket_connect_timeout=2
        )
    except ValueError:
        raise ValueError("redis_url: not an address of a Redis server; want redis://, rediss:// or unix://") from None


class Bus:
    """Typed commands. Every method raises :class:`BusAway` when the server does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def close(self) -> None:
        """Ends the client's connections, in the loop that they live in."""
        await self._redis.aclose()

    async def ping(self) -> None:
        await self._answer(self._redis.ping())

    async def last_id(self) -> StreamId:
        """Of the newest entry; 0-0 for an empty stream."""
        return _only_id(await self._answer(self._redis.xrevrange(EVENTS_KEY, count=1)))

    async def first_id(self) -> StreamId:
        """Of the oldest entry that is still there; 0-0 for an empty stream."""
        return _only_id(await self._answer(self._redis.xrange(EVENTS_KEY, count=1)))

    async def read(self, after: StreamId, *, block_ms: int | None = BLOCK_MS, count: int = 500) -> list[Entry]:
        """Entries after ``after``, waiting at most ``block_ms`` for one; ``None`` does not wait."""
        reply = await self._answer(self._redis.xread({EVENTS_KEY: str(after)}, count=count, block=block_ms))
        if not reply:
            return []
        streams = reply.items() if isinstance(reply, dict) else reply
        return [entry for _, entries in streams for entry in _entries(entries)]

    async def range(self, after: StreamId, until: StreamId, count: int = 500) -> list[Entry]:
        """Entries in ``(after, until]``, oldest first."""
        return _entries(
            await self._answer(self._redis.xrange(EVENTS_KEY, min=f"({after}", max=str(until), count=count))
        )

    async def append(self, kind: str, data: str) -> StreamId:
        added = StreamId.parse(str(await self._answer(self._redis.xadd(EVENTS_KEY, {"type": kind, "data": data}))))
        if added is None:
            raise BusAway("the event bus gave no id")
        return added

    async def health(self) -> dict[str, str]:
        """Camera id → JSON as the worker wrote it."""
        return cast("dict[str, str]", await self._answer(self._redis.hgetall(HEALTH_KEY)))

    async def workers(self) -> dict[str, str]:
        """Worker id → JSON as the worker wrote it."""
        return cast("dict[str, str]", await self._answer(self._redis.hgetall(WORKERS_KEY)))

    async def say_present(self, desks: Iterable[str], at: float, key: str = PRESENT) -> None:
        """Somebody of these desks (with another ``key``: these screens) is connected to this dashboard at ``at``, UTC
        epoch seconds.
        """
        seen: dict[str, Any] = dict.fromkeys(desks, at)
        if seen:
            await self._answer(self._redis.zadd(key, seen))

    async def present_since(self, at: float, key: str = PRESENT) -> frozenset[str]:
        """Those of which somebody was connected to any dashboard at ``at`` or later."""
        return frozenset(await self._answer(self._redis.zrangebyscore(key, at, "+inf")))

    async def held(self, key: str) -> dict[str, str]:
        """All fields of a hash whose states are replaced by compare-and-set."""
        return cast("dict[str, str]", await self._answer(self._redis.hgetall(key)))

    async def drop_held(self, key: str, fields: Iterable[str]) -> None:
        """Removes fields of such a hash; those that are gone already are no fault."""
        await self._answer(self._redis.hdel(key, *fields))

    async def replace_held(self, key: str, field: str, old: str, new: str) -> bool:
        """Compare and set one field, ``old`` empty where there is none: ``False`` when another was faster."""
        return bool(await self._answer(self._redis.eval(_REPLACE_HELD, 1, key, field, old, new)))

    async def rotation(self) -> str:
        """The stored state, empty when there is none."""
        return cast("str | None", await self._answer(self._redis.get(ROTATION))) or ""

    async def replace_rotation(self, old: str, new: str) -> bool:
        """Compare and set: ``False`` when another was faster."""
        return bool(await self._answer(self._redis.eval(_REPLACE, 1, ROTATION, old, new)))

    async def hold_lease(self, owner: str, ttl_ms: int) -> bool:
        """Takes or renews the right to drive the rotation (SET NX PX); ``False`` when another holds it."""
        if await self._answer(self._redis.set(ROTATION_LEASE, owner, nx=True, px=ttl_ms)):
            return True
        return bool(await self._answer(self._redis.eval(_RENEW, 1, ROTATION_LEASE, owner, ttl_ms)))

    async def release_lease(self, owner: str) -> None:
        await self._answer(self._redis.eval(_RELEASE, 1, ROTATION_LEASE, owner))

    @staticmethod
    async def _answer(command: Any) -> Any:
        """Awaits one command. The library types its commands for both clients at once, hence ``Any``."""
        async with _translated(), asyncio.timeout(ANSWER_S):
            return await cast("Awaitable[Any]", command)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError, OSError) as error:
        raise BusAway(f"the event bus does not answer ({type(error).__name__})") from None


def _entries(raw: Sequence[Any]) -> list[Entry]:
    found = []
    for entry_id, fields in raw:
        parsed = StreamId.parse(entry_id)
        if parsed is not None and fields is not None:
            found.append(Entry(parsed, fields.get("type", ""), fields.get("data", "")))
    return found


def _only_id(raw: Sequence[Any]) -> StreamId:
    return (StreamId.parse(raw[0][0]) if raw else None) or ZERO
