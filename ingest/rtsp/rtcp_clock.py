"""A camera's RTCP time mapped onto the server's clock (RFC 3550, 6.4.1).

A camera's clock may be wrong by years, but it runs evenly. The smallest difference between arrival and camera time
over a window belongs to the packets that were delayed least; it is the camera's offset plus the shortest way. That
minimum-delay filter is the one of NTP's clock filter (RFC 5905, 10).
"""

from __future__ import annotations

from collections import deque

_BUCKET_S = 1.0
_STEADY_S = 0.01
_STEADY_PICTURES = 4


class RtcpClock:
    """Offset estimator of one session's clock. Seconds throughout; camera time is UTC by the camera's own clock.

    ``window_s``: how far back delays are compared. ``step_s``: a change of offset beyond it, seen for ``confirm``
    pictures without interruption, is a step of the camera's clock, counted in ``steps``; the estimate begins anew.
    """

    def __init__(self, window_s: float = 30.0, step_s: float = 1.0, confirm: int = 10) -> None:
        self._window_s = window_s
        self._step_s = step_s
        self._confirm = confirm
        self._buckets: deque[tuple[float, float]] = deque()
        self._minimum: float | None = None
        self._first: tuple[float, float] | None = None
        self._outside = 0
        self._steady = 0
        self.steps = 0

    @property
    def settled(self) -> bool:
        """Whether the smallest delay has stopped falling.

        A camera that begins with its current GOP sends old pictures in a burst: each is late by less than the one
        before, and until the last of them the smallest delay seen is not the shortest way.
        """
        return self._steady >= _STEADY_PICTURES

    @property
    def camera_ahead_s(self) -> float | None:
        """How far the camera's clock is ahead of the server's (negative: behind); ``None`` before the first picture."""
        return None if self._minimum is None else -self._minimum

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the camera's clock runs, millionths; ``None`` before a minute has passed."""
        if self._first is None or self._minimum is None or not self._buckets:
            return None
        elapsed = self._buckets[-1][0] - self._first[0]
        return None if elapsed < 60 else -(self._minimum - self._first[1]) / elapsed * 1e6

    def to_server(self, camera_time: float, arrived_at: float) -> float:
        """Capture time on the server's clock; never later than the arrival."""
        offset = arrived_at - camera_time
        if self._minimum is not None and abs(offset - self._minimum) > self._step_s:
            self._outside += 1
            if self._outside < self._confirm:
                # Until it is known whether the network or the clock did it, the picture counts as taken on arrival.
                return min(arrived_at, camera_time + self._minimum) if offset > self._minimum else arrived_at
            self._begin_anew()
        self._outside = 0
        self._note(arrived_at, offset)
        return min(arrived_at, camera_time + (self._minimum if self._minimum is not None else offset))

    def _begin_anew(self) -> None:
        self._buckets.clear()
        self._first = None
        self._minimum = None
        self._steady = 0
        self.steps += 1

    def _note(self, arrived_at: float, offset: float) -> None:
        if self._buckets and arrived_at - self._buckets[-1][0] < _BUCKET_S:
            begun, smallest = self._buckets[-1]
            self._buckets[-1] = (begun, min(smallest, offset))
        else:
            self._buckets.append((arrived_at, offset))
            while arrived_at - self._buckets[0][0] > self._window_s:
                self._buckets.popleft()
        before, self._minimum = self._minimum, min(smallest for _, smallest in self._buckets)
        falls = before is None or self._minimum < before - _STEADY_S
        self._steady = 0 if falls and not self.settled else self._steady + 1
        if self._first is None and arrived_at - self._buckets[0][0] >= self._window_s - _BUCKET_S:
            self._first = (arrived_at, self._minimum)
