"""Up to when a camera's pictures were looked at, and why no further: "nothing seen" is only said of what was. Pure.

A picture that the packet gate leaves out counts as looked at: the gate watches in its place. All other losses do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.health import Unanalysed
from configs.schema import CameraDetection
from ingest.gating.level import Level
from ingest.ledger import DropCause

PATIENCE_S = 3.0
"""A picture is looked at within a tenth of a second; a machine under load may take one or two."""

_TOLD = {
    DropCause.DETECTOR_ERROR: Unanalysed.DETECTOR_ERROR,
    DropCause.UNDECODABLE: Unanalysed.UNDECODABLE,
    DropCause.SHED: Unanalysed.SHED,
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Pictures since ``since`` (UTC epoch s) were received and not analysed, for ``cause``."""

    cause: Unanalysed
    since: float


class Coverage:
    """One camera's. :meth:`look` is called about once a second by one thread."""

    def __init__(self, wanted: CameraDetection) -> None:
        self._wanted = wanted
        self._covered: float | None = None
        self._received = self._analysed = 0
        self._dropped: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._failing = False

    def look(
        self,
        now: float,
        *,
        live: bool,
        level: Level,
        received: int,
        analysed: int,
        dropped: Mapping[str, int],
        analysed_until: float | None,
    ) -> Gap | None:
        """Judge the counters since the last look. ``analysed_until``: capture time of the newest analysed picture.

        Times are UTC epoch seconds. ``live``: pictures arrive, so that they can be looked at. ``None``: all is well, or
        there is nothing to look at.
        """
        came, looked_at = received - self._received, analysed - self._analysed
        fresh = {cause: count - self._dropped.get(cause, 0) for cause, count in dropped.items()}
        self._received, self._analysed, self._dropped = received, analysed, dict(dropped)
        if not self._wanted.enabled or not live:
            self._covered, self._failing = None, False
            return None
        if looked_at:
            self._failing = False
        elif fresh.get(DropCause.DETECTOR_ERROR):
            self._failing = True
        rests = came > 0 and came == fresh.get(DropCause.GATED) and not self._failing
        reached = now if self._covered is None or rests else min(analysed_until or 0.0, now)
        if self._covered is None or reached > self._covered:
            self._covered, self._lost = reached, {}
        else:
            for cause, count in fresh.items():
                self._lost[cause] = self._lost.get(cause, 0) + count
        late = now - self._covered > self._patience(level)
        return Gap(self._cause(), self._covered) if late else None

    def _patience(self, level: Level) -> float:
        """Overload's lower levels promise a key frame now and then, and say so themselves."""
        wanted = self._wanted
        if level in (Level.KEYFRAMES, Level.FLOOR):
            return wanted.look_every_s + PATIENCE_S
        return PATIENCE_S + 1 / min(wanted.fps, wanted.min_fps)

    def _cause(self) -> Unanalysed:
        """What took most; where nothing that tells was lost, the detector has not answered yet."""
        most = max(_TOLD, key=lambda cause: self._lost.get(cause, 0))
        return _TOLD[most] if self._lost.get(most) else Unanalysed.LATE
