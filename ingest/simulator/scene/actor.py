"""Who moves through a scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ingest.simulator.scene.brush import Brush, Colour
from ingest.simulator.scene.figures.person import Look, draw_person
from ingest.simulator.scene.figures.solid import placed
from ingest.simulator.scene.figures.vehicles import SIZES, draw_bicycle, draw_rider, draw_vehicle
from ingest.simulator.scene.route import Pose, Route
from ingest.simulator.scene.view import Pixel, View

Bounds = tuple[float, float, float, float]
_SUN_SHADOW = (0.75, -0.35)  # metres of shadow along x and z for a metre of height


@dataclass(frozen=True)
class Actor:
    """``label`` is person, bicycle, car, truck or bus. ``id`` leaves room for a thousand on one route."""

    id: int
    label: str
    route: Route
    look: Look
    paint: Colour

    @property
    def size(self) -> tuple[float, float, float]:
        """Length, width, height, metres."""
        return SIZES.get(self.label, (1.7, 0.5, 1.7) if self.label == "bicycle" else (0.4, 0.5, self.look.height))


def draw_actor(brush: Brush, view: View, actor: Actor, pose: Pose) -> list[tuple[str, Bounds]]:
    """Draw it; gives the label and pixel bounds of each object it consists of (a cyclist is two), none if not drawn."""
    found: list[tuple[str, Bounds]] = []

    def note(label: str) -> None:
        if brush.bounds is not None:
            found.append((label, brush.bounds))
        brush.reset()

    brush.reset()
    if actor.label == "person":
        draw_person(brush, view, actor.look, pose)
    elif actor.label == "bicycle":
        draw_bicycle(brush, view, actor.paint, pose)
        note("bicycle")
        draw_rider(brush, view, actor.look.cloth, pose)
        note("person")
    else:
        draw_vehicle(brush, view, actor.label, actor.paint, pose)
    note(actor.label)
    return found


def shadow_of(view: View, actor: Actor, pose: Pose) -> list[Pixel] | None:
    """The shadow on the ground as a convex polygon of pixels; ``None`` if it lies behind the camera."""
    length, width, height = actor.size
    corners = np.array([(sx * length / 2, 0.0, sz * width / 2) for sx, sz in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    foot = placed(corners * (0.7 if actor.label == "person" else 1.0), pose.x, pose.z, pose.heading)
    top = foot + np.array((_SUN_SHADOW[0] * height, 0.0, _SUN_SHADOW[1] * height))
    hull = cv2.convexHull(np.vstack([foot, top])[:, [0, 2]].astype(np.float32))
    return view.polygon(np.insert(hull[:, 0, :].astype(np.float64), 1, 0.0, axis=1))


def beam_of(view: View, actor: Actor, pose: Pose) -> list[Pixel] | None:
    """The headlights' patch on the ground as pixels; ``None`` for who has none, or behind the camera."""
    if actor.label not in SIZES:
        return None
    front = actor.size[0] / 2
    local = np.array([(front, 0.0, -0.7), (front + 9, 0.0, -2.6), (front + 9, 0.0, 2.6), (front, 0.0, 0.7)])
    return view.polygon(placed(local, pose.x, pose.z, pose.heading))
