"""Cars, trucks and buses as bodies of convex parts; and bicycles with their riders."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ingest.simulator.scene.brush import Brush, Colour, shaded
from ingest.simulator.scene.figures.solid import Part, box, draw_parts, placed, prism, with_details
from ingest.simulator.scene.route import Pose
from ingest.simulator.scene.view import NEAR, Pixel, Points, View

GLASS: Colour = (92, 74, 58)
TYRE: Colour = (38, 36, 36)
HUB: Colour = (150, 150, 150)
HEADLIGHT: Colour = (225, 245, 250)
TAILLIGHT: Colour = (40, 40, 190)

SIZES = {"car": (4.4, 1.8, 1.45), "truck": (7.4, 2.3, 3.0), "bus": (10.5, 2.5, 3.05)}  # length, width, height; metres


def _rect(x1: float, x2: float, y1: float, y2: float, z: float) -> Points:
    return np.array([(x1, y1, z), (x2, y1, z), (x2, y2, z), (x1, y2, z)])


def _across(x: float, y1: float, y2: float, z1: float, z2: float) -> Points:
    return np.array([(x, y1, z1), (x, y1, z2), (x, y2, z2), (x, y2, z1)])


def _wheels(xs: tuple[float, ...], radius: float, half_width: float) -> list[tuple[Points, Colour]]:
    turn = np.linspace(0, 2 * math.pi, 14, endpoint=False)
    found: list[tuple[Points, Colour]] = []
    for side in (-half_width - 0.02, half_width + 0.02):
        for x in xs:
            for size, colour in ((radius, TYRE), (radius * 0.55, HUB)):
                ring = [(x + size * math.cos(a), radius + size * math.sin(a), side) for a in turn]
                found.append((np.array(ring), colour))
    return found


def _lights(front: float, back: float, y: float, half_width: float) -> list[tuple[Points, Colour]]:
    inner = half_width - 0.42
    found: list[tuple[Points, Colour]] = []
    for x, colour in ((front + 0.02, HEADLIGHT), (back - 0.02, TAILLIGHT)):
        for low, high in ((-half_width + 0.08, -inner), (inner, half_width - 0.08)):
            found.append((_across(x, y - 0.1, y + 0.1, low, high), colour))
    return found


@lru_cache(maxsize=128)
def body(label: str, colour: Colour) -> tuple[Part, ...]:
    """Parts of a vehicle, standing on the ground with its middle at the origin."""
    if label == "car":
        return _car(colour)
    if label == "truck":
        return _truck(colour)
    return _bus(colour)


def _car(colour: Colour) -> tuple[Part, ...]:
    w = 0.9
    hull_profile = [(-2.2, 0.3, w), (2.2, 0.3, w), (2.22, 0.62, w), (1.95, 0.82, w), (-2.05, 0.92, w), (-2.22, 0.7, w)]
    hull = prism(hull_profile, [TYRE, colour, colour, colour, colour, colour], colour)
    hull = with_details(hull, _wheels((-1.35, 1.35), 0.33, w) + _lights(2.22, -2.22, 0.68, w))
    cabin_profile = [(-1.75, 0.86, 0.84), (1.15, 0.84, 0.84), (0.3, 1.42, 0.66), (-1.2, 1.45, 0.66)]
    cabin = prism(cabin_profile, [colour, GLASS, colour, GLASS], colour)
    windows: list[tuple[Points, Colour]] = []
    for s in (-1, 1):
        low, high = 0.83 * s, 0.69 * s
        windows.append(
            (np.array([(-1.4, 0.92, low), (-0.35, 0.92, low), (-0.35, 1.36, high), (-1.08, 1.36, high)]), GLASS)
        )
        windows.append(
            (np.array([(-0.25, 0.92, low), (0.9, 0.92, low), (0.27, 1.34, high), (-0.25, 1.36, high)]), GLASS)
        )
    return (hull, with_details(cabin, windows))


def _truck(colour: Colour) -> tuple[Part, ...]:
    w = 1.15
    cargo_colour: Colour = (214, 214, 208)
    chassis = with_details(box(-3.7, 3.6, 0.45, 0.8, -1.0, 1.0, (60, 60, 62)), _wheels((-2.5, 2.5), 0.48, 1.02))
    stripe = [(_rect(-3.6, 1.6, 1.5, 1.75, s * (w + 0.01)), colour) for s in (-1, 1)]
    doors = [(_across(-3.71, 0.85, 2.9, -0.02, 0.02), shaded(cargo_colour, 0.6))]
    cargo = with_details(box(-3.7, 1.75, 0.8, 3.0, -w, w, cargo_colour), stripe + doors)
    cab_profile = [(1.9, 0.6, 1.05), (3.68, 0.6, 1.05), (3.7, 1.35, 1.05), (3.4, 2.25, 1.0), (1.9, 2.3, 1.0)]
    cab = prism(cab_profile, [colour, colour, GLASS, colour, colour], colour)
    side = [(_rect(2.35, 3.3, 1.4, 2.05, s * 1.06), GLASS) for s in (-1, 1)]
    return (chassis, cargo, with_details(cab, side + _lights(3.7, 1.9, 0.85, 1.05)[:2]))


def _bus(colour: Colour) -> tuple[Part, ...]:
    w, length = 1.25, 5.25
    shell = box(-length, length, 0.35, 3.05, -w, w, colour)
    details: list[tuple[Points, Colour]] = []
    for s in (-w - 0.01, w + 0.01):
        details.append((_rect(-length + 0.3, length - 0.2, 0.75, 1.0, s), (235, 235, 230)))
        details += [(_rect(x, x + 1.3, 1.45, 2.45, s), GLASS) for x in np.arange(-length + 0.35, length - 1.2, 1.48)]
    for x in (length + 0.01, -length - 0.01):
        details.append((_across(x, 1.35, 2.5, -w + 0.15, w - 0.15), GLASS))
    details += _wheels((-3.2, 3.1), 0.48, w) + _lights(length, -length, 0.75, w)
    return (with_details(shell, details),)


def draw_vehicle(brush: Brush, view: View, label: str, colour: Colour, pose: Pose) -> None:
    """A car, truck or bus at ``pose``."""
    draw_parts(brush, view, body(label, colour), pose.x, pose.z, pose.heading)


def draw_bicycle(brush: Brush, view: View, colour: Colour, pose: Pose) -> None:
    """The cycle alone: wheels, frame and handlebar."""
    turn = np.linspace(0, 2 * math.pi, 18, endpoint=False)
    rear = np.stack([-0.52 + 0.33 * np.cos(turn), 0.33 + 0.33 * np.sin(turn), 0 * turn], axis=1)
    front = rear + np.array((1.04, 0.0, 0.0))
    frame = np.array(
        [
            *((-0.52, 0.33, 0), (-0.05, 0.3, 0), (0.4, 0.8, 0), (-0.2, 0.82, 0), (0.52, 0.33, 0), (0.36, 1.02, 0)),
            *((0.3, 1.04, -0.25), (0.3, 1.04, 0.25), (-0.24, 0.92, 0)),
        ],
        dtype=np.float64,
    )
    pixels = _pixels(view, np.vstack([rear, front, frame]), pose)
    if pixels is None:
        return
    scale = view.focal / view.depth(pose.x, pose.z)
    thick = max(1, round(scale * 0.06))
    for ring in (pixels[:18], pixels[18:36]):
        brush.outline(ring, TYRE, width=thick)
    joints = pixels[36:]
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 1), (3, 0), (2, 5), (5, 4), (6, 7), (3, 8)):
        brush.line(joints[a], joints[b], max(1.5, scale * 0.05), colour)


def draw_rider(brush: Brush, view: View, cloth: tuple[Colour, Colour, Colour, Colour], pose: Pose) -> None:
    """Who sits on the cycle: top, trousers, skin and hair colours; the feet turn with the way travelled."""
    top, trousers, skin, hair = cloth
    pedal = pose.travelled / 2.0 * 2 * math.pi
    points = [(-0.22, 0.95, 0.0), (0.1, 1.42, 0.0), (0.34, 1.05, -0.2), (0.34, 1.05, 0.2), (0.16, 1.62, 0.0)]
    for side in (-1, 1):
        angle = pedal + (math.pi if side > 0 else 0.0)
        foot = (0.02 + 0.16 * math.cos(angle), 0.3 + 0.16 * math.sin(angle), 0.1 * side)
        points += [(0.18 + foot[0] * 0.4, 0.62 + (foot[1] - 0.3) * 0.6, 0.12 * side), foot]
    pixels = _pixels(view, np.array(points), pose)
    if pixels is None:
        return
    scale = view.focal / view.depth(pose.x, pose.z)
    for knee, foot_at in ((5, 6), (7, 8)):
        brush.line(pixels[0], pixels[knee], scale * 0.15, trousers)
        brush.line(pixels[knee], pixels[foot_at], scale * 0.12, trousers)
        brush.disc(pixels[foot_at], scale * 0.07, TYRE)
    brush.line(pixels[0], pixels[1], scale * 0.34, top)
    for hand in (2, 3):
        brush.line(pixels[1], pixels[hand], scale * 0.1, shaded(top, 0.88))
    brush.disc(pixels[4], scale * 0.13, skin)
    brush.disc((pixels[4][0], pixels[4][1] - scale * 0.04), scale * 0.125, hair)


def _pixels(view: View, local: Points, pose: Pose) -> list[Pixel] | None:
    camera = view.to_camera(placed(local, pose.x, pose.z, pose.heading))
    return None if float(camera[:, 2].min()) < NEAR else view.to_pixels(camera)
