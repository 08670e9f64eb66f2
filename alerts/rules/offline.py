"""摄像机离线: no picture from a camera."""

from __future__ import annotations

from alerts.rules.base import Finding
from configs.schema import OfflineRule
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

    def observe_state(self, state: StreamState, now: float) -> list[Finding]:
        if state.phase is Phase.LIVE:
            self._lost_at = None
            self._reported = False
            return []
        if self._lost_at is None:
            self._lost_at = state.since if state.last_picture_at is None else state.last_picture_at
        missing = now - self._lost_at
        if self._reported or missing < self._rule.after_s:
            return []
        self._reported = True
        return [
            Finding(
                rule=self._rule,
                occurred_at=self._lost_at,
                measured=round(missing, 3),
                limit=self._rule.after_s,
                unit="s",
                fault=None if state.fault is None else state.fault.value,
            )
        ]
