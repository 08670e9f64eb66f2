"""Stuck: packets come, and all pictures are the same. Pure; one clock, seconds.

A camera that looks at a still street has a sensor, and a sensor has noise: the cells of a thumbnail spread over 0.22
grey levels on average between two key frames of a still scene with noise, and over 0.45 between five, at any bit rate
tried. The same picture coded again and again at 2 Mbit/s stays under 0.13. At 100 to 400 kbit/s the encoder's rate
control wavers as much as noise does; there only key frames that are the same byte for byte tell.
"""

from __future__ import annotations

import numpy as np

from ingest.judges.thumbnail import Thumbnail


class StillJudge:
    """Stuck, after ``after_s`` in which thumbnails differed by ``mean`` on average and ``most`` anywhere at most.

    Two key frames must have come meanwhile, since between them an encoder may repeat a quiet picture for the sake of
    its bit rate. Or: key frames were the same bytes for ``same_s``. The first other picture ends it.
    """

    def __init__(
        self, after_s: float = 5.9, mean: float = 0.2, most: int = 3, same_s: float = 5.5, least: int = 3
    ) -> None:
        self._after_s = after_s
        self._mean = mean
        self._most = most
        self._same_s = same_s
        self._least = least
        self._low: Thumbnail | None = None
        self._high: Thumbnail | None = None
        self._since = 0.0
        self._looks = 0
        self._keyframes = 0
        self._fingerprint: int | None = None
        self._same_since = 0.0
        self._same_until = 0.0

    def look(self, now: float, picture: Thumbnail) -> None:
        """A picture was decoded."""
        if self._low is not None and self._high is not None:
            low, high = np.minimum(self._low, picture), np.maximum(self._high, picture)
            spread = high - low
            if int(spread.max()) <= self._most and float(spread.mean()) <= self._mean:
                self._low, self._high = low, high
                self._looks += 1
                return
        self._low = self._high = picture
        self._since = now
        self._looks = 1
        self._keyframes = 0

    def keyframe(self, now: float, fingerprint: int) -> None:
        """A key frame came; ``fingerprint``: of its coded bytes."""
        self._keyframes += 1
        if fingerprint != self._fingerprint:
            self._fingerprint, self._same_since = fingerprint, now
        self._same_until = now

    def stuck(self, now: float) -> bool:
        """Whether the pictures stand still."""
        same_pixels = now - self._since >= self._after_s and self._looks >= self._least and self._keyframes >= 2
        return same_pixels or self._same_until - self._same_since >= self._same_s

    def begin(self, now: float) -> None:
        """A new session: time without pictures is not time with the same picture."""
        self._low = self._high = None
        self._since = now
        self._looks = self._keyframes = 0
        self._fingerprint = None
        self._same_since = self._same_until = now
