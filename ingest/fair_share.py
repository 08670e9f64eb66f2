"""Whose frame is analysed next: deficit round robin over cameras, by priority, with a minimum for each.

M. Shreedhar and G. Varghese, "Efficient Fair Queueing Using Deficit Round Robin", SIGCOMM 1995. Here a frame costs 1
and a camera's quantum is its promised rate as a share of the greatest promise, so one visit serves at most one frame.
Unlike there, a camera without a frame keeps its deficit: it holds one frame at most, and is without one after every
turn. A deficit stays below one frame, so nobody saves up. Pure; time is passed in.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from configs.schema import Priority

_ALMOST = 1 - 1e-9  # sums of quanta such as 1/3 fall short of one by rounding

RAISED_S = 5.0
"""Seconds. Long enough that what a rule asks for now and then does not turn everybody else's levels each time."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one camera was promised: frames a second, how many of them come before others' promises, its priority."""

    fps: float = 5.0
    min_fps: float = 1.0
    priority: Priority = Priority.NORMAL


class FairShare:
    """First who waits longer than its minimum rate allows, higher ranks first; then turns among the highest rank.

    Over any time in which two cameras of one rank always have a frame waiting, turns over quanta differ by at most
    the turns of one round: ``1 / quantum`` of each, and one visit. Not thread-safe.
    """

    def __init__(self, shares: Mapping[str, Share]) -> None:
        greatest = max((share.fps for share in shares.values()), default=1.0)
        self._shares = dict(shares)
        self._quantum = {camera_id: share.fps / greatest for camera_id, share in shares.items()}
        self._patience = {camera_id: 1 / min(share.fps, share.min_fps) for camera_id, share in shares.items()}
        self._ring = sorted(shares)
        self._next = dict.fromkeys(range(2 * len(Priority)), 0)
        self._deficit = dict.fromkeys(shares, 0.0)
        self._served_at = dict.fromkeys(shares, -math.inf)
        self._raised_at: dict[str, float] = {}

    def __contains__(self, camera_id: object) -> bool:
        return camera_id in self._shares

    def rank(self, camera_id: str, now: float) -> int:
        """Who comes first: the greater. By priority, and within it by whether the camera was raised of late."""
        raised = now - self._raised_at.get(camera_id, -math.inf) < RAISED_S
        return 2 * self._shares[camera_id].priority.rank + raised

    def raise_rank(self, camera_id: str, now: float) -> None:
        """For :data:`RAISED_S` the camera comes before others of its priority."""
        self._raised_at[camera_id] = now

    def choose(self, waiting: Collection[str], now: float) -> str:
        """The camera to serve, out of those with a frame (at least one), at monotonic ``now`` seconds."""
        owed = [each for each in waiting if now - self._served_at[each] >= self._patience[each]]
        if owed:
            chosen = min(owed, key=lambda each: (-self.rank(each, now), self._due(each), each))
        else:
            chosen = self._next_turn(waiting, now)
        self._deficit[chosen] = max(0.0, self._deficit[chosen] - 1)
        self._served_at[chosen] = now
        return chosen

    def _due(self, camera_id: str) -> float:
        return self._served_at[camera_id] + self._patience[camera_id]

    def _next_turn(self, waiting: Collection[str], now: float) -> str:
        ranks = {each: self.rank(each, now) for each in waiting}
        highest = max(ranks.values())
        turns = {each for each, rank in ranks.items() if rank == highest}
        # Rounds in which nobody would be served are gone through at once.
        empty = min(math.ceil((_ALMOST - self._deficit[each]) / self._quantum[each]) for each in turns) - 1
        for each in turns:
            self._deficit[each] += max(0, empty) * self._quantum[each]
        index = self._next[highest]
        while True:
            camera_id = self._ring[index]
            index = (index + 1) % len(self._ring)
            if camera_id in turns:
                self._deficit[camera_id] += self._quantum[camera_id]
                if self._deficit[camera_id] >= _ALMOST:
                    self._next[highest] = index
                    return camera_id
