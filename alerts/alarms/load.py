"""Alarm load: can the people at the desks still act on what they are shown? Pure functions over stored alarms.

Classes after EEMUA Publication 191, "Alarm systems: a guide to design, management and procurement" (3rd edition, 2013),
which names points, not bands. Here each word reaches from the one before up to its own, the third up to the last:

| long-term average, of one operator | its words | ours |
|---|---|---|
| less than 1 in 10 min (6 an hour) | very likely to be acceptable | acceptable |
| 2 in 10 min (12 an hour) | manageable | manageable |
| 5 in 10 min (30 an hour) | likely to be over-demanding | demanding |
| more than 10 in 10 min (60 an hour) | very likely to be unacceptable | unacceptable |

In the ten minutes after an upset: under 10 should be manageable, 20 to 100 are hard to cope with, more than 100 are
excessive. Floods after ANSI/ISA-18.2. Where several operators share the alarms, each gets their share. The overall
levels of the publication (from overloaded to predictive) are for a plant's alarm system over months: not told here.
Times are UTC epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from alerts.alarms.life import Closing
from alerts.event import EventKind, Plain

WINDOW_S = 600.0
"""All rates of EEMUA 191 are alarms in ten minutes."""

FLOOD_ABOVE = 10
"""A flood begins with more than ten alarms in ten minutes …"""

FLOOD_ENDS_BELOW = 5
"""… and ends when there are fewer than five (ISA-18.2)."""

STANDING_S = 86400.0
WORST = 10

AverageClass = Literal["acceptable", "manageable", "demanding", "unacceptable"]
PeakClass = Literal["manageable", "hard", "excessive"]


@dataclass(frozen=True, slots=True)
class LoadRow:
    """What the figures need of one alarm."""

    at: float
    camera_id: str
    kind: EventKind
    closing: Closing | None


class Flood(Plain):
    """From its first alarm until the rate has fallen."""

    start: float
    end: float
    alarms: int


class Source(Plain):
    """A camera and what it alarms by. ``share`` of all alarms; ``false``: closed as false."""

    camera_id: str
    kind: EventKind
    alarms: int
    share: float
    false: int


class Standing24(Plain):
    """An alarm that is open for more than a day."""

    event_id: str
    camera_id: str
    kind: EventKind
    since: float


class LoadBucket(Plain):
    """Alarms from ``start`` to the next bucket's start."""

    start: float
    alarms: int


class AlarmLoad(Plain):
    """The load from ``since`` to ``until``.

    ``average`` and ``peak`` are alarms in ten minutes for each operator, ``peak_at`` is when the worst ten minutes
    ended. ``flood_share`` is the share of the time. ``false_share`` is of those closed as confirmed or false, null
    where none was. ``standing`` counts, ``longest_standing`` names the oldest ten; both as of ``until``.
    """

    since: float
    until: float
    operators: int
    alarms: int
    per_operator_hour: float
    average: float
    average_class: AverageClass
    peak: float
    peak_at: float | None
    peak_class: PeakClass
    floods: tuple[Flood, ...]
    flood_share: float
    closings: dict[Closing, int]
    false_share: float | None
    sources: tuple[Source, ...]
    standing: int
    longest_standing: tuple[Standing24, ...]
    bucket: Literal["hour", "day"]
    buckets: tuple[LoadBucket, ...]


def average_class(per_ten_minutes: float) -> AverageClass:
    """The word for a long-term average."""
    if per_ten_minutes <= 1:
        return "acceptable"
    if per_ten_minutes <= 2:
        return "manageable"
    return "demanding" if per_ten_minutes <= 10 else "unacceptable"


def peak_class(in_ten_minutes: float) -> PeakClass:
    """The word for the ten minutes after an upset."""
    if in_ten_minutes <= FLOOD_ABOVE:
        return "manageable"
    return "hard" if in_ten_minutes <= 100 else "excessive"


def peak(times: Sequence[float]) -> tuple[int, float | None]:
    """The most alarms in any ten minutes, and when they ended. ``times`` ascend."""
    most, ended, first = 0, None, 0
    for index, at in enumerate(times):
        while at - times[first] >= WINDOW_S:
            first += 1
        if index - first + 1 > most:
            most, ended = index - first + 1, at
    return most, ended


def floods(times: Sequence[float], until: float, operators: int = 1) -> list[Flood]:
    """Periods of more than ten alarms in ten minutes an operator, each until fewer than five. ``times`` ascend."""
    above, below = FLOOD_ABOVE * operators, FLOOD_ENDS_BELOW * operators
    found: list[Flood] = []
    first, began = 0, None
    for index, at in enumerate(times):
        while at - times[first] >= WINDOW_S:
            first += 1
            if began is not None and index - first < below:
                end = times[first - 1] + WINDOW_S
                found.append(Flood(start=times[began], end=end, alarms=bisect_right(times, end) - began))
                began = None
        if began is None and index - first + 1 > above:
            began = first
            if found and times[first] <= found[-1].end:  # it had hardly ended: one flood
                began = bisect_left(times, found.pop().start)
    if began is not None:
        end = min(until, times[-below] + WINDOW_S)
        found.append(Flood(start=times[began], end=end, alarms=len(times) - began))
    return found


def sources(rows: Iterable[LoadRow]) -> tuple[Source, ...]:
    """The ten cameras and kinds that alarm most."""
    rows = tuple(rows)
    counts = Counter((row.camera_id, row.kind) for row in rows)
    false = Counter((row.camera_id, row.kind) for row in rows if row.closing is Closing.FALSE)
    worst = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:WORST]
    return tuple(
        Source(camera_id=camera, kind=kind, alarms=number, share=number / len(rows), false=false[camera, kind])
        for (camera, kind), number in worst
    )


def alarm_load(
    rows: Sequence[LoadRow],
    since: float,
    until: float,
    operators: int,
    starts: Sequence[float],
    bucket: Literal["hour", "day"],
    standing: int,
    longest_standing: Iterable[Standing24],
) -> AlarmLoad:
    """All figures. ``rows`` lie in [since, until) and ascend in time; ``starts`` are the buckets' starts."""
    times = [row.at for row in rows]
    span_s = until - since
    average = len(rows) / operators * WINDOW_S / span_s
    most, peak_at = peak(times)
    flooded = floods(times, until, operators)
    closings = Counter(row.closing for row in rows if row.closing is not None)
    judged = closings[Closing.CONFIRMED] + closings[Closing.FALSE]
    counted = Counter(bisect_right(starts, at) - 1 for at in times)
    return AlarmLoad(
        since=since,
        until=until,
        operators=operators,
        alarms=len(rows),
        per_operator_hour=len(rows) / operators * 3600 / span_s,
        average=average,
        average_class=average_class(average),
        peak=most / operators,
        peak_at=peak_at,
        peak_class=peak_class(most / operators),
        floods=tuple(flooded),
        flood_share=sum(flood.end - flood.start for flood in flooded) / span_s,
        closings={closing: closings[closing] for closing in Closing},
        false_share=closings[Closing.FALSE] / judged if judged else None,
        sources=sources(rows),
        standing=standing,
        longest_standing=tuple(longest_standing),
        bucket=bucket,
        buckets=tuple(LoadBucket(start=start, alarms=counted[index]) for index, start in enumerate(starts)),
    )
