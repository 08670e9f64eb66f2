"""A walking person: an articulated figure in three dimensions, drawn as limbs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ingest.simulator.scene.brush import Brush, Colour, shaded
from ingest.simulator.scene.figures.solid import placed
from ingest.simulator.scene.route import Pose
from ingest.simulator.scene.view import NEAR, Pixel, View

STRIDE = 1.45  # metres for two steps
SHOE: Colour = (45, 42, 40)


@dataclass(frozen=True)
class Look:
    """Colours (BGR), height in metres, and what is carried."""

    top: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    height: float
    bag: Colour | None = None

    @property
    def cloth(self) -> tuple[Colour, Colour, Colour, Colour]:
        """Top, trousers, skin, hair."""
        return self.top, self.trousers, self.skin, self.hair


def draw_person(brush: Brush, view: View, look: Look, pose: Pose) -> None:
    """A person at ``pose``, walking if it moves; nothing if behind the camera."""
    swing = 0.5 * math.sin(pose.travelled / STRIDE * 2 * math.pi) if pose.speed > 0 else 0.0
    h = look.height
    hip, shoulder, head = 0.5 * h, 0.81 * h, 0.925 * h
    points = [(0.0, hip, 0.0), (0.02, shoulder, 0.0), (0.03, head, 0.0)]
    for side in (-1, 1):
        angle = swing * side
        knee = (0.25 * h * math.sin(angle) + 0.03, hip - 0.25 * h * math.cos(angle), 0.085 * side)
        lower = angle - max(0.0, -angle) * 0.7
        foot = (knee[0] + 0.24 * h * math.sin(lower), knee[1] - 0.235 * h * math.cos(lower), 0.085 * side)
        elbow = (-0.17 * h * math.sin(angle), shoulder - 0.03 * h - 0.16 * h, 0.2 * side)
        hand = (elbow[0] - 0.08 * h * math.sin(angle) + 0.05, elbow[1] - 0.14 * h, 0.2 * side)
        points += [(0.0, hip, 0.085 * side), knee, foot, (foot[0] + 0.1, max(0.03, foot[1] - 0.02), foot[2])]
        points += [(0.0, shoulder - 0.02 * h, 0.18 * side), elbow, hand]
    camera = view.to_camera(placed(np.array(points), pose.x, pose.z, pose.heading))
    if float(camera[:, 2].min()) < NEAR:
        return
    p = view.to_pixels(camera)
    scale = view.focal / float(camera[0, 2])
    far, near = (3, 10) if camera[3, 2] > camera[10, 2] else (10, 3)
    for side_at, factor in ((far, 0.82), (near, 1.0)):
        legs, arm = shaded(look.trousers, factor), shaded(look.top, factor * 0.9)
        if side_at == near:
            _torso(brush, look, p, scale)
        brush.line(p[side_at], p[side_at + 1], scale * 0.165, legs)
        brush.line(p[side_at + 1], p[side_at + 2], scale * 0.125, legs)
        brush.line(p[side_at + 2], p[side_at + 3], scale * 0.09, SHOE)
        brush.line(p[side_at + 4], p[side_at + 5], scale * 0.11, arm)
        brush.line(p[side_at + 5], p[side_at + 6], scale * 0.09, arm)
        brush.disc(p[side_at + 6], scale * 0.055, look.skin)
        if side_at == near and look.bag is not None:
            x, y = p[side_at + 6]
            brush.line((x, y + scale * 0.1), (x, y + scale * 0.28), scale * 0.22, look.bag)


def _torso(brush: Brush, look: Look, p: list[Pixel], scale: float) -> None:
    corners = (p[7], p[14], p[10], p[3])
    brush.line(p[3], p[10], scale * 0.2, look.trousers)
    middle = sum(x for x, _ in corners) / 4
    wide = max(scale * 0.13, max(abs(x - middle) for x, _ in corners) + scale * 0.05)
    top, bottom = (p[7][1] + p[14][1]) / 2 - scale * 0.06, (p[3][1] + p[10][1]) / 2 + scale * 0.04
    half = [(0.8, top), (1.0, top + scale * 0.1), (0.92, bottom)]
    outline = [(middle + wide * share, y) for share, y in half]
    outline += [(middle - wide * share, y) for share, y in reversed(half)]
    brush.convex(outline, look.top)
    x, y = p[2]
    brush.line(p[1], p[2], scale * 0.1, shaded(look.skin, 0.9))
    brush.disc((x, y), scale * 0.125, look.skin)
    brush.disc((x, y - scale * 0.045), scale * 0.12, look.hair)
