"""A decoded picture on its way to the detector, and the pixels behind it.

A frame that is dropped costs nothing but its decoding: pixels are scaled and converted only when a consumer asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

StreamName = Literal["main", "sub"]


class Picture(Protocol):
    """Pixels that can be had at any size. Implementations are immutable and may be read from any thread."""

    @property
    def width(self) -> int:
        """Source pixels."""

    @property
    def height(self) -> int:
        """Source pixels."""

    def bgr(self, width: int, height: int) -> NDArray[np.uint8]:
        """The whole picture, scaled (bilinear) to ``width`` × ``height`` without cropping.

        Returns a new C-contiguous array of shape ``(height, width, 3)``, dtype uint8, BGR.
        """


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    ``pts_s`` is the frame's time on its stream's own timeline, seconds (the timeline of the live fragments).
    ``captured_at`` is UTC epoch seconds on the server's clock: from RTCP where the stream has it, else arrival time;
    ``clock`` says which.
    """

    camera_id: str
    stream: StreamName
    sequence: int
    pts_s: float
    captured_at: float
    clock: Literal["rtcp", "arrival"]
    picture: Picture
