"""Bodies of vehicles and buildings: convex parts of flat faces, drawn far to near."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ingest.simulator.scene.brush import Brush, Colour, shaded
from ingest.simulator.scene.view import NEAR, Pixel, Points, View

_SUN = np.array([-0.45, 0.8, -0.4])


@dataclass(frozen=True)
class Face:
    """Corner numbers, seen counter-clockwise from outside, and a colour. Details lie on faces and are drawn later."""

    corners: tuple[int, ...]
    colour: Colour
    detail: bool = False


@dataclass(frozen=True)
class Part:
    """One convex body: ``corners`` ``(n, 3)`` in local coordinates, x forward, y up, z to the right."""

    corners: Points
    faces: tuple[Face, ...]


def prism(profile: list[tuple[float, float, float]], colours: list[Colour], side: Colour) -> Part:
    """An extruded profile of (x, y, half width), convex, with one colour for each edge from a point to the next."""
    left = np.array([(x, y, -w) for x, y, w in profile])
    right = np.array([(x, y, w) for x, y, w in profile])
    corners = np.vstack([left, right])
    n = len(profile)
    centre = corners.mean(axis=0)
    faces = [Face(tuple(range(n)), side), Face(tuple(range(n, 2 * n)), side)]
    faces += [Face((i, (i + 1) % n, n + (i + 1) % n, n + i), colours[i]) for i in range(n)]
    return Part(corners, tuple(_oriented(face, corners, centre) for face in faces))


def with_details(part: Part, details: list[tuple[Points, Colour]]) -> Part:
    """The part with flat polygons ``(n, 3)`` on its outside."""
    corners, faces = part.corners, list(part.faces)
    centre = part.corners.mean(axis=0)
    for polygon, colour in details:
        first = len(corners)
        corners = np.vstack([corners, polygon])
        face = Face(tuple(range(first, first + len(polygon))), colour, detail=True)
        faces.append(_oriented(face, corners, centre, shade=False))
    return Part(corners, tuple(faces))


def box(x1: float, x2: float, y1: float, y2: float, z1: float, z2: float, colour: Colour) -> Part:
    """A cuboid."""
    middle, half = (z1 + z2) / 2, (z2 - z1) / 2
    part = prism([(x1, y1, half), (x2, y1, half), (x2, y2, half), (x1, y2, half)], [colour] * 4, colour)
    return Part(part.corners + np.array((0.0, 0.0, middle)), part.faces)


def _oriented(face: Face, corners: Points, centre: Points, *, shade: bool = True) -> Face:
    polygon = corners[list(face.corners)]
    normal = np.cross(polygon[1] - polygon[0], polygon[2] - polygon[1])
    normal /= np.linalg.norm(normal) or 1.0
    order = face.corners
    if float(normal @ (polygon.mean(axis=0) - centre)) < 0:
        normal, order = -normal, order[::-1]
    factor = 0.72 + 0.34 * max(0.0, float(normal @ _SUN)) if shade else 1.0
    return Face(order, shaded(face.colour, factor), face.detail)


def placed(corners: Points, x: float, z: float, heading: float) -> Points:
    """Local to world coordinates."""
    cos, sin = math.cos(heading), math.sin(heading)
    # Local right is -z of a heading along +x: seen from above, x forward and z to the right of it.
    turn = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [sin, 0.0, -cos]])
    moved: Points = corners @ turn + np.array((x, 0.0, z))
    return moved


def draw_parts(brush: Brush, view: View, parts: tuple[Part, ...], x: float, z: float, heading: float) -> None:
    """Draw a body standing at ``(x, z)``; what of it reaches behind the camera is cut away."""
    ready = []
    for part in parts:
        camera = view.to_camera(placed(part.corners, x, z, heading))
        ready.append((float(camera[:, 2].mean()), part, camera))
    for _, part, camera in sorted(ready, key=lambda entry: -entry[0]):
        depths: list[float] = camera[:, 2].tolist()
        whole = view.to_pixels(camera) if min(depths) >= NEAR else None
        seen: list[tuple[bool, float, list[Pixel], Colour]] = []
        for face in part.faces:
            if whole is not None:
                polygon: list[Pixel] | None = [whole[corner] for corner in face.corners]
            else:
                polygon = view.clipped(camera[list(face.corners)])
            if polygon is not None and _area(polygon) < 0:
                depth = sum(depths[corner] for corner in face.corners) / len(face.corners)
                seen.append((face.detail, -depth, polygon, face.colour))
        for _, _, polygon, colour in sorted(seen, key=lambda entry: entry[:2]):
            brush.convex(polygon, colour)


def _area(polygon: list[Pixel]) -> float:
    """Twice the signed area; y points down, so a polygon that is counter-clockwise to the eye has a negative one."""
    x0, y0 = polygon[-1]
    total = 0.0
    for x1, y1 in polygon:
        total += x0 * y1 - x1 * y0
        x0, y0 = x1, y1
    return total
