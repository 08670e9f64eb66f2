"""Jumping clocks and changing sizes: what a stream should not do while it runs. Pure; one clock, seconds."""

from __future__ import annotations

from collections import deque


class JumpJudge:
    """Jumping: at least ``jumps`` within ``within_s``; ``calm_s`` without one ends it.

    One jump alone is a clock being set.
    """

    def __init__(self, jumps: int = 2, within_s: float = 20.0, calm_s: float = 8.0) -> None:
        self._least = jumps
        self._within_s = within_s
        self._calm_s = calm_s
        self._seen: deque[float] = deque()
        self._jumping = False

    def note(self, now: float) -> None:
        """The stream's time stamps, or the camera's clock, jumped."""
        self._seen.append(now)

    def jumping(self, now: float) -> bool:
        """Whether it goes on."""
        while self._seen and now - self._seen[0] > self._within_s:
            self._seen.popleft()
        if self._jumping:
            self._jumping = bool(self._seen) and now - self._seen[-1] < self._calm_s
        else:
            self._jumping = len(self._seen) >= self._least
        return self._jumping


class SizeJudge:
    """Resized: pictures of another size than the stream's usual one; after ``adopt_s`` the new size is the usual one.

    Sizes are width and height in pixels.
    """

    def __init__(self, adopt_s: float = 600.0) -> None:
        self._adopt_s = adopt_s
        self._usual: tuple[int, int] | None = None
        self._present: tuple[int, int] | None = None
        self._since = 0.0

    def note(self, now: float, size: tuple[int, int]) -> None:
        """A key frame of this size came."""
        if self._usual is None:
            self._usual = size
        if size != self._present:
            self._present, self._since = size, now
        elif now - self._since >= self._adopt_s:
            self._usual = size

    @property
    def change(self) -> str | None:
        """The change in words, while there is one."""
        if self._usual is None or self._present is None or self._present == self._usual:
            return None
        (width, height), (usual_width, usual_height) = self._present, self._usual
        return f"pictures are {width} x {height} instead of {usual_width} x {usual_height}"
