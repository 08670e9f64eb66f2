"""A raised, static CCTV camera: a pinhole over flat ground.

World coordinates in metres: x right, y up, z away from the camera, which stands at ``(0, height, 0)`` and looks along
+z, turned by ``yaw`` and down by ``pitch``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Pixel = tuple[float, float]
NEAR = 1.0


@dataclass(frozen=True)
class View:
    """``fov`` is horizontal; angles in degrees; ``width`` and ``height_px`` in pixels."""

    width: int
    height_px: int
    height: float
    pitch: float
    yaw: float
    fov: float

    @cached_property
    def focal(self) -> float:
        """Pixels."""
        return self.width / 2 / math.tan(math.radians(self.fov) / 2)

    @cached_property
    def _rotation(self) -> Points:
        """Rows: right, down and forward in world coordinates."""
        pitch, yaw = math.radians(self.pitch), math.radians(self.yaw)
        forward = np.array([math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)])
        right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
        return np.stack([right, np.cross(forward, right) * -1, forward])

    def to_camera(self, world: Points) -> Points:
        """``(n, 3)`` world to ``(n, 3)`` camera coordinates: right, down, depth; metres."""
        return (world - (0.0, self.height, 0.0)) @ self._rotation.T

    def to_pixels(self, camera: Points) -> list[Pixel]:
        """``(n, 3)`` camera coordinates, depth > 0, to pixels."""
        scaled = camera[:, :2] / camera[:, 2:] * self.focal + (self.width / 2, self.height_px / 2)
        return [(x, y) for x, y in scaled.tolist()]

    def depth(self, x: float, z: float) -> float:
        """Distance of a point on the ground along the optical axis, metres."""
        return float(self.to_camera(np.array([[x, 0.0, z]]))[0, 2])

    def polygon(self, world: Points) -> list[Pixel] | None:
        """A polygon's pixels, its part behind the camera cut away; ``None`` if nothing is left."""
        return self.clipped(self.to_camera(world))

    def clipped(self, camera: Points) -> list[Pixel] | None:
        """The same for camera coordinates (Sutherland-Hodgman against the near plane)."""
        if float(camera[:, 2].min()) >= NEAR:
            return self.to_pixels(camera)
        kept: list[Points] = []
        for a, b in zip(camera, np.roll(camera, -1, axis=0), strict=True):
            if a[2] >= NEAR:
                kept.append(a)
            if (a[2] >= NEAR) != (b[2] >= NEAR):
                kept.append(a + (b - a) * ((NEAR - a[2]) / (b[2] - a[2])))
        return self.to_pixels(np.array(kept)) if len(kept) >= 3 else None

    @cached_property
    def horizon(self) -> float:
        """Its row, pixels; above the picture if negative."""
        return self.height_px / 2 - self.focal * math.tan(math.radians(self.pitch))
