"""The historian: from the event stream to the store, each event once, however often it or Redis or the database dies.

It reads as a member of a consumer group and acknowledges an entry after the commit that stored it; the store knows an
event by its id, so that what was stored and not acknowledged is recognised. At every start it first takes what it had
been given before, then what the stream holds beyond the store's last entry (a database put back from a copy catches up
by that), then what is new. An entry that cannot be stored after ``TRIES`` goes to ``xl:events:dead`` with the reason
and is counted; the rest goes on. One that ends this process each time is found by how often it was given to us: it is
then tried alone, and at last set aside untried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import structlog
from redis import Redis, RedisError, ResponseError
from sqlalchemy.exc import DBAPIError

from alerts.alarms.store import AlarmStore
from alerts.bus import EVENTS_KEY, SUPPRESSED_KEY
from alerts.delivery.backoff import Backoff
from alerts.delivery.entries import Decoded, Entry, arrived_at, decode
from alerts.delivery.trim import GROUP, delivered_up_to, trim
from alerts.event_id import time_of
from alerts.samples import SampleKeeper
from alerts.situation_store import SituationStore, suspect
from alerts.storage.database import refuses
from alerts.storage.evidence import EvidenceStore
from alerts.storage.retention import DAY_S, enforce
from alerts.store import EventStore
from configs.schema import Retention

log = structlog.get_logger(__name__)

DEAD_KEY = "xl:events:dead"
DEAD_KEPT = 10_000
BATCH = 500
BLOCK_MS = 250
FINISH_S = 0.8
"""At a stop, for what is still on the stream: whoever wrote it has stopped before."""
CLAIM_IDLE_MS = 30_000
"""Entries that another consumer was given so long ago are taken over: it is dead."""

REPEATS_EVERY_S = 2.0
TRIM_EVERY_S = 60.0
CLAIM_EVERY_S = 30.0
PURGE_EVERY_S = 86400.0
SAMPLE_EVERY_S = 1.0
KEEP_EVERY_S = 30.0
SLOW_S = 1.0
TRIES = 3

REPEATS_SETTLED_S = 2 * 86400.0
"""Twice the longest window a rule may have: the repeats of an event so old are final."""

_Field = bytes | bytearray | memoryview | str | int | float


@dataclass(slots=True)
class _Chore:
    """Something to do every so often."""

    every_s: float
    work: Callable[[], None]
    due_at: float


class Historian:
    """``consumer`` is this process' name in the group, the same after a restart. ``clock`` is UTC epoch seconds;
    ``monotonic`` paces; ``samples`` are taken besides. One thread calls :meth:`run`.
    """

    def __init__(
        self,
        client: Redis,
        store: EventStore,
        *,
        consumer: str,
        evidence: Path,
        retention: Retention,
        clips: EvidenceStore | None = None,
        samples: SampleKeeper | None = None,
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
        self._clips = clips
        self._samples = samples
        self._clock = clock
        self._monotonic = monotonic
        self._backoff = backoff or Backoff()
        self._block_ms = block_ms
        self._counts = dict.fromkeys(
            (
                *("entries", "stored", "recognised", "updates", "alarms", "clips", "dead"),
                *("claimed", "trimmed", "purged", "failures"),
            ),
            0,
        )
        self._situations = SituationStore(store.engine)
        self._alarms = AlarmStore(store.engine)
        self._repeats: dict[str, int] = {}
        now = monotonic()
        self._chores = [
            _Chore(REPEATS_EVERY_S, self.store_repeats, now),
            _Chore(CLAIM_EVERY_S, self._claim, now),
            _Chore(TRIM_EVERY_S, self._trim, now + TRIM_EVERY_S),
            _Chore(PURGE_EVERY_S, self.purge, now),
        ]
        if samples is not None:
            self._chores += [_Chore(SAMPLE_EVERY_S, samples.look, now), _Chore(KEEP_EVERY_S, samples.keep, now)]

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; wait out failures of Redis and of the database."""
        while not stop.is_set():
            try:
                self.begin()
                while not stop.is_set():
                    self.step()
                    self._backoff.reset()
                self._finish()
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
        self._take_suspects()
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

    def _finish(self) -> None:
        """What came before the stop is stored by it: until the next start, the store is all that people see."""
        until = self._monotonic() + FINISH_S
        while self._monotonic() < until and (entries := self._read(">", None)):
            self._take(entries)
        self.store_repeats()
        if self._samples is not None:
            self._samples.keep()

    def counters(self) -> dict[str, int]:
        """Since the start: entries = stored + recognised + updates + alarms + clips + dead, of those taken from the
        group."""
        return dict(self._counts)

    def store_repeats(self) -> None:
        """Copy the counts of repeats into the store, and drop from Redis those that are final."""
        counts: dict[str, int] = {}
        changed: dict[str, int] = {}
        final: list[str] = []
        oldest = self._clock() - REPEATS_SETTLED_S
        for name, value in self._client.hscan_iter(SUPPRESSED_KEY, count=1000):
            event_id = name.decode()
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
        removed = enforce(self._store, self._evidence, self._retention, self._clock(), self._clips)
        self._situations.purge(self._clock() - self._retention.events_days * DAY_S)
        if self._samples is not None:
            self._samples.forget(self._clock() - self._retention.samples_days * DAY_S)
        self._counts["purged"] += removed.stored.events
        log.info(
            "retention_enforced",
            events=removed.stored.events,
            alarms=removed.stored.alarms,
            pictures=removed.pictures,
            clips=removed.clips,
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
            recovered += self._store_each(decode(found)).stored
            after = found[-1][0].decode()
        if recovered:
            log.warning("events_recovered", count=recovered)

    def _take(self, entries: Sequence[Entry]) -> None:
        """Store, then acknowledge."""
        if not entries:
            return
        started = self._monotonic()
        decoded = decode(entries)
        done = self._store_each(decoded)
        dead = [*decoded.dead, *done.refused]
        self._bury(entries, dead)
        self._client.xack(EVENTS_KEY, GROUP, *(entry_id for entry_id, _ in entries))
        told = {
            "entries": len(entries),
            "stored": done.stored,
            "recognised": done.recognised,
            "updates": done.updates,
            "alarms": decoded.alarms,
            "clips": done.clips,
            "dead": len(dead),
        }
        for name, number in told.items():
            self._counts[name] += number
        took_s = self._monotonic() - started
        if took_s > SLOW_S:
            log.warning("historian_slow", entries=len(entries), took_s=round(took_s, 2))

    def _take_suspects(self) -> None:
        """What was given to us again and again and never acknowledged: maybe it is what ended us."""
        while True:
            given = self._client.xpending_range(EVENTS_KEY, GROUP, "-", "+", BATCH, self._consumer)
            often = [each for each in cast("list[dict[str, Any]]", given) if each["times_delivered"] >= TRIES]
            if not often:
                return
            for each in often:
                entry_id = each["message_id"]
                tried_alone = each["times_delivered"] - TRIES
                # Counts one more delivery, before it is tried.
                claimed = cast("list[Entry]", self._client.xclaim(EVENTS_KEY, GROUP, self._consumer, 0, [entry_id]))
                if tried_alone < TRIES:
                    self._take(claimed)
                    continue
                self._bury(claimed, [(entry_id.decode(), f"ended the historian {tried_alone} times")])
                self._client.xack(EVENTS_KEY, GROUP, entry_id)
                self._counts["entries"] += 1
                self._counts["dead"] += 1

    def _store_each(self, decoded: Decoded) -> _Done:
        """Store all, or, where one of them cannot be stored, each by itself."""
        try:
            return self._store_all(decoded)
        except (DBAPIError, ArithmeticError, ValueError, TypeError) as error:
            if isinstance(error, DBAPIError) and not refuses(error):
                raise
        done = _Done()
        for one in decoded.each():
            for attempt in range(1, TRIES + 1):
                try:
                    done.add(self._store_all(one))
                    break
                except (DBAPIError, ArithmeticError, ValueError, TypeError) as error:
                    if isinstance(error, DBAPIError) and not refuses(error):
                        raise
                    if attempt == TRIES:
                        refused = isinstance(error, DBAPIError)
                        why = "refused by the database" if refused else f"cannot be stored: {type(error).__name__}"
                        done.refused.append((one.first_id, why))
        return done

    def _store_all(self, decoded: Decoded) -> _Done:
        arrived = [(arrived_at(stream_id), event) for stream_id, event in decoded.events]
        stored = self._store.append(decoded.events, {event.id: at for at, event in arrived if suspect(event, at)})
        self._situations.begin(arrived, self._clock())
        self._situations.apply([told for _, told in decoded.updates])
        self._follow({told.event_id for _, told in decoded.updates})
        if self._clips is not None:
            self._clips.append([told for _, told in decoded.evidence])
        return _Done(stored, len(decoded.events) - stored, len(decoded.updates), len(decoded.evidence))

    def _follow(self, event_ids: Iterable[str]) -> None:
        """Alarms return to normal with their situations. Walls are told; one that is not learns it when it loads."""
        ends = [(row.event_id, row.ended_at) for row in self._situations.of(event_ids).values()]
        for change in self._alarms.follow(ends):
            self._client.xadd(EVENTS_KEY, {"type": "alarm", "data": change.model_dump_json()})

    def _bury(self, entries: Iterable[Entry], dead: Sequence[tuple[str, str]]) -> None:
        contents = {entry_id.decode(): fields or {} for entry_id, fields in entries}
        for stream_id, reason in dead:
            log.error("entry_dead", stream_id=stream_id, reason=reason)
            record = {**contents[stream_id], b"stream_id": stream_id.encode(), b"reason": reason.encode()}
            self._client.xadd(DEAD_KEY, cast("dict[_Field, _Field]", record), maxlen=DEAD_KEPT)


@dataclass(slots=True)
class _Done:
    """What a batch came to. ``refused``: stream ids with the reason."""

    stored: int = 0
    recognised: int = 0
    updates: int = 0
    clips: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: _Done) -> None:
        self.stored += other.stored
        self.recognised += other.recognised
        self.updates += other.updates
        self.clips += other.clips
