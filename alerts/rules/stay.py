"""Stays of tracks about a place, carried over where one track ends and the next begins at the same spot. Pure.

A tracker loses who is hidden for some seconds and finds a new track afterwards. Of two tracks of one kind that follow
each other at one spot, the second is taken for the first going on: it says that somebody has been there, not who.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from alerts.rules.base import AWAITED_S, FORGET_S, KEPT_S, Ongoing, Sighting


class Stay:
    """One stay: since when, its newest sighting and when that was (UTC epoch s), how many, and whether it was found."""

    __slots__ = ("at", "last", "reported", "sightings", "since")

    def __init__(self, sighting: Sighting, at: float) -> None:
        self.since = self.at = at
        self.last = sighting
        self.sightings = 0
        self.reported = False

    def see(self, sighting: Sighting, at: float) -> None:
        """Another sighting that belongs to it."""
        self.last, self.at = sighting, at
        self.sightings += 1

    @property
    def lasted(self) -> float:
        """Seconds up to the newest sighting."""
        return self.at - self.since


S = TypeVar("S", bound=Stay)


class Stays(Generic[S]):
    """The stays of one place by track. ``absence_s``: of observed time after which a stay that is not seen is over."""

    def __init__(self, absence_s: float, near: Callable[[Sighting, Sighting], bool]) -> None:
        self._absence_s = max(absence_s, AWAITED_S)
        self._near = near
        self._stays: dict[int, S] = {}
        self._at = float("-inf")

    def begin(self, at: float) -> None:
        """A frame comes. What was found before a gap in the observation is kept, since nobody saw it end."""
        gap = at - self._at
        if FORGET_S < gap <= KEPT_S:
            for stay in self._stays.values():
                stay.at += gap if stay.reported else 0
        self._at = at
        self._stays = {
            track: stay for track, stay in self._stays.items() if 0 <= at - stay.at <= self._absence_s
        }  # a stay in the future is of a clock that was set back

    def of(self, sighting: Sighting, present: Collection[int]) -> S | None:
        """The stay of this track, or of one that is not on the frame and was last seen near; None: it is a new one."""
        if (mine := self._stays.get(sighting.id)) is not None:
            return mine
        gone = [
            (stay.at, track)
            for track, stay in self._stays.items()
            if track not in present and stay.last.seen.label == sighting.seen.label and self._near(stay.last, sighting)
        ]
        if not gone:
            return None
        stay = self._stays[sighting.id] = self._stays.pop(max(gone)[1])
        return stay

    def put(self, track: int, stay: S) -> None:
        """A new stay of the track."""
        self._stays[track] = stay

    def end(self, track: int) -> None:
        """The track's stay is over, if it had one."""
        self._stays.pop(track, None)

    @property
    def reported(self) -> frozenset[int]:
        """The tracks whose stays were found and last."""
        return frozenset(track for track, stay in self._stays.items() if stay.reported)

    @property
    def pending(self) -> bool:
        """Whether a stay that was seen lately may yet be found."""
        return any(not stay.reported and self._at - stay.at <= AWAITED_S for stay in self._stays.values())

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        """All that were found as one happening, measured by the longest stay, s."""
        found = [stay.lasted for stay in self._stays.values() if stay.reported]
        return (Ongoing((), round(max(found), 3), self.reported),) if found else ()
