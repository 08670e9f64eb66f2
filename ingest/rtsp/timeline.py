"""One continuous timeline for the life of a stream: over reconnections, jumps of RTP time and missing stamps."""

from __future__ import annotations

from ingest.packet import TIMESCALE

_LONGEST_STEP = 2 * TIMESCALE
_SHORTEST_STEP = TIMESCALE // 1000
_NOMINAL = TIMESCALE // 25
_AGREES = TIMESCALE


class Timeline:
    """Maps a session's time stamps (90 kHz) to strictly increasing decoding times.

    A step that no camera makes (backwards, none, or over 2 s while less passed on the wall) is replaced by the time
    that passed on the wall, and counted in ``jumps``.
    """

    def __init__(self) -> None:
        self._dts = 0
        self._source: int | None = None
        self._arrived_at = 0.0
        self._nominal = _NOMINAL
        self._begun = False
        self.jumps = 0

    @property
    def nominal_duration(self) -> int:
        """The latest plausible step, 90 kHz: what the next sample is expected to last."""
        return self._nominal

    def new_session(self) -> None:
        """The source's time stamps begin anew; the wall's time bridges the gap."""
        self._source = None

    def map(self, dts: int | None, pts: int | None, arrived_at: float) -> tuple[int, int]:
        """``(dts, pts)`` on the continuous timeline. ``arrived_at``: seconds on any clock that does not jump."""
        source = dts if dts is not None else pts
        step = self._step(source, arrived_at)
        self._dts += step
        if source is not None:
            self._source = source
        elif self._source is not None:  # a session's first picture may come without a stamp, and says nothing of where
            self._source += step
        self._arrived_at = arrived_at
        self._begun = True
        reorder = pts - dts if pts is not None and dts is not None and 0 <= pts - dts <= _LONGEST_STEP else 0
        return self._dts, self._dts + reorder

    def _step(self, source: int | None, arrived_at: float) -> int:
        if not self._begun:
            return 0
        passed = round((arrived_at - self._arrived_at) * TIMESCALE)
        if source is None and self._source is not None:
            return self._nominal
        if source is not None and self._source is not None:
            step = source - self._source
            if _SHORTEST_STEP <= step <= _LONGEST_STEP:
                self._nominal = step
                return step
            if step > _LONGEST_STEP and abs(step - passed) <= _AGREES:
                return step  # the camera was silent for so long
            self.jumps += 1
        return max(self._nominal, passed)
