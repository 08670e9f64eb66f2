"""A span of a recording as one fragmented MP4, whatever files it lies in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.recording.archive import TOLERANCE_S, Archive, Found, init_of, one_init
from alerts.recording.index import Fragment
from ingest.fragments import retimed
from ingest.packet import TIMESCALE


@dataclass(frozen=True, slots=True)
class Playback:
    """``begins_at`` and ``ends_at``: of the fragments, which reach beyond what was asked for; UTC epoch s.

    ``chunks`` opens the files one after the other as it is read; a file that is deleted meanwhile ends it early.
    """

    begins_at: float
    ends_at: float
    chunks: Iterator[bytes]


def play(archive: Archive, camera_id: str, begins_at: float, ends_at: float) -> Playback | None:
    """The recording from ``begins_at`` to ``ends_at``, UTC epoch s; ``None`` where there is none.

    Media time 0 is the first picture. Gaps stay gaps in it; where fragments follow each other it has none. It ends
    where the stream's parameters change (another picture size): what follows is another playback.
    """
    found = [whole for each in archive.find(camera_id, begins_at, ends_at) if (whole := from_key(each)) is not None]
    joined = one_init(found, found[0].fragments[0].begins_at) if found else []
    if not joined:
        return None
    fragments = [fragment for each in joined for fragment in each.fragments]
    ends = max(fragment.ends_at for fragment in fragments)
    return Playback(fragments[0].begins_at, ends, _chunks(joined))


def placed(fragments: Sequence[Fragment]) -> list[int]:
    """Decoding times of the fragments on one timeline that begins with 0, 90 kHz; never back, whatever clocks did."""
    times: list[int] = []
    before: Fragment | None = None
    end = 0
    for fragment in fragments:
        hole_s = 0.0 if before is None else fragment.begins_at - before.ends_at
        at = end + round(hole_s * TIMESCALE) if hole_s > TOLERANCE_S else end
        times.append(at)
        end = at + fragment.duration
        before = fragment
    return times


def from_key(found: Found) -> Found | None:
    """What can be decoded of the fragments."""
    first = next((index for index, each in enumerate(found.fragments) if each.key), None)
    return None if first is None else Found(found.file, found.fragments[first:], found.init_size)


def _chunks(joined: Sequence[Found]) -> Iterator[bytes]:
    yield init_of(joined[0])
    times = iter(placed([fragment for each in joined for fragment in each.fragments]))
    number = 0
    for each in joined:
        try:
            media = each.file.path.open("rb")
        except FileNotFoundError:
            return
        with media:
            for fragment in each.fragments:
                media.seek(fragment.offset)
                number += 1
                yield retimed(media.read(fragment.size), number, next(times))
