"""Which of a camera's two streams the detector takes. Pure.

A model sees every picture at the size of its own input, so a stream that fills the input brings all that can be used:
a larger one costs its decoding and brings nothing. Only of a stream that must be enlarged the objects have fewer pixels
than the model could use, and even that does no harm while the smallest object still has enough of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from configs.schema import Camera, ObjectRule
from ingest.frame import StreamName
from models.manifest import Fit, ModelInput

USUAL_SMALLEST = 0.1
"""Share of the picture's height, for a rule that names none: a person is to be detected, by the UK Home Office's "CCTV
Operational Requirements Manual" (28/09, 2009), where he is at least so high."""

LEAST_PX = 16.0
"""Height of an object that enlarging does little harm to. Measured with YOLOX-nano at 416 and YOLOv5n at 640 on people
and vehicles of the photographs of benchmark ``accuracy``, shrunk in steps: with at least so many real pixels a tenth to
a seventh fewer are found than with all that the input takes, with fewer pixels a third to a half fewer. Of what has
less than 16 px of the input itself, one in twenty is found at all."""

WORTH = 1.2
"""Main must bring the smallest object so many times as high: less hardly showed in what was found (as above), and
decoding 1080p costs 36 times what 320x180 does."""


class Size(NamedTuple):
    """Of a stream's pictures, px."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class PixelNeed:
    """``smallest``: the height of the smallest object that counts, as a share of the picture's."""

    input: ModelInput
    smallest: float

    def height_px(self, stream: Size) -> float:
        """Of the smallest object in the model's input, counting no pixel that enlarging makes up."""
        return self.smallest * min(stream.height, stream.height * self._scales(stream)[1])

    def met_by(self, stream: Size) -> bool:
        """Whether a larger stream would be of no use: this one fills the input, or its smallest object is enough."""
        return max(self._scales(stream)) <= 1 or self.height_px(stream) >= LEAST_PX

    def choose(self, sub: Size, main: Size) -> StreamName:
        """Sub where it is enough, or main brings hardly more."""
        if self.met_by(sub) or self.height_px(main) < WORTH * self.height_px(sub):
            return "sub"
        return "main"

    def filling(self, stream: Size) -> Size:
        """The least size of the same shape that fills the input: more would be of no use."""
        x, y = self._scales(stream)
        return Size(math.ceil(stream.width * x), math.ceil(stream.height * y))

    def _scales(self, stream: Size) -> tuple[float, float]:
        """Input px per px of the stream, in x and y."""
        x, y = self.input.width / stream.width, self.input.height / stream.height
        return (x, y) if self.input.fit is Fit.STRETCH else (min(x, y), min(x, y))


def smallest_object(camera: Camera) -> float:
    """Of all rules over objects, as a share of the picture's height."""
    heights = [rule.min_height or USUAL_SMALLEST for rule in camera.rules if isinstance(rule, ObjectRule)]
    return min(heights, default=USUAL_SMALLEST)
