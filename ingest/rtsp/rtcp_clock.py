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
_STEADY_FOR_S = 0.3


class RtcpClock:
    """Offset estimator of one session's clock. Seconds throughout; camera time is UTC by the camera's own clock.

    RTP time alone serves as well: it says when pictures were taken after one another, and nobody's hour.

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
        self._calm: tuple[float, float] | None = None  # since when the smallest delay has not fallen, and what it was
        self._calm_pictures = 0
        self.settled = False
        """Whether the smallest delay has stopped falling: for four pictures, or 0.3 s.

        A camera that begins with its current GOP sends old pictures in a burst: each is late by less than the one
        before, and until the last of them the smallest delay seen is not the shortest way. What :meth:`to_server` says
        until then is the latest that it can have been.
        """
        self.steps = 0

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
        self._calm = None
        self.settled = False
        self.steps += 1

    def _note(self, arrived_at: float, offset: float) -> None:
        if self._buckets and arrived_at - self._buckets[-1][0] < _BUCKET_S:
            begun, smallest = self._buckets[-1]
            self._buckets[-1] = (begun, min(smallest, offset))
        else:
            self._buckets.append((arrived_at, offset))
            while arrived_at - self._buckets[0][0] > self._window_s:
                self._buckets.popleft()
        self._minimum = min(smallest for _, smallest in self._buckets)
        if not self.settled:
            self._settle(arrived_at, self._minimum)
        if self._first is None and arrived_at - self._buckets[0][0] >= self._window_s - _BUCKET_S:
            self._first = (arrived_at, self._minimum)

    def _settle(self, arrived_at: float, minimum: float) -> None:
        if self._calm is None or minimum < self._calm[1] - _STEADY_S:
            self._calm, self._calm_pictures = (arrived_at, minimum), 0
            return
        self._calm_pictures += 1
        self.settled = self._calm_pictures >= _STEADY_PICTURES or arrived_at - self._calm[0] >= _STEADY_FOR_S
