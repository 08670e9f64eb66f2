"""Pictures of a stream put together to GOPs, each of which becomes one fragment on disk."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.packet import TIMESCALE, AccessUnit

MOST_PICTURES = 1000
MOST_BYTES = 32 * 1024 * 1024
"""A GOP beyond this is cut, so that neither memory nor what a kill may cost grows with a camera's settings."""

_LONGEST_STEP = 2 * TIMESCALE


@dataclass(frozen=True, slots=True)
class Gop:
    """Pictures in the order of decoding, at least one; ``durations`` in 90 kHz ticks. The first is a key frame, except
    where a GOP was cut."""

    units: tuple[AccessUnit, ...]
    durations: tuple[int, ...]

    @property
    def key(self) -> bool:
        """Whether decoding can begin here."""
        return self.units[0].keyframe

    @property
    def begins_at(self) -> float:
        """Capture time of the first picture, UTC epoch s."""
        return self.units[0].captured_at

    @property
    def ends_at(self) -> float:
        """When its last picture has been shown, UTC epoch s."""
        return self.begins_at + sum(self.durations) / TIMESCALE

    @property
    def size(self) -> int:
        """Bytes of picture data."""
        return sum(unit.size for unit in self.units)


class GopAssembler:
    """One stream's pictures, one after the other."""

    def __init__(self) -> None:
        self._units: list[AccessUnit] = []
        self._expected = 0
        self._bytes = 0

    def add(self, unit: AccessUnit, duration: int) -> Gop | None:
        """The GOP that this picture ends, by beginning the next. ``duration``: expected, 90 kHz."""
        ended = None
        full = len(self._units) >= MOST_PICTURES or self._bytes >= MOST_BYTES
        if self._units and (unit.keyframe or full or unit.parameters != self._units[-1].parameters):
            ended = self._end(unit.dts)
        self._units.append(unit)
        self._bytes += unit.size
        self._expected = duration
        return ended

    def flush(self) -> Gop | None:
        """What there is, where nothing follows for now."""
        return self._end(None) if self._units else None

    @property
    def last_arrived_at(self) -> float | None:
        """When the last picture that waits came, UTC epoch s; ``None`` where none does."""
        return self._units[-1].arrived_at if self._units else None

    def _end(self, next_dts: int | None) -> Gop:
        steps = [b.dts - a.dts for a, b in zip(self._units, self._units[1:], strict=False)]
        step = 0 if next_dts is None else next_dts - self._units[-1].dts
        # Over a hole the last picture does not stand still until the next: what is missing shall be seen to be missing.
        steps.append(step if 0 < step <= _LONGEST_STEP else self._expected)
        gop = Gop(tuple(self._units), tuple(steps))
        self._units, self._bytes = [], 0
        return gop
