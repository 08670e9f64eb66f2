"""Things that stand in a place: buildings, trees, lamps, stalls, railings, parked vehicles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ingest.simulator.scene.brush import Brush, Colour, shaded
from ingest.simulator.scene.figures.solid import Part, box, draw_parts, with_details
from ingest.simulator.scene.figures.vehicles import draw_vehicle
from ingest.simulator.scene.place import Prop
from ingest.simulator.scene.route import Pose
from ingest.simulator.scene.view import NEAR, Pixel, Points, View

WINDOW: Colour = (128, 112, 92)
LIT: Colour = (96, 176, 232)
TRUNK: Colour = (52, 70, 92)
STEEL: Colour = (112, 110, 106)


def building(
    rng: np.random.Generator, x: float, z: float, length: float, depth: float, floors: int, colour: Colour
) -> Prop:
    """A block of flats or shops whose front runs along x at ``z`` and faces the camera."""
    height = 3.6 + 3.1 * (floors - 1)
    front = depth / 2 + 0.02  # local right of heading 0 is -z: the front
    details: list[tuple[Points, Colour]] = []
    lights: list[tuple[Points, Colour]] = []
    columns = max(2, int(length / 2.6))
    pitch = length / columns
    for column in range(columns):
        left = -length / 2 + column * pitch
        shop = _front(left + 0.25, left + pitch - 0.25, 0.35, 2.5, front)
        details.append((shop, (86, 78, 70)))
        if rng.random() < 0.6:
            lights.append((shop, shaded(LIT, float(rng.uniform(0.4, 0.8)))))
        for floor in range(1, floors):
            low = 3.6 + 3.1 * (floor - 1) + 0.85
            pane = _front(left + pitch * 0.22, left + pitch * 0.78, low, low + 1.5, front)
            details += [
                (
                    _front(left + pitch * 0.18, left + pitch * 0.82, low - 0.12, low + 1.6, front - 0.01),
                    shaded(colour, 1.15),
                ),
                (pane, shaded(WINDOW, float(rng.uniform(0.75, 1.15)))),
            ]
            if rng.random() < 0.45:
                lights.append((pane, shaded(LIT, float(rng.uniform(0.6, 1.05)))))
    sign: Colour = tuple(float(v) for v in rng.uniform(50, 190, 3))  # type: ignore[assignment]  # three by construction
    details.append((_front(-length / 2, length / 2, 2.7, 3.4, front), sign))
    details.append((_front(-length / 2, length / 2, height - 0.35, height, front + 0.01), shaded(colour, 0.8)))
    shell = box(-length / 2, length / 2, 0.0, height, -depth / 2, depth / 2, colour)
    parts = (with_details(shell, details),)
    middle = z + depth / 2

    def draw(brush: Brush, view: View) -> None:
        draw_parts(brush, view, parts, x, middle, 0.0)

    def draw_lights(brush: Brush, view: View) -> None:
        for polygon, lit in lights:
            pixels = view.polygon(polygon * np.array((1.0, 1.0, -1.0)) + np.array((x, 0.0, middle)))
            if pixels is not None:
                brush.convex(pixels, lit)

    return Prop(x, middle, draw, lights=draw_lights, covers=False)


def tree(rng: np.random.Generator, x: float, z: float, size: float = 1.0) -> Prop:
    """A broad-leaved tree of about 5 m."""
    green = np.array([58.0, 112.0, 72.0]) * rng.uniform(0.85, 1.15)
    blobs = [(0.0, 3.6, 0.0, 1.35)] + [
        (
            float(1.1 * math.cos(a)),
            float(rng.uniform(3.0, 4.4)),
            float(1.1 * math.sin(a)),
            float(rng.uniform(0.75, 1.1)),
        )
        for a in np.arange(0, 6.2, 0.8)
    ]
    leaves = np.clip(rng.normal(0, 1, (70, 3)), -1.5, 1.5) * (0.85, 0.6, 0.85) + (0.0, 3.75, 0.0)
    tones = rng.uniform(0.85, 1.32, 70)

    def draw(brush: Brush, view: View) -> None:
        foot = _standing(view, x, z, [(0, 0, 0), (0, 2.9 * size, 0)])
        if foot is None:
            return
        scale = view.focal / view.depth(x, z) * size
        brush.line(foot[0], foot[1], scale * 0.26, TRUNK)
        for bx, by, bz, radius in sorted(blobs, key=lambda blob: -blob[2]):
            at = _standing(view, x, z, [(bx * size, by * size, bz * size)])
            if at is not None:
                tone = 0.74 + 0.1 * (by - 3.0)
                brush.disc(at[0], scale * radius, _colour(green * tone))
        for leaf, tone in zip(leaves, tones, strict=True):
            at = _standing(view, x, z, [tuple(leaf * size)])
            if at is not None:
                brush.disc(at[0], scale * 0.2, _colour(green * tone))

    return Prop(x, z, draw, shadow=(1.5 * size, 3.6 * size))


def lamp(x: float, z: float, reach: float = 1.4) -> Prop:
    """A street lamp whose arm reaches along -z."""
    points = [(0, 0, 0), (0, 6.2, 0), (0, 6.5, -reach), (0, 6.45, -reach - 0.5)]

    def draw(brush: Brush, view: View) -> None:
        p = _standing(view, x, z, points)
        if p is None:
            return
        scale = view.focal / view.depth(x, z)
        for a, b, width in ((0, 1, 0.13), (1, 2, 0.09), (2, 3, 0.2)):
            brush.line(p[a], p[b], max(1.0, scale * width), STEEL)

    def lights(brush: Brush, view: View) -> None:
        p = _standing(view, x, z, points)
        if p is not None:
            brush.disc(p[3], view.focal / view.depth(x, z) * 0.2, (205, 240, 255))

    return Prop(x, z, draw, shadow=(0.1, 6.3), lights=lights)


def stall(rng: np.random.Generator, x: float, z: float, colour: Colour, facing: int) -> Prop:
    """A market stall with goods under a striped awning, open towards ``facing`` (1: +x, -1: -x)."""
    table = box(-1.2, 1.2, 0.0, 0.8, -0.7, 0.7, (70, 104, 140))
    goods = [tuple(float(v) for v in rng.uniform(60, 220, 3)) for _ in range(8)]
    offsets = [(-1.05 + 0.3 * i, -0.62 if i % 2 else 0.02) for i in range(8)]
    crates: list[Part] = [
        box(dx, dx + 0.27, 0.8, 0.98, dz, dz + 0.58, colour)  # type: ignore[arg-type]  # three by construction
        for (dx, dz), colour in zip(offsets, goods, strict=True)
    ]
    parts = (table, *crates)
    stripes = np.linspace(-1.45, 1.45, 9)

    def draw(brush: Brush, view: View) -> None:
        heading = math.pi / 2
        for pole_x, pole_z in ((-1.3, 0.8), (-1.3, -0.8), (1.3, 0.8), (1.3, -0.8)):
            p = _standing(view, x, z, [(pole_z, 0, pole_x), (pole_z, 2.3, pole_x)])
            if p is not None:
                brush.line(p[0], p[1], max(1.0, view.focal / view.depth(x, z) * 0.06), STEEL)
        for part in parts:
            draw_parts(brush, view, (part,), x, z, heading)
        for number, (a, b) in enumerate(pairwise(stripes)):
            tint = colour if number % 2 else (232, 234, 236)
            ridge = np.array([(-0.95 * facing, 2.75, a), (-0.95 * facing, 2.75, b)])
            edge = np.array([(1.15 * facing, 2.25, b), (1.15 * facing, 2.25, a)])
            fringe = np.array([(1.15 * facing, 2.0, a), (1.15 * facing, 2.0, b)])
            roof = _polygon(view, x, z, np.vstack([ridge, edge]))
            hang = _polygon(view, x, z, np.vstack([edge, fringe]))
            if roof is not None:
                brush.convex(roof, tint)
            if hang is not None:
                brush.convex(hang, shaded(tint, 0.8))

    return Prop(x, z, draw, shadow=(1.4, 2.4))


def railing(x1: float, z1: float, x2: float, z2: float, height: float = 1.1, colour: Colour = STEEL) -> list[Prop]:
    """A fence from end to end, in pieces of 2 m so that each covers by its own distance."""
    count = max(1, round(math.hypot(x2 - x1, z2 - z1) / 2.0))
    xs, zs = np.linspace(x1, x2, count + 1), np.linspace(z1, z2, count + 1)
    return [
        _fence_piece(float(xs[i]), float(zs[i]), float(xs[i + 1]), float(zs[i + 1]), height, colour)
        for i in range(count)
    ]


def _fence_piece(x1: float, z1: float, x2: float, z2: float, height: float, colour: Colour) -> Prop:
    def draw(brush: Brush, view: View) -> None:
        def rail(y: float, width: float) -> None:
            p = _standing(view, 0.0, 0.0, [(x1, y, z1), (x2, y, z2)])
            if p is not None:
                brush.line(p[0], p[1], max(1.0, view.focal / view.depth(x1, z1) * width), colour)

        for share in (0.0, 0.25, 0.5, 0.75):
            x, z = x1 + (x2 - x1) * share, z1 + (z2 - z1) * share
            p = _standing(view, x, z, [(0, 0, 0), (0, height, 0)])
            if p is not None:
                thick = 0.09 if share == 0.0 else 0.035
                brush.line(p[0], p[1], max(1.0, view.focal / view.depth(x, z) * thick), shaded(colour, 0.9))
        rail(height, 0.07)
        rail(height * 0.25, 0.04)

    return Prop((x1 + x2) / 2, (z1 + z2) / 2, draw)


def hedge(x1: float, x2: float, z1: float, z2: float, height: float = 0.7) -> Prop:
    """A clipped hedge or a flower bed's border."""
    parts = (box(-(x2 - x1) / 2, (x2 - x1) / 2, 0.0, height, -(z2 - z1) / 2, (z2 - z1) / 2, (62, 118, 78)),)
    x, z = (x1 + x2) / 2, (z1 + z2) / 2
    return Prop(x, z, lambda brush, view: draw_parts(brush, view, parts, x, z, 0.0))


