"""When all streams stall at the same moment, the cause is this machine or its network: restart nothing, say so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StallLimits:
    """Seconds, except ``streams``: fewer open streams than that prove nothing."""

    streams: int = 3
    silent_s: float = 1.5
    together_s: float = 1.0
    hold_s: float = 30.0


class StallGuard:
    """Decides from the last packet times of all open sessions; pure, one clock, seconds.

    While :attr:`holding`, no session may be restarted for its silence. It lets go when packets come again, or after
    ``hold_s``, since a cause here that lasts is no reason to leave cameras alone for ever.
    """

    def __init__(self, limits: StallLimits | None = None) -> None:
        self._limits = limits or StallLimits()
        self._since: float | None = None
        self._newest_when_held = 0.0
        self._spent = False
        self.stalls = 0

    @property
    def holding(self) -> bool:
        """Whether a stall of the whole machine is being sat out."""
        return self._since is not None

    def look(self, now: float, last_packets: Collection[float]) -> bool:
        """``last_packets``: of each open session, when its last packet came. Returns :attr:`holding`."""
        newest = max(last_packets, default=now)
        if self._since is not None:
            came_back = newest > self._newest_when_held
            if came_back or not last_packets or now - self._since >= self._limits.hold_s:
                self._since = None
                self._spent = not came_back
            return self.holding
        if now - newest < self._limits.silent_s:
            self._spent = False
            return False
        together = newest - min(last_packets) <= self._limits.together_s if last_packets else False
        if len(last_packets) >= self._limits.streams and together and not self._spent:
            self._since, self._newest_when_held = now, newest
            self.stalls += 1
        return self.holding
