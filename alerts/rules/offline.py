"""摄像机离线: no picture from a camera."""

from __future__ import annotations

from alerts.rules.base import Finding, Ongoing
from configs.rules import OfflineRule
from ingest.state import Phase, StreamState


class CameraOffline:
    """One finding an outage, once no picture came for ``after_s``; armed again when pictures come.

    The outage began with the last picture, or, where there never was one, when the stream was first seen without. It
    runs through all the phases that follow (stale, connecting, offline, refused): their own ``since`` starts anew at
    each step.
    """

    def __init__(self, rule: OfflineRule) -> None:
        self._rule = rule
        self._lost_at: float | None = None
        self._reported = False
        self._missing_s = 0.0

    @property
    def ongoing(self) -> tuple[Ongoing, ...]:
        return (Ongoing((), self._missing_s, frozenset()),) if self._reported else ()

    def observe_state(self, state: StreamState, now: float) -> list[Finding]:
        if state.phase is Phase.LIVE:
            self._lost_at = None
            self._reported = False
            return []
        if self._lost_at is None:
            self._lost_at = state.since if state.last_picture_at is None else state.last_picture_at
        self._missing_s = round(now - self._lost_at, 3)
        if self._reported or self._missing_s < self._rule.after_s:
            return []
        self._reported = True
        return [
            Finding(
                rule=self._rule,
                occurred_at=self._lost_at,
                measured=self._missing_s,
                limit=self._rule.after_s,
                unit="s",
                fault=None if state.fault is None else state.fault.value,
            )
        ]
