"""The two threads of a worker that bring its candidates to the bus: one keeps them on the disk, one sends.

A candidate goes to the spool first, in batches of one fsync; only then it counts as reported, and is sent. While Redis
is away what memory cannot hold waits in the spool alone, in order. After a start, a failure or a Redis that came back
empty, everything that the spool still holds is sent again before anything new: ids make that harmless.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import structlog
from redis import RedisError

from alerts.bus import REMEMBER_S, BusEmptied, EventBus, Outcome
from alerts.delivery.backoff import Backoff
from alerts.delivery.outbox import Outbox
from alerts.delivery.reported import Reported
from alerts.delivery.spool import Kept, Spool
from alerts.event import Candidate
from alerts.rules.base import Ongoing
from alerts.situations import Change, Situations, readable_states

log = structlog.get_logger(__name__)

BOUND = 10_000
BATCH = 256
LOOK_S = 0.25
"""Between two looks at what situations have to tell."""
STORED_EVERY_S = 1.0
COUNTED = (
    *("submitted", "reported", "published", "merged", "replayed", "recognised", "orphaned"),
    *("failures", "emptied", "dropped_overflow"),
)
CAUGHT_UP_S = 10.0


GAUGES = frozenset({"waiting", "situations_open", "spool_live", "spool_bytes", "spool_segments"})
"""Of the counters, those that may fall."""


class Publisher:
    """Sends batches in order and sends a batch again until it has arrived. Any thread may :meth:`submit` and
    :meth:`observe`.

    ``on_outcome`` is called on the publishing thread for each candidate that arrived, with what became of it (its
    snapshot may be superfluous); it must not raise. ``clock`` is monotonic seconds, ``wall`` UTC epoch seconds. A fault
    of Redis, whichever, is waited out. Without a ``spool``, and where that keeps nothing, up to ``bound`` candidates
    wait in memory, beyond which the oldest of the least severe goes, counted and logged. Situations of ``cameras`` that
    Redis remembers are taken up at the start, and so are those of cameras that are not ``known``, as no settings name
    them any more: they end here, for want of a sign (several workers may tell so). ``None``: none of them is.
    """

    def __init__(
        self,
        bus: EventBus,
        *,
        spool: Spool | None = None,
        stored_up_to: Callable[[], tuple[int, int]] | None = None,
        cameras: Collection[str] = (),
        known: Collection[str] | None = None,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        bound: int = BOUND,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._cameras = frozenset(cameras)
        self._known = None if known is None else frozenset(known)
        self._on_outcome = on_outcome
        self._bound = bound
        self._intake = Outbox(bound)
        self._outbox = Outbox(bound)
        self._overflow: deque[str] = deque()
        self._again: deque[str] = deque()
        self._reported = None if spool is None else Reported(spool, stored_up_to or (lambda: (0, 0)))
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._wall = wall
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._situations = Situations(wall)
        self._unsure = True
        self._sent_until = 0.0
        self._look_at = self._stored_at = float("-inf")
        self._counts = Counter[str](dict.fromkeys(COUNTED, 0))

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates, in order; waits for neither disk nor Redis."""
        first = self._outbox if self._reported is None else self._intake
        dropped = first.put(candidates)
        with self._lock:
            self._counts["submitted"] += len(candidates)
            self._counts["reported"] += len(candidates) if self._reported is None else 0
        self._tell_dropped(dropped)

    def hold(self, cameras: Collection[str], known: Collection[str]) -> None:
        """The cameras whose situations are ours from now on, and all that the settings name."""
        self._cameras, self._known = frozenset(cameras), frozenset(known)

    def observe(self, ongoing: Mapping[str, Ongoing], at: float) -> None:
        """What was found and lasts after a frame captured at ``at`` (UTC epoch seconds), by dedup key."""
        if ongoing:
            with self._lock:
                self._situations.observe(ongoing, at, self._clock())

    def likely_repeat(self, dedup_key: str) -> bool:
        """Whether the window of this happening is surely open, so that a picture of it would be thrown away."""
        with self._lock:
            return self._situations.likely_repeat(dedup_key, self._clock())

    def run(self) -> None:
        """Keep and publish until :meth:`stop`; the body of the thread."""
        keeping = threading.Thread(target=self._keep, name="keep", daemon=True)
        if self._reported is not None:
            keeping.start()
        while not self._stopped.is_set():
            self._refill()
            waits = bool(self._again) or self._outbox.wait(LOOK_S)
            if not waits and self._outbox.closed and not self._overflow:
                break
            self._round()
        self._part()
        if self._reported is not None:
            keeping.join(1.0)

    def stop(self, flush_s: float) -> int:
        """Let what waits be sent for up to ``flush_s``, then end :meth:`run`; returns how many were left unsent and
        lie in no spool."""
        until = self._clock() + flush_s
        self._intake.close()
        self._intake.wait_empty(flush_s)
        self._outbox.close()
        self._outbox.wait_empty(max(0.0, until - self._clock()))
        self._stopped.set()
        left = [*self._intake.waiting(), *self._outbox.waiting()]
        lost = [each for each in left if self._reported is None or not self._reported.holds(each.event.id)]
        if left:
            log.error("events_unsent_at_stop", count=len(lost), in_spool=len(left) - len(lost))
        return len(lost)

    @property
    def trouble(self) -> str | None:
        """Why candidates are not on the disk before they are sent; None while they are."""
        return None if self._reported is None else self._reported.trouble

    def counters(self) -> dict[str, int]:
        """Since the start: submitted = published + merged + dropped_overflow + waiting, without what an earlier life
        left (``replayed``). ``recognised`` counts replies about candidates that had arrived before, ``failures``
        batches that did not get a reply, ``emptied`` how often Redis came back without its data, ``orphaned``
        situations of cameras that are gone."""
        spool = {} if self._reported is None else self._reported.counters()
        with self._lock:
            situations = {f"situations_{name}": value for name, value in self._situations.counters().items()}
            waiting = len(self._intake) + len(self._outbox) + len(self._overflow)
            return {**self._counts, **spool, **situations, "waiting": waiting}

    # --- the keeping thread

    def _keep(self) -> None:
        assert self._reported is not None
        while self._intake.wait():
            batch = self._intake.take(BATCH)
            kept = self._reported.keep(batch)
            # Behind what already waits on the disk alone, so that the order stays.
            over = [c for c in batch if c.event.id in kept and (self._overflow or len(self._outbox) >= self._bound)]
            self._overflow.extend(candidate.event.id for candidate in over)
            there = {candidate.event.id for candidate in over}
            dropped = self._outbox.put([c for c in batch if c.event.id not in there])
            self._overflow.extend(each.event.id for each in dropped if self._reported.holds(each.event.id))
            with self._lock:
                self._counts["reported"] += len(batch)
            self._intake.confirm()
            self._tell_dropped([each for each in dropped if not self._reported.holds(each.event.id)])

    def _refill(self) -> None:
        """From the spool into memory, once there is room."""
        if not self._overflow or len(self._outbox) > 0 or self._reported is None:
            return
        ids = [self._overflow.popleft() for _ in range(min(len(self._overflow), max(1, self._bound // 2)))]
        self._outbox.put(kept.candidate for kept in self._reported.read(ids))

    # --- the publishing thread

    def _round(self) -> None:
        """One step of each kind that is due. What failed is done again."""
        try:
            if self._unsure:
                self._sort_out()
            if self._again:
                self._send_again()
            else:
                self._send()
                if self._caught_up():
                    self._tell()
                self._ask_stored()
            self._backoff.reset()
        except RedisError as error:
            self._counts["failures"] += 1
            self._unsure = True
            wait_s = self._backoff.wait_s()
            # The text of a pipeline's error repeats the whole command: its kind is enough.
            log.warning("bus_away", error=type(error).__name__, waiting=len(self._outbox), retry_s=round(wait_s, 2))
            self._stopped.wait(wait_s)
        except BusEmptied:
            self._counts["emptied"] += 1
            self._unsure = True
            log.error("bus_emptied", action="what the historian had not stored is sent again")

    def _sort_out(self) -> None:
        """At the start and after a failure: take up what Redis remembers, and send again what the spool holds."""
        states = readable_states(self._bus.states())
        known = self._known
        orphans = [state for state in states if known is not None and state.camera_id not in known]
        now = self._clock()
        with self._lock:
            self._situations.take_up([state for state in states if state.camera_id in self._cameras], now)
            self._counts["orphaned"] += self._situations.take_up(orphans, now)
        if self._reported is not None:
            waiting = {candidate.event.id for candidate in self._outbox.waiting()} | set(self._overflow)
            self._again = deque(each for each in self._reported.unsettled() if each not in waiting)
        self._unsure = False

    def _caught_up(self) -> bool:
        """Whether candidates are sent about when they are found. A situation that is told earlier would be held open
        for those that still wait, however long ago they were found."""
        return (len(self._outbox) == 0 and not self._overflow) or self._wall() - self._sent_until < CAUGHT_UP_S

    def _send_again(self) -> None:
        """The next of what the spool holds: windows of what is stored, the rest whole."""
        assert self._reported is not None
        ids = [self._again[index] for index in range(min(BATCH, len(self._again)))]
        found = self._reported.read(ids)
        now = self._clock()
        held = []
        with self._lock:
            for kept in found:
                event = kept.candidate.event
                if kept.stored:
                    if self._reported.adopt(kept):
                        self._situations.take_back(kept.candidate, now)
                    window = self._situations.window(kept.candidate.dedup_key, event.id, now)
                    if window is not None:
                        held.append((kept.candidate, *window))
        self._bus.put_back(held)
        outcomes = self._bus.publish([kept.candidate for kept in found if not kept.stored and not self._is_hit(kept)])
        self._counts["replayed"] += len(outcomes)
        self._take_in(outcomes)
        self._take_in(
            Outcome(kept.candidate, None, kept.merged_into, again=True) for kept in found if self._is_hit(kept)
        )
        for _ in ids:
            self._again.popleft()

    def _is_hit(self, kept: Kept) -> bool:
        """Whether the bus has counted it as a hit and may have forgotten so: it would make an event of it."""
        return kept.merged_into is not None and self._wall() - kept.candidate.event.detected_at > REMEMBER_S / 2

    def _send(self) -> None:
        batch = self._outbox.take(BATCH)
        if batch:
            outcomes = self._bus.publish(batch)
            published = sum(outcome.stream_id is not None for outcome in outcomes)
            self._counts["published"] += published
            self._counts["merged"] += len(outcomes) - published
            self._take_in(outcomes)
            self._outbox.confirm()
            self._sent_until = batch[-1].event.detected_at

    def _take_in(self, outcomes: Iterable[Outcome]) -> None:
        now = self._clock()
        for outcome in outcomes:
            self._counts["recognised"] += outcome.again
            with self._lock:
                carried = self._situations.take(outcome, now)
            if self._reported is not None:
                self._reported.arrived(outcome, carried=carried)
            self._on_outcome(outcome)

    def _part(self) -> None:
        """At the end: what situations have not told yet would lie in the spool alone until somebody starts again."""
        if self._unsure or self._again or not self._caught_up():
            return
        self._look_at = float("-inf")
        try:
            self._tell(parting=True)
        except (RedisError, BusEmptied) as error:
            log.warning("situations_untold_at_stop", error=type(error).__name__)

    def _tell(self, *, parting: bool = False) -> None:
        now = self._clock()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        with self._lock:
            changes = self._situations.due(now, parting=parting)
        for start in range(0, len(changes), BATCH):
            some: list[Change] = changes[start : start + BATCH]
            self._bus.tell([change.telling for change in some])
            with self._lock:
                for change in some:
                    self._situations.told(change, now)
            if self._reported is not None:
                self._reported.told(event_id for change in some for event_id in change.carried)

    def _ask_stored(self) -> None:
        now = self._clock()
        if self._reported is None or now < self._stored_at:
            return
        self._stored_at = now + STORED_EVERY_S

        def over(dedup_key: str, event_id: str) -> bool:
            with self._lock:
                return not self._situations.is_open(dedup_key, event_id, now)

        self._reported.ask_stored(over, self._bus.check)

    def _tell_dropped(self, dropped: Sequence[Candidate]) -> None:
        if dropped:
            with self._lock:
                self._counts["dropped_overflow"] += len(dropped)
            log.error(
                "events_dropped", count=len(dropped), ids=[c.event.id for c in dropped], waiting=len(self._outbox)
            )
