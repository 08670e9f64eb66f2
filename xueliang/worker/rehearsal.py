"""Rules that are not saved yet, over the live tracks of their camera: what they would find. Nothing is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count

from alerts.pipeline import CameraRules
from configs.schema import Camera, Settings
from detect.detection import Tracks
from xueliang.worker.touch import region_of

EVERY_S = 1.0
"""So often a line says that frames are looked at, although nothing is found."""


class Rehearsal:
    """One camera's. Raises ``ValueError`` where a rule cannot run; fed by one thread at a time."""

    def __init__(
        self, camera: Camera, settings: Settings, model_id: str, clock: Callable[[], float] = time.time
    ) -> None:
        numbers = count(1)
        self._rules = CameraRules(
            camera,
            region_id=region_of(settings, camera),
            calendar=settings.calendar_of(camera),
            model_id=model_id,
            new_id=lambda: f"rehearsed-{next(numbers)}",
            clock=clock,
        )
        self._told_at = float("-inf")

    def observe(self, tracks: Tracks) -> str | None:
        """One analysed frame. A line of JSON: ``at`` (UTC epoch s), ``objects`` seen, those ``alarmed`` (track ids),
        whether a rule waits (``pending``), what was ``found``; ``None`` where there is nothing new to say."""
        found = self._rules.observe(tracks)
        at = tracks.captured_at
        if not found and at - self._told_at < EVERY_S:
            return None
        self._told_at = at
        return json.dumps(
            {
                "at": at,
                "objects": len(tracks.ids),
                "alarmed": sorted(self._rules.alarmed),
                "pending": self._rules.pending,
                "found": [
                    candidate.event.model_dump(
                        mode="json",
                        include={
                            *("rule_id", "rule_name", "kind", "severity", "place_name", "measured", "limit", "unit"),
                            *("lasted_s", "lasted_limit_s", "direction", "fault", "objects"),
                        },
                    )
                    for candidate in found
                ],
            },
            ensure_ascii=False,
        )
