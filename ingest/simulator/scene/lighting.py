"""Night: lamps' pools of light on the ground, and vehicles' headlights."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.scene.actor import Actor, beam_of
from ingest.simulator.scene.brush import Colour, Image
from ingest.simulator.scene.route import Pose
from ingest.simulator.scene.view import NEAR, Pixel, View

_COARSE = 4  # light is soft: a quarter of the size is enough
_AMBIENT = np.array([0.42, 0.33, 0.29], np.float32)  # BGR, a share of the day's
_LAMP = np.array([0.34, 0.52, 0.62], np.float32)
_BEAM = np.array([52, 74, 82], np.float32)
_POOL_M = 5.0


@dataclass(frozen=True)
class Illumination:
    """``field`` is float32 ``(h / 4, w / 4, 3)``: what the day's colours are multiplied by."""

    field: NDArray[np.float32]

    def at(self, view: View, x: float, z: float) -> Colour:
        """On the ground at ``(x, z)``; beside the picture, that of its edge."""
        height, width = self.field.shape[:2]
        camera = view.to_camera(np.array([[x, 0.0, z]]))
        across, down = view.to_pixels(camera)[0] if camera[0, 2] >= NEAR else (view.width / 2, float(view.height_px))
        row, column = int(np.clip(down / _COARSE, 0, height - 1)), int(np.clip(across / _COARSE, 0, width - 1))
        b, g, r = self.field[row, column] * 1.1
        return float(b), float(g), float(r)


def illuminate(image: Image, view: View, lamps: tuple[tuple[float, float], ...]) -> Illumination:
    """Turn the day's picture into the night's, in place."""
    height, width = image.shape[:2]
    pools = np.zeros((height // _COARSE, width // _COARSE), np.float32)
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    for x, z in lamps:
        for share in (1.0, 0.72, 0.45):
            ring = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1) * _POOL_M * share + np.array((x, 0.0, z))
            pixels = view.polygon(ring)
            if pixels is not None:
                disc = np.zeros_like(pools)
                cv2.fillPoly(disc, [_coarse(pixels)], 0.34)
                pools += disc
    pools = np.clip(cv2.GaussianBlur(pools, (0, 0), 8), 0, 1.1).astype(np.float32)
    field = (_AMBIENT + pools[:, :, None] * _LAMP).astype(np.float32)
    full = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    image[:] = np.clip(image.astype(np.float32) * full, 0, 255).astype(np.uint8)
    return Illumination(field)


def add_headlights(image: Image, view: View, actors: list[tuple[Actor, Pose]]) -> None:
    """Lighten the road before each vehicle."""
    height, width = image.shape[:2]
    glow: NDArray[np.uint8] = np.zeros((height // _COARSE, width // _COARSE), np.uint8)
    beams = [beam for actor, pose in actors if (beam := beam_of(view, actor, pose)) is not None]
    if not beams:
        return
    for beam in beams:
        cv2.fillConvexPoly(glow, _coarse(beam), 255)
    soft = cv2.blur(glow, (15, 9))
    colour = (soft[:, :, None] * (_BEAM / 255)).astype(np.uint8)
    cv2.add(image, cv2.resize(colour, (width, height), interpolation=cv2.INTER_LINEAR), dst=image)


def _coarse(pixels: list[Pixel]) -> NDArray[np.int32]:
    scaled = np.array(pixels) / _COARSE
    return np.rint(np.clip(scaled, -9999, 9999)).astype(np.int32)
