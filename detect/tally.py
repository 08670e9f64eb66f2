"""What the threads of the detection stage count together."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from math import inf

_REPEAT_LOG_S = 10.0
_BOUNDS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts[i]`` observations were at most ``bounds_s[i]`` (not cumulative); the last of ``counts`` is the rest."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float

    def quantile_since(self, earlier: Histogram, share: float) -> float | None:
        """The bound under which at least ``share`` of the observations since ``earlier`` lie, seconds.

        ``None`` without any; infinite where they lie beyond the last bound.
        """
        counts = [now - before for now, before in zip(self.counts, earlier.counts, strict=True)]
        wanted = share * sum(counts)
        if not wanted:
            return None
        below = accumulate(counts)
        return next(bound for bound, n in zip((*self.bounds_s, inf), below, strict=True) if n >= wanted)


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """``wait``: from capture to the start of inference. ``inference``: letterbox to NMS, of several pictures in one run
    each one's share. ``errors``: frames by step. ``splits``: runs of several that failed and were tried one by one.

    ``busy_s``: what all threads together spent on frames, rules included. ``sessions``: threads now.
    """

    sessions: int
    busy_s: float
    analysed: int
    errors: dict[str, int]
    splits: int
    wait: Histogram
    inference: Histogram


@dataclass(frozen=True, slots=True)
class Failure:
    """``repeats``: how many alike were kept silent since the last line; ``None`` where this one is silent too."""

    in_row: int
    repeats: int | None


class _Timings:
    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(_BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    def histogram(self) -> Histogram:
        return Histogram(_BOUNDS_S, tuple(self._counts), self._sum_s)


class Tally:
    """What the threads count together."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._analysed = 0
        self._busy_s = 0.0
        self._errors = {"detect": 0, "result": 0}
        self._wait, self._inference = _Timings(), _Timings()
        self._splits = 0
        self._in_row = 0
        self._last_error: str | None = None
        self._silent: dict[tuple[str, str], tuple[float, int]] = {}

    def succeeded(self, wait_s: float, inference_s: float) -> None:
        with self._lock:
            self._analysed += 1
            self._in_row = 0
            self._wait.add(wait_s)
            self._inference.add(inference_s)

    def spent(self, seconds: float) -> None:
        with self._lock:
            self._busy_s += seconds

    def failed(self, camera_id: str, step: str, text: str) -> Failure:
        now = self._monotonic()
        with self._lock:
            self._errors[step] += 1
            self._in_row += 1
            self._last_error = f"camera {camera_id}, step {step}: {text}"
            return Failure(self._in_row, self._repeats((camera_id, step), now))

    def split(self, seconds: float) -> int | None:
        """A run of several pictures failed after so long; gives ``repeats`` as :class:`Failure` has it."""
        now = self._monotonic()
        with self._lock:
            self._splits += 1
            self._busy_s += seconds
            return self._repeats(("", "batch"), now)

    def _repeats(self, kind: tuple[str, str], now: float) -> int | None:
        """With the lock held."""
        told_at, repeats = self._silent.get(kind, (None, 0))
        if told_at is not None and now - told_at < _REPEAT_LOG_S:
            self._silent[kind] = told_at, repeats + 1
            return None
        self._silent[kind] = now, 0
        return repeats

    def failing(self) -> tuple[int, str | None]:
        with self._lock:
            return self._in_row, self._last_error if self._in_row else None

    def metrics(self, sessions: int) -> StageMetrics:
        with self._lock:
            return StageMetrics(
                sessions=sessions,
                busy_s=self._busy_s,
                analysed=self._analysed,
                errors=dict(self._errors),
                splits=self._splits,
                wait=self._wait.histogram(),
                inference=self._inference.histogram(),
            )
