"""The thread of a worker that brings its candidates to the bus, and keeps them while the bus is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from redis import RedisError

from alerts.bus import EventBus, Outcome
from alerts.delivery.backoff import Backoff
from alerts.delivery.outbox import Outbox
from alerts.event import Candidate

log = structlog.get_logger(__name__)

BOUND = 10_000
BATCH = 256

MARGIN_S = 0.5
"""A window counts as open here for so much less than in Redis: a guess that errs costs a picture too many, not one too
few."""


class Publisher:
    """Sends batches in order and sends a batch again until it has arrived. Any thread may :meth:`submit`.

    ``on_outcome`` is called on the publishing thread for each candidate that arrived, with what became of it (its
    snapshot may be superfluous); it must not raise. ``clock`` is monotonic seconds. A fault of Redis, whichever, is
    waited out: what waits is kept up to ``bound`` candidates, beyond which the oldest of the least severe goes,
    counted and logged.
    """

    def __init__(
        self,
        bus: EventBus,
        *,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        bound: int = BOUND,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._on_outcome = on_outcome
        self._outbox = Outbox(bound)
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._stopped = threading.Event()
        self._submitting = threading.Lock()
        self._open_until: dict[str, float] = {}
        self._counts = dict.fromkeys(
            ("submitted", "published", "merged", "recognised", "failures", "dropped_overflow"), 0
        )

    def submit(self, candidates: Sequence[Candidate]) -> None:
        """Take candidates, in order; never waits for Redis."""
        dropped = self._outbox.put(candidates)
        with self._submitting:
            self._counts["submitted"] += len(candidates)
            self._counts["dropped_overflow"] += len(dropped)
        if dropped:
            log.error(
                "events_dropped", count=len(dropped), ids=[c.event.id for c in dropped], waiting=len(self._outbox)
            )

    def likely_repeat(self, dedup_key: str) -> bool:
        """Whether the window of this happening is surely open, so that a picture of it would be thrown away."""
        return self._clock() < self._open_until.get(dedup_key, 0.0)

    def run(self) -> None:
        """Publish until :meth:`stop`; the body of the thread."""
        while self._outbox.wait() and not self._stopped.is_set():
            self._publish_once()

    def stop(self, flush_s: float) -> int:
        """Let what waits be sent for up to ``flush_s``, then end :meth:`run`; returns how many were left unsent."""
        self._outbox.close()
        self._outbox.wait_empty(flush_s)
        self._stopped.set()
        left = len(self._outbox)
        if left:
            log.error("events_unsent_at_stop", count=left)
        return left

    def counters(self) -> dict[str, int]:
        """Since the start: submitted = published + merged + dropped_overflow + waiting. ``recognised`` counts replies
        about candidates that had arrived before, ``failures`` batches that did not get a reply."""
        return {**self._counts, "waiting": len(self._outbox)}

    def _publish_once(self) -> None:
        batch = self._outbox.take(BATCH)
        sent_at = self._clock()
        try:
            outcomes = self._bus.publish(batch)
        except RedisError as error:
            self._counts["failures"] += 1
            wait_s = self._backoff.wait_s()
            # The text of a pipeline's error repeats the whole command: its kind is enough.
            log.warning("bus_away", error=type(error).__name__, waiting=len(self._outbox), retry_s=round(wait_s, 2))
            self._stopped.wait(wait_s)
            return
        self._backoff.reset()
        self._take_in(outcomes, sent_at)
        self._outbox.confirm()

    def _take_in(self, outcomes: Iterable[Outcome], sent_at: float) -> None:
        for outcome in outcomes:
            published = outcome.stream_id is not None
            self._counts["published" if published else "merged"] += 1
            self._counts["recognised"] += outcome.again
            if published and not outcome.again:
                self._open_until[outcome.candidate.dedup_key] = sent_at + outcome.candidate.window_s - MARGIN_S
            self._on_outcome(outcome)
