from __future__ import annotations
from enum import StrEnum
from fractions import Fraction
from dataclasses import dataclass
import numpy as np
import cv2


class SceneKind(StrEnum):
    STREET = "street"
    SQUARE = "square"
    MARKET = "market"
    BRIDGE = "bridge"
    YARD = "yard"


class Scene:
    VERSION = 0

    def __init__(self, seed, kind, night, width, height, *, fps=Fraction(25), seconds=20):
        self.w, self.h = width, height
        self.frame_count = int(fps * seconds)

    def frame(self, i):
        im = np.full((self.h, self.w, 3), 60, np.uint8)
        cv2.circle(im, (int(i * 5) % self.w, self.h // 2), 60, (0, 200, 255), -1)
        cv2.putText(im, str(i), (50, 100), 0, 3, (255, 255, 255), 3)
        return im, ()
