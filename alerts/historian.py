"""The historian: from the event stream to the store, each event once, however often it or Redis or the database dies.

It reads as a member of a consumer group and acknowledges an entry after the commit that stored it; the store knows an
event by its id, so that what was stored and not acknowledged is recognised. At every start it first takes what it had
been given before, then what the stream holds beyond the store's last entry (a database put back from a copy catches up
by that), then what is new. An entry that cannot be stored goes to ``xl:events:dead`` with the reason and is counted;
the rest goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import structlog
from pydantic import ValidationError
from redis import Redis, RedisError, ResponseError
from sqlalchemy.exc import DBAPIError

from alerts.bus import EVENTS_KEY, SUPPRESSED_KEY
from alerts.delivery.backoff import Backoff
from alerts.delivery.trim import delivered_up_to, trim
from alerts.event import Event
from alerts.event_id import time_of
from alerts.records import AlarmChange
from alerts.storage.database import refuses
from alerts.storage.retention import enforce
from alerts.store import EventStore
from configs.schema import Retention

log = structlog.get_logger(__name__)

GROUP = "historian"
DEAD_KEY = "xl:events:dead"
DEAD_KEPT = 10_000
BATCH = 500
BLOCK_MS = 1000
CLAIM_IDLE_MS = 30_000
"""Entries that another consumer was given so long ago are taken over: it is dead."""

REPEATS_EVERY_S = 2.0
TRIM_EVERY_S = 60.0
CLAIM_EVERY_S = 30.0
PURGE_EVERY_S = 86400.0
SLOW_S = 1.0

REPEATS_SETTLED_S = 2 * 86400.0
"""Twice the longest window a rule may have: the repeats of an event so old are final."""

Entry = tuple[bytes, dict[bytes, bytes] | None]
_Field = bytes | bytearray | memoryview | str | int | float


@dataclass(slots=True)
class _Chore:
    """Something to do every so often."""

    every_s: float
    work: Callable[[], None]
    due_at: float


class Historian:
    """``consumer`` is this process' name in the group, the same after a restart. ``clock`` is UTC epoch seconds;
    ``monotonic`` paces. One thread calls :meth:`run`.
    """

    def __init__(
        self,
        client: Redis,
        store: EventStore,
        *,
        consumer: str,
        evidence: Path,
        retention: Retention,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
        block_ms: int = BLOCK_MS,
    ) -> None:
        self._client = client
        self._store = store
        self._consumer = consumer
        self._evidence = evidence
        self._retention = retention
        self._clock = clock
        self._monotonic = monotonic
        self._backoff = backoff or Backoff()
        self._block_ms = block_ms
        self._counts = dict.fromkeys(
            ("entries", "stored", "recognised", "alarms", "dead", "claimed", "trimmed", "purged", "failures"), 0
        )
        self._repeats: dict[str, int] = {}
        now = monotonic()
        self._chores = [
            _Chore(REPEATS_EVERY_S, self.store_repeats, now),
            _Chore(CLAIM_EVERY_S, self._claim, now),
            _Chore(TRIM_EVERY_S, self._trim, now + TRIM_EVERY_S),
            _Chore(PURGE_EVERY_S, self.purge, now),
        ]

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; wait out failures of Redis and of the database."""
        while not stop.is_set():
            try:
                self.begin()
                while not stop.is_set():
                    self.step()
                    self._backoff.reset()
            except (RedisError, DBAPIError) as error:
                self._counts["failures"] += 1
                wait_s = self._backoff.wait_s()
                log.warning("historian_waits", error=type(error).__name__, retry_s=round(wait_s, 2))
                stop.wait(wait_s)
        log.info("historian_stopped", **self._counts)

    def begin(self) -> None:
        """Join the group, and take what an earlier life of ours left."""
        try:
            self._client.xgroup_create(EVENTS_KEY, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        last = b"0"
        while given := self._read(last.decode(), None):
            self._take(given)
            last = given[-1][0]
        self._catch_up()

    def step(self) -> int:
        """Take one batch of what is new, waiting a little for it, and do the chores that are due; returns entries."""
        entries = self._read(">", self._block_ms)
        self._take(entries)
        for chore in self._chores:
            if self._monotonic() >= chore.due_at:
                chore.due_at = self._monotonic() + chore.every_s
                chore.work()
        return len(entries)

    def counters(self) -> dict[str, int]:
        """Since the start: entries = stored + recognised + alarms + dead, of those taken from the group."""
        return dict(self._counts)

    def store_repeats(self) -> None:
        """Copy the counts of repeats into the store, and drop from Redis those that are final."""
        counts: dict[str, int] = {}
        changed: dict[str, int] = {}
        final: list[str] = []
        oldest = self._clock() - REPEATS_SETTLED_S
        for field, value in self._client.hscan_iter(SUPPRESSED_KEY, count=1000):
            event_id = field.decode()
            counts[event_id] = int(value)
            if self._repeats.get(event_id) != counts[event_id]:
                changed[event_id] = counts[event_id]
            try:
                settled = time_of(event_id) < oldest
            except ValueError:
                settled = True
            if settled:
                final.append(event_id)
        self._store.set_repeats(changed)
        self._repeats = counts
        if final:
            self._client.hdel(SUPPRESSED_KEY, *final)

    def purge(self) -> None:
        """Enforce the retention."""
        removed = enforce(self._store, self._evidence, self._retention, self._clock())
        self._counts["purged"] += removed.stored.events
        log.info(
            "retention_enforced",
            events=removed.stored.events,
            alarms=removed.stored.alarms,
            pictures=removed.pictures,
            refused=removed.refused,
        )

    def _trim(self) -> None:
        self._counts["trimmed"] += trim(self._client, EVENTS_KEY, GROUP, self._clock())

    def _read(self, after: str, block_ms: int | None) -> list[Entry]:
        reply = self._client.xreadgroup(GROUP, self._consumer, {EVENTS_KEY: after}, count=BATCH, block=block_ms)
        streams = cast("Sequence[tuple[bytes, list[Entry]]]", reply or ())
        return [entry for _, entries in streams for entry in entries]

    def _claim(self) -> None:
        start = b"0-0"
        while True:
            reply = self._client.xautoclaim(
                EVENTS_KEY, GROUP, self._consumer, CLAIM_IDLE_MS, start_id=start, count=BATCH
            )
            start, entries = cast("tuple[bytes, list[Entry]]", tuple(reply)[:2])
            self._counts["claimed"] += len(entries)
            self._take(entries)
            if start == b"0-0":
                return

    def _catch_up(self) -> None:
        """Store what the group has read and the store does not have, from the store's last entry on."""
        delivered = delivered_up_to(self._client, EVENTS_KEY, GROUP)
        after = self._store.last_stream_id() or "0-0"
        recovered = 0
        while True:
            found = cast("list[Entry]", self._client.xrange(EVENTS_KEY, f"({after}", delivered, BATCH))
            if not found:
                break
            events, _, _ = _decode(found)
            recovered += self._store.append(events)
            after = found[-1][0].decode()
        if recovered:
            log.warning("events_recovered", count=recovered)

    def _take(self, entries: Sequence[Entry]) -> None:
        """Store, then acknowledge."""
        if not entries:
            return
        started = self._monotonic()
        events, alarms, dead = _decode(entries)
        stored, refused = self._store_each(events)
        dead += refused
        self._bury(entries, dead)
        self._client.xack(EVENTS_KEY, GROUP, *(entry_id for entry_id, _ in entries))
        self._counts["entries"] += len(entries)
        self._counts["stored"] += stored
        self._counts["recognised"] += len(events) - len(refused) - stored
        self._counts["alarms"] += alarms
        self._counts["dead"] += len(dead)
        took_s = self._monotonic() - started
        if took_s > SLOW_S:
            log.warning("historian_slow", entries=len(entries), took_s=round(took_s, 2))

    def _store_each(self, events: Sequence[tuple[str, Event]]) -> tuple[int, list[tuple[str, str]]]:
        """Store all, or, where the database refuses one of them, each by itself; returns how many and the refused."""
        try:
            return self._store.append(events), []
        except DBAPIError as error:
            if not refuses(error):
                raise
            stored, refused = 0, []
            for entry in events:
                try:
                    stored += self._store.append([entry])
                except DBAPIError as cause:
                    if not refuses(cause):
                        raise
                    refused.append((entry[0], "refused by the database"))
            return stored, refused

    def _bury(self, entries: Iterable[Entry], dead: Sequence[tuple[str, str]]) -> None:
        contents = {entry_id.decode(): fields or {} for entry_id, fields in entries}
        for stream_id, reason in dead:
            log.error("entry_dead", stream_id=stream_id, reason=reason)
            record = {**contents[stream_id], b"stream_id": stream_id.encode(), b"reason": reason.encode()}
            self._client.xadd(DEAD_KEY, cast("dict[_Field, _Field]", record), maxlen=DEAD_KEPT)


def _decode(entries: Iterable[Entry]) -> tuple[list[tuple[str, Event]], int, list[tuple[str, str]]]:
    """Events with their stream ids, the number of alarm changes, and what is neither, with the reason."""
    events: list[tuple[str, Event]] = []
    dead: list[tuple[str, str]] = []
    alarms = 0
    for entry_id, fields in entries:
        stream_id = entry_id.decode()
        if fields is None:
            # Given to us and since cut from the stream: whoever cut it lost it.
            dead.append((stream_id, "the entry was cut from the stream"))
            continue
        try:
            match fields.get(b"type"):
                case b"event":
                    events.append((stream_id, Event.model_validate_json(fields.get(b"data", b""))))
                case b"alarm":
                    # The dashboard stored it before it announced it.
                    AlarmChange.model_validate_json(fields.get(b"data", b""))
                    alarms += 1
                case other:
                    dead.append((stream_id, f"unknown type {other!r}"[:100]))
        except ValidationError as error:
            places = {".".join(map(str, fault["loc"])) or fault["type"] for fault in error.errors(include_input=False)}
            dead.append((stream_id, f"not readable: {', '.join(sorted(places))}"[:200]))
    return events, alarms, dead
