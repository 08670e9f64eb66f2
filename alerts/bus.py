"""The event bus: one atomic step in Redis that merges a repeat or appends the event, whichever it is.

A candidate opens the window of its dedup key and is appended, or, where the window is open, is counted as a hit of the
event that opened it. What became of a candidate is remembered under its event id for ``REMEMBER_S``: one that is sent
again because the reply was lost gets the same answer, and neither appends nor counts twice, even if its window has
closed meanwhile. (Beyond that the store still recognises the event by its id.)
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis
from redis.exceptions import NoScriptError

from alerts.bus_scripts import PUBLISH, TELL
from alerts.event import Candidate
from alerts.records import AlarmChange

EVENTS_KEY = "xl:events"
DEDUP_PREFIX = "xl:dedup:"
SEEN_PREFIX = "xl:seen:"
SUPPRESSED_KEY = "xl:suppressed"
SITUATIONS_KEY = "xl:situations"
EPOCH_KEY = "xl:epoch"
REMEMBER_S = 7200
STEP = 64
"""Candidates of one script call: it holds up the server for less than a millisecond."""


class BusEmptied(Exception):
    """The server has lost its data since we last saw it: nothing was taken. What is open has to be put back first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a candidate: exactly one of ``stream_id`` (published) and ``merged_into`` (an event id) is set,
    and neither where only its window was put back. ``again``: it had been sent before. ``hits``: merged so far."""

    candidate: Candidate
    stream_id: str | None
    merged_into: str | None
    again: bool
    hits: int = 0


@dataclass(frozen=True, slots=True)
class Telling:
    """How a situation goes on. ``open_until`` (UTC epoch s) for who comes next; ``hold_s`` seconds that Redis keeps the
    window unless told again, 0 closes it. ``update`` and ``state`` are JSON: what to append, what to remember.
    """

    event_id: str
    dedup_key: str
    open_until: float
    hold_s: float
    update: str = ""
    state: str = ""


class EventBus:
    """Appends to the event stream. Failures are ``redis.RedisError``, and then what was sent may be sent again, and
    :class:`BusEmptied`. One thread a bus, but for :meth:`announce`.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._shas: dict[str, str] = {}
        self._epoch = ""

    def publish(self, candidates: Sequence[Candidate]) -> list[Outcome]:
        """Send in order, in one round trip; outcomes in the same order. After an exception some may have been taken:
        send all of them again."""
        if not candidates:
            return []
        steps = [candidates[start : start + STEP] for start in range(0, len(candidates), STEP)]
        replies = self._run(PUBLISH, [self._publish_call(step) for step in steps])
        return [
            _outcome(candidate, word)
            for step, (_, *words) in zip(steps, replies, strict=True)
            for candidate, word in zip(step, words, strict=True)
        ]

    def put_back(self, held: Sequence[tuple[Candidate, float, float, int]]) -> None:
        """Open the windows of events that the store has, where nobody holds them: candidate, open until (UTC epoch s),
        seconds to hold, hits."""
        if not held:
            return
        keys: list[str] = []
        values: list[str | int] = []
        for candidate, until, hold_s, hits in held:
            keys += [DEDUP_PREFIX + candidate.dedup_key, SEEN_PREFIX + candidate.event.id]
            values += [candidate.event.id, 0, round(until * 1000), _milliseconds(hold_s), "", hits]
        self._run(PUBLISH, [(self._publish_keys(keys), self._publish_values(values))])

    def tell(self, changes: Sequence[Telling]) -> None:
        """Append updates, extend or close windows, remember states."""
        if not changes:
            return
        if not self._epoch:
            self._run(PUBLISH, [self._publish_call(())])
        keys = [EPOCH_KEY, EVENTS_KEY, SITUATIONS_KEY, *(DEDUP_PREFIX + change.dedup_key for change in changes)]
        values: list[str | int] = [self._epoch]
        for each in changes:
            hold = _milliseconds(each.hold_s) if each.hold_s > 0 else 0
            values += [each.event_id, each.dedup_key, round(each.open_until * 1000), hold, each.update, each.state]
        self._run(TELL, [(keys, values)])

    def check(self) -> None:
        """Raises :class:`BusEmptied` where what was read from the server just now is not of the epoch that we know."""
        told = cast("bytes | None", self._client.get(EPOCH_KEY))
        known, self._epoch = self._epoch, "" if told is None else told.decode()
        if known not in ("", self._epoch):
            raise BusEmptied

    def states(self) -> list[str]:
        """JSON of the situations that lasted when last told."""
        found = cast("list[bytes]", self._client.hvals(SITUATIONS_KEY))
        return [state.decode() for state in found]

    def announce(self, change: AlarmChange) -> str:
        """Append the change of an alarm, after the store has it; returns its stream id."""
        reply = self._client.xadd(EVENTS_KEY, {"type": "alarm", "data": change.model_dump_json()})
        return cast("bytes", reply).decode()

    def _publish_call(self, candidates: Sequence[Candidate]) -> tuple[list[str], list[str | int]]:
        keys: list[str] = []
        values: list[str | int] = []
        for candidate in candidates:
            event = candidate.event
            keys += (DEDUP_PREFIX + candidate.dedup_key, SEEN_PREFIX + event.id)
            detected, window = round(event.detected_at * 1000), _milliseconds(candidate.window_s)
            values += (event.id, detected, detected + window, window, event.model_dump_json(), 0)
        return self._publish_keys(keys), self._publish_values(values)

    def _publish_keys(self, keys: list[str]) -> list[str]:
        return [EPOCH_KEY, EVENTS_KEY, SUPPRESSED_KEY, *keys]

    def _publish_values(self, values: list[str | int]) -> list[str | int]:
        return [self._epoch, secrets.token_hex(8), REMEMBER_S * 1000, *values]

    def _run(self, script: str, calls: Sequence[tuple[list[str], list[str | int]]]) -> list[list[bytes]]:
        """The replies of all calls, in one round trip. Checks the epoch."""
        try:
            replies = self._send(script, calls)
        except NoScriptError:
            # The server was restarted. What had gone through is recognised, and the order stays.
            self._shas.clear()
            replies = self._send(script, calls)
        epochs = {reply[0].decode() for reply in replies}
        known, self._epoch = self._epoch, epochs.pop()
        if known not in ("", self._epoch) or epochs:
            raise BusEmptied
        return replies

    def _send(self, script: str, calls: Sequence[tuple[list[str], list[str | int]]]) -> list[list[bytes]]:
        if script not in self._shas:
            self._shas[script] = str(self._client.script_load(script))
        sha = self._shas[script]
        if len(calls) == 1:
            keys, values = calls[0]
            return [_listed(self._client.evalsha(sha, len(keys), *keys, *values))]
        pipeline = self._client.pipeline(transaction=False)
        for keys, values in calls:
            pipeline.evalsha(sha, len(keys), *keys, *values)
        return [_listed(reply) for reply in pipeline.execute()]


def _listed(reply: object) -> list[bytes]:
    return [reply] if isinstance(reply, bytes) else cast("list[bytes]", reply)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _outcome(candidate: Candidate, reply: bytes) -> Outcome:
    word, _, value = reply.decode().partition(" ")
    if word in "pP":
        return Outcome(candidate, value, None, again=word == "P")
    holder, _, hits = value.partition(" ")
    return Outcome(candidate, None, holder, again=word == "M", hits=int(hits))
