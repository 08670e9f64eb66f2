"""Moved: the camera looks elsewhere than it used to. Pure; one clock, seconds.

Compared is where a picture has edges, not how bright it is. The thumbnail falls into 32 blocks; each is correlated
with the same block of a slowly learnt reference, and the median over the blocks decides: whoever walks or drives past
changes some blocks, a camera that is turned changes all. Measured on eight clips and sixteen scenes: the same view
gives 0.66 and more (crowds that fill the picture apart, which are never judged), the same street by night against its
day 0.54, a view shifted by a twelfth of its width or turned by eight degrees at most 0.49, mostly under 0.3.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.judges.thumbnail import COLUMNS, ROWS, Thumbnail

Edges = NDArray[np.float32]
_BLOCK_COLUMNS, _BLOCK_ROWS = 8, 9
_TEXTURE: Final = 0.15  # spread of log gradients in a block that holds anything to recognise
_LEAST_TEXTURED: Final = 8


def edges(picture: Thumbnail) -> Edges:
    """Logarithm of the gradient's magnitude, ``(36, 64)``: how bright or contrasty the day is hardly matters."""
    grey = picture.astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
    return np.log1p(np.hypot(across, down) / 8).astype(np.float32)


def similarity(reference: Edges, other: Edges) -> float | None:
    """Median correlation over the reference's blocks with texture, -1 to 1; ``None`` where it has too few of them."""
    first, second = _blocks(reference), _blocks(other)
    spread = first.std(axis=1)
    textured = spread > _TEXTURE
    if int(textured.sum()) < _LEAST_TEXTURED:
        return None
    correlation = (first * second).mean(axis=1) / (spread * second.std(axis=1) + 1e-6)
    return float(np.median(correlation[textured]))


def _blocks(values: Edges) -> Edges:
    """Rows of 72 values, one a block, each with mean 0."""
    grid = values.reshape(ROWS // _BLOCK_ROWS, _BLOCK_ROWS, COLUMNS // _BLOCK_COLUMNS, _BLOCK_COLUMNS)
    rows = grid.swapaxes(1, 2).reshape(-1, _BLOCK_ROWS * _BLOCK_COLUMNS)
    return np.asarray(rows - rows.mean(axis=1, keepdims=True), np.float32)


class ViewJudge:
    """Moved, after ``looks`` pictures in a row over ``after_s`` that resemble each other and not the reference.

    The reference is learnt over ``settle`` pictures that resemble each other, and follows the day afterwards, a
    fiftieth a picture. Two pictures like it end the fault; after ``adopt_s`` the new view becomes the reference, since
    by then it was told, and a verdict that cannot end would be worth nothing.
    """

    ALIKE, OTHER, APART = 0.6, 0.42, 0.3

    def __init__(
        self, settle: int = 10, looks: int = 5, after_s: float = 4.0, adopt_s: float = 3600.0, rate: float = 0.02
    ) -> None:
        self._settle = settle
        self._least = looks
        self._after_s = after_s
        self._adopt_s = adopt_s
        self._rate = rate
        self._reference: Edges | None = None
        self._usual = 1.0  # similarity
        self._learnt = 0
        self._previous: Edges | None = None
        self._away = 0
        self._away_since = 0.0
        self._back = 0
        self.moved = False

    @property
    def settled(self) -> bool:
        """Whether there is a reference to judge by."""
        return self._learnt >= self._settle

    def look(self, now: float, picture: Thumbnail) -> None:
        """A picture was decoded, and it shows something."""
        seen, previous = edges(picture), self._previous
        self._previous = seen
        steady = previous is not None and (similarity(previous, seen) or 0.0) >= self.OTHER
        if self._reference is None or not self.settled:
            self._learn_first(seen)
            return
        alike = similarity(self._reference, seen)
        if alike is None:  # learnt in the dark, say
            self._reference, self._learnt = None, 0
            return
        # Where people fill the picture the view never resembles itself much, and has to differ all the more.
        if alike >= min(self.OTHER, self._usual - self.APART):
            self._is_here(seen, alike)
        elif steady:
            self._is_away(now)
        else:
            self._away = 0

    def _learn_first(self, seen: Edges) -> None:
        alike = None if self._reference is None else similarity(self._reference, seen)
        if self._reference is None or alike is None or alike < self.ALIKE:
            self._reference, self._learnt, self._usual = seen, 1, 1.0
            return
        self._learnt += 1
        self._usual += (alike - self._usual) / self._learnt
        self._blend(seen, 1 / self._learnt)

    def _is_here(self, seen: Edges, alike: float) -> None:
        self._away = 0
        self._back += 1
        if self._back >= 2:
            self.moved = False
        if not self.moved:
            self._usual += self._rate * (alike - self._usual)
        if alike >= self.ALIKE and not self.moved:
            self._blend(seen, self._rate)

    def _is_away(self, now: float) -> None:
        if not self._away:
            self._away_since = now
        self._away += 1
        self._back = 0
        if self._away >= self._least and now - self._away_since >= self._after_s:
            self.moved = True
        if self.moved and now - self._away_since >= self._adopt_s:
            self._reference, self._learnt, self._away, self.moved = None, 0, 0, False

    def _blend(self, seen: Edges, rate: float) -> None:
        assert self._reference is not None
        self._reference = self._reference + np.float32(rate) * (seen - self._reference)
