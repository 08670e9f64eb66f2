"""Bringing a picture into a model's input: fit, channel order and normalisation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.letterbox import Letterbox
from ingest.frame import Picture
from models.manifest import ModelInput


class InputFiller:
    """Brings pictures into ``target``, float32 ``(3, height, width)``, as the model wants them.

    A pixel has 256 values, so normalisation is a table a channel: one pass from bytes to floats, and none to look up
    where the model wants the bytes as they are. The border is
    written again only when the picture's shape changes, and nothing is allocated but what the picture itself gives.
    """

    def __init__(self, model_input: ModelInput, target: NDArray[np.float32]) -> None:
        self._input = model_input
        self._target = target
        self._size = (0, 0)
        self._box: Letterbox | None = None
        order = slice(None) if model_input.colour == "bgr" else slice(None, None, -1)
        self._order = range(3)[order]  # of the target's channels, blue first, as pictures come
        values = np.arange(256, dtype=np.float64) * model_input.scale
        self._tables = [
            ((values - model_input.mean[channel]) / model_input.std[channel]).astype(np.float32) for channel in range(3)
        ]
        self._as_they_are = all(np.array_equal(table, np.arange(256)) for table in self._tables)
        self._bytes: NDArray[np.uint8] = np.empty((3, 0, 0), np.uint8)
        self._view = target

    def __call__(self, picture: Picture) -> Letterbox:
        """Fills the target; gives the geometry that takes boxes back to the picture."""
        box, size = self._box, (picture.width, picture.height)
        if box is None or size != self._size:
            box = self._lay_out(*size)
        cv2.split(picture.bgr(box.width, box.height), [self._bytes[channel] for channel in self._order])
        if self._as_they_are:
            np.copyto(self._view, self._bytes)
        else:
            for plane, table, view in zip(self._bytes, self._tables, self._view, strict=True):
                cv2.LUT(plane, table, dst=view)
        return box

    def _lay_out(self, width: int, height: int) -> Letterbox:
        wanted = self._input
        box = Letterbox.fit(width, height, wanted.width, wanted.height, wanted.fit)
        for plane, table in zip(self._target, self._tables, strict=True):
            plane[...] = table[wanted.pad]
        self._view = self._target[:, box.top : box.top + box.height, box.left : box.left + box.width]
        self._bytes = np.empty((3, box.height, box.width), np.uint8)
        self._size, self._box = (width, height), box
        return box
