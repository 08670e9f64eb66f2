"""Tracks by their anchors: what the rules look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from alerts.rules.geometry import Point
from detect.detection import Tracks


@pytest.fixture
def frame() -> Callable[..., Tracks]:
    """A frame at a time with objects standing at the given points; each is 0.1 wide and 0.2 high."""

    def make(at: float, anchors: Mapping[int, Point], label: str = "person", score: float = 0.9) -> Tracks:
        boxes = [(x - 0.05, y - 0.2, x + 0.05, y) for x, y in anchors.values()]
        return Tracks(
            camera_id="gate-1",
            captured_at=1_790_000_000.0 + at,
            pts_s=at,
            ids=np.array(list(anchors), np.int64),
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(anchors), score, np.float32),
            labels=(label,) * len(anchors),
        )

    return make
