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
_LONGEST_DELAY_S = 30.0
_REMEMBERED_S = 600.0


class RtcpClock:
    """Offset estimator of one camera's clock. Seconds throughout; camera time is UTC by the camera's own clock.

    RTP time alone serves as well: it says when pictures were taken after one another, and nobody's hour.

    ``window_s``: how far back delays are compared. ``step_s``: a change of offset beyond it, seen for ``confirm``
    pictures without interruption, is a step of the camera's clock, counted in ``steps``; the estimate begins anew. If
    pictures only seem to be late, by no more than a network or a busy machine may keep them, it takes ``patience_s``,
    since both look the same and what is late must not pass for new.
    """

    def __init__(
        self, window_s: float = 30.0, step_s: float = 1.0, confirm: int = 10, patience_s: float = 10.0
    ) -> None:
        self._window_s = window_s
        self._step_s = step_s
        self._confirm = confirm
        self._patience_s = patience_s
        self._buckets: deque[tuple[float, float]] = deque()
        self._minimum: float | None = None
        self._first: tuple[float, float] | None = None
        self._outside = 0
        self._outside_since = 0.0
        self._late = False
        self._calm: tuple[float, float] | None = None  # since when the smallest delay has not fallen, and what it was
        self._calm_pictures = 0
        self._calmed = False
        self.steps = 0

    @property
    def settled(self) -> bool:
        """Whether the smallest delay has stopped falling, for four pictures or 0.3 s, and no step is suspected.

        A camera that begins with its current GOP sends old pictures in a burst: each is late by less than the one
        before, and until the last of them the smallest delay seen is not the shortest way. What :meth:`to_server` says
        until then is the latest that it can have been.
        """
        return self._calmed and (not self._outside or self._late)

    def resume(self, at: float) -> None:
        """Another session of the same camera begins: its clock is what it was, unless it has been away for long."""
        if self._minimum is None:
            return
        self._outside = 0
        if self._calmed and at - self._buckets[-1][0] <= _REMEMBERED_S:
            self._buckets = deque([(at, self._minimum)])
        else:
            self._begin_anew()

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
            if not self._outside:
                self._outside_since = arrived_at
            self._outside += 1
            self._late = 0 < offset - self._minimum < _LONGEST_DELAY_S
            if not self._stepped(arrived_at):
                return min(arrived_at, camera_time + self._minimum)
            self._begin_anew()
            self.steps += 1
        self._outside = 0
        self._note(arrived_at, offset)
        return min(arrived_at, camera_time + (self._minimum if self._minimum is not None else offset))

    def _stepped(self, arrived_at: float) -> bool:
        if self._late and arrived_at - self._outside_since < self._patience_s:
            return False
        return self._outside >= self._confirm

    def _begin_anew(self) -> None:
        self._buckets.clear()
        self._first = None
        self._minimum = None
        self._calm = None
        self._calmed = False

    def _note(self, arrived_at: float, offset: float) -> None:
        if self._buckets and arrived_at - self._buckets[-1][0] < _BUCKET_S:
            begun, smallest = self._buckets[-1]
            self._buckets[-1] = (begun, min(smallest, offset))
        else:
            self._buckets.append((arrived_at, offset))
            while arrived_at - self._buckets[0][0] > self._window_s:
                self._buckets.popleft()
        self._minimum = min(smallest for _, smallest in self._buckets)
        if not self._calmed:
            self._settle(arrived_at, self._minimum)
        if self._first is None and arrived_at - self._buckets[0][0] >= self._window_s - _BUCKET_S:
            self._first = (arrived_at, self._minimum)

    def _settle(self, arrived_at: float, minimum: float) -> None:
        if self._calm is None or minimum < self._calm[1] - _STEADY_S:
            self._calm, self._calm_pictures = (arrived_at, minimum), 0
            return
        self._calm_pictures += 1
        self._calmed = self._calm_pictures >= _STEADY_PICTURES or arrived_at - self._calm[0] >= _STEADY_FOR_S