def block(x: float, z: float, size: tuple[float, float, float], colour: Colour, heading: float = 0.0) -> Prop:
    """A plain cuboid: length along the heading, width, height; a bench, a container, a plinth."""
    length, width, height = size
    parts = (box(-length / 2, length / 2, 0.0, height, -width / 2, width / 2, colour),)
    return Prop(
        x, z, lambda brush, view: draw_parts(brush, view, parts, x, z, heading), shadow=(max(length, width) / 2, height)
    )


def parked(label: str, x: float, z: float, heading: float, colour: Colour) -> Prop:
    """A vehicle that does not move: part of the place, and of the ground truth only where standing ones count."""
    pose = Pose(x, z, heading, 0.0, 0.0)

    def draw(brush: Brush, view: View) -> None:
        draw_vehicle(brush, view, label, colour, pose)

    return Prop(x, z, draw, shadow=(1.3, 1.4), label=label)


def _front(x1: float, x2: float, y1: float, y2: float, right: float) -> Points:
    return np.array([(x1, y1, right), (x2, y1, right), (x2, y2, right), (x1, y2, right)])


def _standing(view: View, x: float, z: float, local: Sequence[tuple[float, ...]]) -> list[Pixel] | None:
    camera = view.to_camera(np.array(local, dtype=np.float64) + np.array((x, 0.0, z)))
    return None if float(camera[:, 2].min()) < NEAR else view.to_pixels(camera)


def _polygon(view: View, x: float, z: float, local: Points) -> list[Pixel] | None:
    return view.polygon(local + np.array((x, 0.0, z)))


def _colour(values: Points) -> Colour:
    return float(values[0]), float(values[1]), float(values[2])
