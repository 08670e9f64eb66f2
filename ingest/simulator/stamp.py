"""Pictures that tell which one they are: a number burned in as black and white cells, to be read back from a screen.

Two rows of :data:`BITS` cells stand in the picture's top left corner: the number, its highest bit first and white for
one, and below it the same inverted, so that a reader knows when it reads something else. A cell is 1/40 of the width
and 2/45 of the height: one macroblock of 16 pixels at 640 x 360, so that it survives a poor encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.source import Source

BITS: Final = 12
CELL_WIDTH: Final = Fraction(1, 40)
CELL_HEIGHT: Final = Fraction(2, 45)
_BLACK, _WHITE = 24, 228
_CONTRAST = 60


@dataclass(frozen=True, slots=True)
class StampedSource:
    """``source`` with the number of each picture burned in, from 0, modulo 2**BITS, by main's rate."""

    source: Source

    @property
    def title(self) -> str:
        """The source's own."""
        return self.source.title

    def identity(self) -> str:
        """See :class:`ingest.simulator.source.Source`."""
        return f"stamp:1:{BITS}:{self.source.identity()}"

    def pictures(self, fps: Fraction, width: int, height: int) -> Iterator[av.VideoFrame]:
        """See :class:`ingest.simulator.source.Source`."""
        for number, picture in enumerate(self.source.pictures(fps, width, height)):
            planes = np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8)
            stamp(planes, picture.width, picture.height, number)
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")


def stamp(planes: NDArray[np.uint8], width: int, height: int, number: int) -> None:
    """Draw ``number`` into a yuv420p picture ``(height * 3 / 2, width)``, in place."""
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    for row in range(2):
        for column in range(BITS):
            bit = number >> (BITS - 1 - column) & 1
            y1, y2 = (round((row + step) * CELL_HEIGHT * height) for step in (0, 1))
            x1, x2 = (round((column + step) * CELL_WIDTH * width) for step in (0, 1))
            planes[y1:y2, x1:x2] = _WHITE if bit ^ row else _BLACK
            chroma[:, y1 // 2 : y2 // 2, x1 // 2 : x2 // 2] = 128


def read(luma: NDArray[np.uint8]) -> int | None:
    """The number in a picture's luma ``(height, width)``; ``None`` where there is none to be read."""
    height, width = luma.shape
    number = 0
    for column in range(BITS):
        above, below = (_cell(luma, width, height, row, column) for row in range(2))
        if abs(above - below) < _CONTRAST:
            return None
        number = number << 1 | (above > below)
    return number


def _cell(luma: NDArray[np.uint8], width: int, height: int, row: int, column: int) -> float:
    """Mean of the cell's middle."""
    y1, y2 = (round(float((row + part) * CELL_HEIGHT) * height) for part in (Fraction(1, 4), Fraction(3, 4)))
    x1, x2 = (round(float((column + part) * CELL_WIDTH) * width) for part in (Fraction(1, 4), Fraction(3, 4)))
    return float(luma[y1:y2, x1:x2].mean())
