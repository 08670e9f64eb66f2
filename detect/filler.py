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
        self._box: Letterbox | None = None
        self._views: list[NDArray[np.float32]] = []
        self._planes: list[NDArray[np.uint8]] = []
        order = slice(None) if model_input.colour == "bgr" else slice(None, None, -1)
        self._order = range(3)[order]  # of the target's channels, blue first, as pictures come
        values = np.arange(256, dtype=np.float64) * model_input.scale
        self._tables = [
            ((values - model_input.mean[channel]) / model_input.std[channel]).astype(np.float32)
            for channel in self._order
        ]
        self._as_they_are = all(np.array_equal(table, np.arange(256)) for table in self._tables)

    def __call__(self, picture: Picture) -> Letterbox:
        """Fills the target; gives the geometry that takes boxes back to the picture."""
        wanted = self._input
        box = Letterbox.fit(picture.width, picture.height, wanted.width, wanted.height, wanted.fit)
        if box != self._box:
            self._lay_out(box)
        cv2.split(picture.bgr(box.width, box.height), self._planes)
        for plane, table, view in zip(self._planes, self._tables, self._views, strict=True):
            if self._as_they_are:
                np.copyto(view, plane)
            else:
                cv2.LUT(plane, table, dst=view)
        return box

    def _lay_out(self, box: Letterbox) -> None:
        for channel, table in zip(self._order, self._tables, strict=True):
            self._target[channel] = table[self._input.pad]
        lines = slice(box.top, box.top + box.height)
        columns = slice(box.left, box.left + box.width)
        self._views = [self._target[channel, lines, columns] for channel in self._order]
        self._planes = [np.empty((box.height, box.width), np.uint8) for _ in range(3)]
        self._box = box
