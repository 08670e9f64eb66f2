"""Situations: the hits of one happening become one event with a start, updates, a peak and an end.

An event opens a situation under its dedup key. It lasts while hits come or its rule says that it goes on, and ends
``LINGER_S`` after the last sign. Hits within the re-arm time from its start, and hits while its rule says that it goes
on, are merged into it and take an end back. While it goes on its window in Redis is held a little ahead, so that a
worker that starts again finds it, and one that is gone leaves no window open.

Pure: ``now`` is monotonic seconds, other times are UTC epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import structlog
from pydantic import ValidationError

from alerts.bus import Outcome, Telling
from alerts.event import Candidate, Plain, SituationUpdate, Suppressed
from alerts.rules.base import Ongoing

log = structlog.get_logger(__name__)

EVERY_S = 3.0
"""Between two updates of a situation."""

SELDOM_S = 60.0
"""Between two updates of one that has lasted for ten minutes; between, a tenth of how long it has lasted."""

LINGER_S = 5.0
"""Without a sign for so long, a situation has ended: rules themselves see past a detector that blinks."""

HOLD_S = 30.0
"""A window is held for so long beyond now: a worker that was killed is back, and has seen again what still lasts."""

HOLD_AT_S = 20.0
"""It is extended when less than this is left of it."""

RETURN_S = 20.0
"""What lasted when a worker ended is given so long to be seen again."""

REVIVED_S = 60.0
"""So long after its end it can go on, where its rule, which had no frames meanwhile, says that it still lasts."""

LISTED = 50
"""Merged hits of a situation that are kept one by one; the others are counted."""

MARGIN_S = 0.5
"""A window counts as open here for so much less than in Redis: a guess that errs costs a picture too many, not one too
few."""


class SituationState(Plain):
    """What Redis remembers of a situation that lasts, for the worker that takes it up. As :class:`SituationUpdate`."""

    v: Literal[1] = 1
    event_id: str
    dedup_key: str
    camera_id: str
    started_at: float
    window_s: float
    crossings: bool
    measured: float
    peak: float
    hits: int
    last_at: float


def readable_states(stored: Iterable[str]) -> list[SituationState]:
    """From JSON; one of another release, whose words this one does not know, is left alone and told."""
    found = []
    for state in stored:
        try:
            found.append(SituationState.model_validate_json(state))
        except ValidationError as error:
            log.warning("situation_unreadable", faults=error.error_count())
    return found


@dataclass(slots=True)
class _Situation:
    """All monotonic: ``closes``, end of the re-arm time; ``seen``, last sign; ``goes_on``, last word of the rule;
    ``told``, last update; ``held``, until when Redis keeps the window. ``lasts``: its end was not told."""

    state: SituationState
    closes: float
    seen: float
    goes_on: float
    told: float
    held: float
    lasts: bool = True
    changed: bool = False
    listed: int = 0
    untold: list[Suppressed] = field(default_factory=list)

    def see(self, now: float, at: float, measured: float, hits: int) -> None:
        """A sign of life with a measure."""
        before = self.state
        peak = max(before.peak, measured)
        self.state = before.model_copy(
            update={"measured": measured, "peak": peak, "hits": hits, "last_at": max(at, before.last_at)}
        )
        self.changed = self.changed or not self.lasts or _told_alike(before) != _told_alike(self.state)
        self.seen, self.lasts = max(now, self.seen), True

    def hold_s(self, now: float) -> float:
        """Seconds for which the window should stay open, as of now."""
        return max(HOLD_S if now - self.goes_on <= LINGER_S else 0.0, self.closes - now)

    def is_open(self, now: float) -> bool:
        """Whether it may still take hits."""
        return self.lasts or now < self.closes

    def to_hold(self, now: float) -> bool:
        """Whether Redis would soon close the window of what goes on."""
        return now - self.goes_on <= LINGER_S and self.held - now < HOLD_AT_S


def _told_alike(state: SituationState) -> tuple[float, float, int]:
    return state.measured, state.peak, state.hits


@dataclass(frozen=True, slots=True)
class Change:
    """One situation's next step: what to tell, and which merged hits it carries."""

    telling: Telling
    state: SituationState
    carried: tuple[str, ...]
    over: bool


