"""The event bus: one atomic step in Redis that merges a repeat or appends the event, whichever it is.

A candidate opens the window of its dedup key and is appended, or, where the window is open, is counted as a repeat of
the event that opened it. What became of a candidate is remembered under its event id for ``REMEMBER_S``: one that is
sent again because the reply was lost gets the same answer, and neither appends nor counts twice, even if its window
has closed meanwhile. (Beyond that the store still recognises the event by its id.)

The keys of one step lie in several slots: a single server, not a Redis cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis
from redis.exceptions import NoScriptError

from alerts.event import Candidate
from alerts.records import AlarmChange

EVENTS_KEY = "xl:events"
DEDUP_PREFIX = "xl:dedup:"
SEEN_PREFIX = "xl:seen:"
SUPPRESSED_KEY = "xl:suppressed"
REMEMBER_S = 3600

# KEYS: dedup, seen, events, suppressed. ARGV: event id, window in ms, remembered for ms, event as JSON.
# Returns {"published", stream id, again} or {"merged", id of the event that holds the window, again}.
PUBLISH = """
local seen = redis.call('GET', KEYS[2])
if seen then
  return {string.match(seen, '^%a+'), string.match(seen, ' (.*)$'), 1}
end
local holder = redis.call('GET', KEYS[1])
if holder then
  redis.call('HINCRBY', KEYS[4], holder, 1)
  redis.call('SET', KEYS[2], 'merged ' .. holder, 'PX', ARGV[3])
  return {'merged', holder, 0}
end
local id = redis.call('XADD', KEYS[3], '*', 'type', 'event', 'data', ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], 'published ' .. id, 'PX', ARGV[3])
return {'published', id, 0}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a candidate: exactly one of ``stream_id`` (published) and ``merged_into`` (an event id) is set.
    ``again`` says that it had been sent before."""

    candidate: Candidate
    stream_id: str | None
    merged_into: str | None
    again: bool


class EventBus:
    """Appends to the event stream. Every failure is a ``redis.RedisError``; what was sent may then be sent again."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._sha: str | None = None

    def publish(self, candidates: Sequence[Candidate]) -> list[Outcome]:
        """Send in order, in one round trip; outcomes in the same order. After an exception some may have been taken:
        send all of them again."""
        if not candidates:
            return []
        try:
            replies = self._send(candidates)
        except NoScriptError:
            # The server was restarted. What had gone through is recognised, and the order stays.
            self._sha = None
            replies = self._send(candidates)
        return [_outcome(candidate, reply) for candidate, reply in zip(candidates, replies, strict=True)]

    def announce(self, change: AlarmChange) -> str:
        """Append the change of an alarm, after the store has it; returns its stream id."""
        reply = self._client.xadd(EVENTS_KEY, {"type": "alarm", "data": change.model_dump_json()})
        return cast("bytes", reply).decode()

    def _send(self, candidates: Sequence[Candidate]) -> list[list[bytes | int]]:
        if self._sha is None:
            self._sha = str(self._client.script_load(PUBLISH))
        pipeline = self._client.pipeline(transaction=False)
        for candidate in candidates:
            event = candidate.event
            pipeline.evalsha(
                self._sha,
                4,
                DEDUP_PREFIX + candidate.dedup_key,
                SEEN_PREFIX + event.id,
                EVENTS_KEY,
                SUPPRESSED_KEY,
                event.id,
                max(1, round(candidate.window_s * 1000)),
                REMEMBER_S * 1000,
                event.model_dump_json(),
            )
        return cast("list[list[bytes | int]]", pipeline.execute())


def _outcome(candidate: Candidate, reply: list[bytes | int]) -> Outcome:
    word, value, again = cast("tuple[bytes, bytes, int]", tuple(reply))
    published = word == b"published"
    return Outcome(
        candidate,
        stream_id=value.decode() if published else None,
        merged_into=None if published else value.decode(),
        again=bool(again),
    )