class Situations:
    """Those of one worker, by dedup key. Not thread-safe.

    ``clock`` is UTC epoch seconds, for the times that are told.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[str, _Situation] = {}
        self._replaced: list[_Situation] = []
        self._counts = dict.fromkeys(("opened", "found_again", "updates", "ends", "hits", "hits_unlisted"), 0)

    def take(self, outcome: Outcome, now: float) -> bool:
        """What became of a candidate; returns whether it will be carried by a later :class:`Change`."""
        candidate = outcome.candidate
        if outcome.stream_id is not None:
            self._begin(candidate, candidate.event.id, now, hits=0)
            return False
        assert outcome.merged_into is not None
        found = self._open.get(candidate.dedup_key)
        if found is None or found.state.event_id != outcome.merged_into:
            found = self._begin(candidate, outcome.merged_into, now, hits=outcome.hits)
            self._counts["found_again"] += 1
        return self._merge(found, outcome, now)

    def observe(self, ongoing: Mapping[str, Ongoing], at: float, now: float) -> None:
        """What lasts after a frame captured at ``at``, by dedup key."""
        for key, one in ongoing.items():
            found = self._open.get(key)
            if found is not None:
                hits = found.state.hits
                found.see(now, at, max(one.measured, 1 + hits) if found.state.crossings else one.measured, hits)
                found.goes_on = max(now, found.goes_on)

    def due(self, now: float, *, parting: bool = False) -> list[Change]:
        """What is to be told now; once told, give it back to :meth:`told`. Situations that are over are forgotten.

        ``parting``: nobody asks again for a while, so that whatever has changed is told, however lately it was before.
        """
        changes = [self._change(each, now, over=True, tell=True) for each in self._replaced]
        for key, each in list(self._open.items()):
            ends = each.lasts and now - each.seen > LINGER_S
            if not each.is_open(now) and now - each.seen > REVIVED_S and not each.untold:
                del self._open[key]
                continue
            tell = ends or (each.lasts and each.changed and (parting or self._long_untold(each, now)))
            if tell or (each.lasts and each.to_hold(now)):
                changes.append(self._change(each, now, over=ends, tell=tell))
        return changes

    def told(self, change: Change, now: float) -> None:
        """It has arrived."""
        telling = change.telling
        self._counts["ends" if change.over else "updates"] += bool(telling.update)
        self._replaced = [each for each in self._replaced if each.state.event_id != telling.event_id]
        each = self._open.get(telling.dedup_key)
        if each is None or each.state.event_id != telling.event_id:
            return
        each.held = now + telling.hold_s
        if telling.update:
            each.told = now
            carried = set(change.carried)
            each.untold = [hit for hit in each.untold if hit.event.id not in carried]
            each.changed = bool(each.untold) or _told_alike(each.state) != _told_alike(change.state)
        if change.over and now - each.seen > LINGER_S:
            each.lasts = False

    def take_up(self, states: Iterable[SituationState], now: float) -> int:
        """Situations that lasted when an earlier life of this worker ended; how many were not known yet."""
        wall = self._clock()
        before = len(self._open)
        for state in states:
            if state.dedup_key in self._open:
                continue
            closes = now + state.started_at + state.window_s - wall
            sign = now + RETURN_S - LINGER_S
            self._open[state.dedup_key] = _Situation(state, closes, seen=sign, goes_on=sign, told=now, held=now)
            self._counts["found_again"] += 1
        return len(self._open) - before

    def take_back(self, candidate: Candidate, now: float) -> None:
        """An event of an earlier life that the store has, and whose situation nobody remembers: it may still last."""
        if candidate.dedup_key not in self._open:
            found = self._begin(candidate, candidate.event.id, now, hits=0)
            found.seen = found.goes_on = now + RETURN_S - LINGER_S

    def window(self, dedup_key: str, event_id: str, now: float) -> tuple[float, float, int] | None:
        """For a server that lost it: open until (UTC epoch s), seconds to hold, hits; None where nothing is open."""
        found = self._open.get(dedup_key)
        if found is None or found.state.event_id != event_id or not found.is_open(now):
            return None
        hold_s = found.hold_s(now)
        return self._clock() + hold_s, hold_s, found.state.hits

    def is_open(self, dedup_key: str, event_id: str, now: float) -> bool:
        """Whether this event's situation may still take hits, or has something to tell."""
        found = self._open.get(dedup_key)
        return found is not None and found.state.event_id == event_id and (found.is_open(now) or bool(found.untold))

    def likely_repeat(self, dedup_key: str, now: float) -> bool:
        """Whether a hit of this happening would surely be merged."""
        found = self._open.get(dedup_key)
        return found is not None and (now < found.closes - MARGIN_S or now - found.goes_on < LINGER_S)

    def counters(self) -> dict[str, int]:
        """Since the start, and how many last now (``open``)."""
        return {**self._counts, "open": sum(each.lasts for each in self._open.values())}

    def _begin(self, candidate: Candidate, event_id: str, now: float, *, hits: int) -> _Situation:
        event = candidate.event
        before = self._open.get(candidate.dedup_key)
        if before is not None:
            if before.state.event_id == event_id:
                return before
            self._replaced.append(before)
        # A candidate that waited for Redis opened its window when it was found.
        closes = now + candidate.window_s - max(0.0, self._clock() - event.detected_at)
        state = SituationState(
            event_id=event_id,
            dedup_key=candidate.dedup_key,
            camera_id=event.camera_id,
            started_at=event.detected_at,
            window_s=candidate.window_s,
            crossings=event.unit == "crossings",
            measured=event.measured,
            peak=event.measured,
            hits=hits,
            last_at=max(event.occurred_at, event.detected_at),
        )
        found = _Situation(state, closes, seen=now, goes_on=now - LINGER_S - 1, told=now, held=closes)
        self._open[candidate.dedup_key] = found
        self._counts["opened"] += event_id == event.id
        return found

    def _merge(self, found: _Situation, outcome: Outcome, now: float) -> bool:
        event = outcome.candidate.event
        if any(hit.event.id == event.id for hit in found.untold):
            return True
        reason: Literal["window", "ongoing"] = "window" if now < found.closes else "ongoing"
        hits = max(outcome.hits, found.state.hits + (not outcome.again))
        found.see(now, event.detected_at, 1 + hits if found.state.crossings else event.measured, hits)
        self._counts["hits"] += 1
        if found.listed >= LISTED:
            self._counts["hits_unlisted"] += 1
            return False
        found.listed += 1
        # Its picture is removed: the event that it was merged into has one.
        found.untold.append(Suppressed(event=event.model_copy(update={"snapshot": None}), reason=reason))
        return True

    @staticmethod
    def _long_untold(each: _Situation, now: float) -> bool:
        # What lasts long is told less often: a camera that is away for a night is no news every three seconds.
        age = now - each.closes + each.state.window_s
        return now - each.told >= min(max(EVERY_S, age / 10), SELDOM_S)

    def _change(self, each: _Situation, now: float, *, over: bool, tell: bool) -> Change:
        state = each.state
        hold_s = max(0.0, each.closes - now) if over else each.hold_s(now)
        update = ""
        if tell:
            update = SituationUpdate(
                event_id=state.event_id,
                at=self._clock(),
                phase="end" if over else "update",
                measured=state.measured,
                peak=state.peak,
                hits=state.hits,
                ended_at=state.last_at if over else None,
                suppressed=tuple(each.untold),
            ).model_dump_json()
        return Change(
            Telling(
                event_id=state.event_id,
                dedup_key=state.dedup_key,
                open_until=self._clock() + hold_s,
                hold_s=hold_s,
                update=update,
                state="" if over else state.model_dump_json(),
            ),
            state=state,
            carried=tuple(hit.event.id for hit in each.untold) if update else (),
            over=over,
        )
