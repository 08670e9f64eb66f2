"""The five places and their traffic, varied by seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ingest.simulator.scene import furniture as make
from ingest.simulator.scene.actor import Actor
from ingest.simulator.scene.brush import Colour
from ingest.simulator.scene.figures.person import Look
from ingest.simulator.scene.place import Patch, Place, Prop, SceneKind
from ingest.simulator.scene.route import Route, line
from ingest.simulator.scene.view import Points, View

ASPHALT: Colour = (98, 96, 94)
PAVING: Colour = (160, 166, 172)
KERB: Colour = (186, 190, 194)
MARKING: Colour = (228, 230, 232)
GRASS: Colour = (92, 140, 108)
WATER: Colour = (150, 132, 96)

CAR_PAINTS: tuple[Colour, ...] = (
    (206, 206, 204), (60, 56, 54), (48, 44, 150), (140, 96, 52), (120, 124, 128), (226, 228, 230), (70, 108, 60),
)  # fmt: skip
BUS_PAINTS: tuple[Colour, ...] = ((168, 108, 44), (74, 138, 70), (62, 120, 214))
TRUCK_PAINTS: tuple[Colour, ...] = ((150, 88, 40), (52, 60, 176), (90, 130, 70))
WALLS: tuple[Colour, ...] = (
    (176, 196, 210), (150, 172, 196), (196, 200, 202), (136, 156, 186), (170, 178, 172), (186, 190, 214),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (52, 50, 170), (150, 90, 40), (60, 130, 66), (52, 52, 54), (216, 216, 214), (40, 150, 206), (130, 70, 120),
    (110, 110, 60), (80, 84, 200), (170, 150, 70),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((92, 70, 50), (48, 46, 46), (96, 104, 112), (70, 84, 104), (120, 92, 66))
SKINS: tuple[Colour, ...] = ((150, 178, 222), (134, 164, 208), (160, 190, 230))
HAIRS: tuple[Colour, ...] = ((28, 26, 26), (40, 38, 40), (120, 120, 122))


class _Builder:
    """Collects a place."""

    def __init__(self, seed: int, period: float) -> None:
        self.rng = np.random.default_rng((seed, 3))
        self.period = period
        self.patches: list[Patch] = []
        self.props: list[Prop] = []
        self.lamps: list[tuple[float, float]] = []
        self.actors: list[Actor] = []

    def pick(self, colours: tuple[Colour, ...]) -> Colour:
        b, g, r = colours[int(self.rng.integers(len(colours)))]
        tone = float(self.rng.uniform(0.92, 1.06))
        return b * tone, g * tone, r * tone

    def rect(self, x1: float, x2: float, z1: float, z2: float, colour: Colour) -> None:
        self.patches.append(Patch(np.array([(x1, z1), (x2, z1), (x2, z2), (x1, z2)]), colour))

    def dashes(
        self, x1: float, x2: float, z: float, dash: float = 2.0, gap: float = 3.0, along_z: bool = False
    ) -> None:
        for start in np.arange(x1, x2, dash + gap):
            if along_z:
                self.rect(z - 0.07, z + 0.07, start, start + dash, MARKING)
            else:
                self.rect(start, start + dash, z - 0.07, z + 0.07, MARKING)

    def joints(self, x1: float, x2: float, z1: float, z2: float, step: float, colour: Colour) -> None:
        for x in np.arange(x1, x2 + 0.01, step):
            self.rect(x - 0.025, x + 0.025, z1, z2, colour)
        for z in np.arange(z1, z2 + 0.01, step):
            self.rect(x1, x2, z - 0.025, z + 0.025, colour)

    def street_lamp(self, x: float, z: float) -> None:
        self.props.append(make.lamp(x, z))
        self.lamps.append((x, z - 1.9))

    def look(self) -> Look:
        bag = self.pick(CLOTHES) if self.rng.random() < 0.3 else None
        return Look(
            self.pick(CLOTHES),
            self.pick(TROUSERS),
            self.pick(SKINS),
            self.pick(HAIRS),
            self.rng.uniform(1.58, 1.82),
            bag,
        )

    def add(self, label: str, route: Route) -> None:
        paints = {"car": CAR_PAINTS, "bus": BUS_PAINTS, "truck": TRUCK_PAINTS}.get(label, CLOTHES)
        self.actors.append(Actor(1 + 1024 * len(self.actors), label, route, self.look(), self.pick(paints)))

    def walk(self, points: Points, hold: tuple[float, float] | None = None) -> None:
        start, speed = float(self.rng.uniform(0, self.period)), float(self.rng.uniform(1.1, 1.5))
        self.add("person", Route(points, speed, start, hold=hold))

    def drive(self, label: str, points: Points, speed: float, start: float) -> None:
        self.add(label, Route(points, speed, start * self.period))

    def place(self, view: View, ground: Colour, seed: int) -> Place:
        parts = (tuple(self.patches), tuple(self.props), tuple(self.lamps), tuple(self.actors))
        return Place(view, ground, *parts, seed)


def build(kind: SceneKind, seed: int, width: int, height: int, period: float) -> Place:
    """The place of that kind; ``period`` is the scene's length in seconds."""
    makers: dict[SceneKind, Callable[[_Builder], tuple[tuple[float, float, float, float], Colour]]] = {
        SceneKind.STREET: _street,
        SceneKind.SQUARE: _square,
        SceneKind.MARKET: _market,
        SceneKind.BRIDGE: _bridge,
        SceneKind.YARD: _yard,
    }
    builder = _Builder(seed, period)
    (camera_height, pitch, yaw, fov), ground = makers[kind](builder)
    mirrored = -1.0 if seed % 2 else 1.0
    jitter = builder.rng.uniform(-1.0, 1.0, 3)
    view = View(
        width, height, camera_height + 0.3 * jitter[0], pitch + 0.6 * jitter[1], yaw * mirrored + 1.5 * jitter[2], fov
    )
    return builder.place(view, ground, seed)


def _row_of_buildings(b: _Builder, x1: float, x2: float, z: float, floors: tuple[int, int]) -> None:
    x = x1
    while x < x2:
        length = float(b.rng.uniform(9, 15))
        count = int(b.rng.integers(floors[0], floors[1] + 1))
        b.props.append(make.building(b.rng, x + length / 2, z, length - 0.3, 9.0, count, b.pick(WALLS)))
        x += length


def _street(b: _Builder) -> tuple[tuple[float, float, float, float], Colour]:
    b.rect(-80, 80, -5, 12.0, PAVING)
    b.joints(-30, 30, 4, 12.0, 1.5, (148, 154, 160))
    b.rect(-80, 80, 12.0, 22.5, ASPHALT)
    b.rect(-80, 80, 12.0, 12.25, KERB)
    b.rect(-80, 80, 22.25, 22.5, KERB)
    b.rect(-80, 80, 22.5, 28.5, PAVING)
    b.joints(-40, 40, 22.5, 28.5, 1.5, (148, 154, 160))
    b.dashes(-60, 60, 14.6, 1.0, 1.0)
    b.rect(-80, 80, 17.2, 17.3, (60, 190, 220))
    b.rect(-80, 80, 17.45, 17.55, (60, 190, 220))
    crossing = float(b.rng.uniform(-4.5, 4.5))
    b.rect(crossing - 2.6, crossing + 2.6, 12.3, 22.2, ASPHALT)
    for z in np.arange(12.6, 22.0, 1.1):
        b.rect(crossing - 2.2, crossing + 2.2, z, z + 0.55, MARKING)
    _row_of_buildings(b, -60, 60, 29.0, (3, 5))
    for x in np.arange(-39, 40, 8.5):
        b.props.append(make.tree(b.rng, float(x), 23.6, float(b.rng.uniform(0.8, 1.0))))
    for x in (-18.0, -1.5, 15.0):
        b.street_lamp(x, 23.2)
    far, near = 20.0, 16.0
    b.drive("car", line(-55, near, 55, near), 11.0, 0.05)
    b.drive("car", line(-55, near, 55, near), 11.0, 0.55)
    b.drive("car", line(55, far, -55, far), 10.0, 0.22)
    b.drive("bus", line(55, far, -55, far), 9.0, 0.75)
    b.drive("truck", line(-55, near, 55, near), 11.0, 0.8)
    b.drive("bicycle", line(-40, 13.4, 40, 13.4), 4.2, 0.15)
    b.drive("bicycle", line(40, 21.6, -40, 21.6), 4.6, 0.6)
    for z, sign in ((9.6, 1), (10.8, -1), (24.8, 1), (26.2, -1), (27.2, 1), (8.6, -1)):
        b.walk(line(-28 * sign, z, 28 * sign, z + float(b.rng.uniform(-0.4, 0.4))))
    b.walk(np.array([(-22.0, 10.2), (crossing - 0.6, 11.0), (crossing - 0.5, 23.5), (24.0, 25.5)]))
    b.walk(np.array([(26.0, 26.0), (crossing + 0.9, 24.0), (crossing + 0.8, 11.2), (-20.0, 9.0)]))
    return (6.6, 17.0, 12.0, 68.0), PAVING


def _square(b: _Builder) -> tuple[tuple[float, float, float, float], Colour]:
    b.rect(-60, 60, -5, 46, (168, 178, 186))
    b.joints(-40, 40, 4, 44, 2.0, (152, 160, 168))
    turn = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    for radius, colour in ((8.2, (136, 146, 172)), (7.6, (176, 188, 198)), (3.3, (140, 150, 170))):
        b.patches.append(Patch(np.stack([radius * np.cos(turn), 21 + radius * np.sin(turn)], axis=1), colour))
    b.rect(-60, 60, 38.5, 44, PAVING)
    _row_of_buildings(b, -60, 60, 45.0, (3, 6))
    b.props.append(make.block(0.0, 21.0, (2.2, 2.2, 0.6), (150, 156, 164)))
    b.props.append(make.block(0.0, 21.0, (1.0, 1.0, 3.4), (138, 146, 156)))
    for x in (-17.5, 17.5):
        b.rect(x - 3.5, x + 3.5, 13.5, 30.5, GRASS)
        for z in (15.5, 21.5, 28.0):
            b.props.append(make.tree(b.rng, x + float(b.rng.uniform(-1, 1)), z, float(b.rng.uniform(0.85, 1.05))))
        b.props.append(make.hedge(x - 3.5, x + 3.5, 13.2, 13.8, 0.5))
    for x, z in ((-11.5, 15.0), (11.5, 15.0), (-11.5, 28.0), (11.5, 28.0)):
        b.street_lamp(x, z)
        b.props.append(make.block(x * 1.12, z + 2.2, (1.8, 0.5, 0.45), (70, 104, 140), math.pi / 2))
    # Half of them meet before the plinth and stand together for a while: a crowd.
    for number in range(8):
        angle = number / 8 * 2 * math.pi
        spot = (1.9 * math.cos(angle) + 0.2, 14.6 + 1.3 * math.sin(angle))
        side = 1 if number % 2 else -1
        way = np.array([(26.0 * side, 10.0 + 1.4 * number), spot, (-26.0 * side, 30.0 - 1.5 * number)])
        b.add("person", Route(way, 1.45 + 0.03 * number, 2.0 + 0.35 * number, hold=(0.46, 6.5)))
    for number in range(5):
        ring = 5.0 + 1.1 * number
        start = float(b.rng.uniform(0, 6.28))
        circle = np.stack([ring * np.cos(turn[::6] + start), 21 + 0.8 * ring * np.sin(turn[::6] + start)], axis=1)
        b.add("person", Route(circle if number % 2 else circle[::-1], 1.3, number * 1.7, closed=True))
    for z, sign in ((9.8, 1), (11.4, -1), (34.0, 1), (36.0, -1)):
        b.walk(line(-30 * sign, z, 30 * sign, z + 1.5))
    b.drive("bicycle", np.array([(-32.0, 33.0), (0.0, 31.5), (32.0, 36.0)]), 4.2, 0.35)
    b.drive("bicycle", np.array([(30.0, 9.0), (0.0, 10.4), (-30.0, 13.0)]), 3.8, 0.8)
    b.drive("car", line(60, 41.0, -60, 41.0), 9.0, 0.1)
    return (7.2, 18.5, 8.0, 68.0), (168, 178, 186)


def _market(b: _Builder) -> tuple[tuple[float, float, float, float], Colour]:
    b.rect(-60, 60, -5, 70, (150, 158, 166))
    b.joints(-9, 9, 4, 60, 1.2, (138, 146, 154))
    b.rect(-2.8, 2.8, -5, 70, (164, 172, 180))
    for x in (-2.8, 2.8):
        b.rect(x - 0.12, x + 0.12, -5, 70, (128, 134, 140))
    _row_of_buildings(b, -40, 40, 52.0, (3, 5))
    for side in (-1, 1):
        for z in (13.0, 19.5, 26.0, 32.5, 39.0, 45.0):
            colour = b.pick(CLOTHES[:3] + CLOTHES[5:7])
            b.props.append(make.stall(b.rng, 4.6 * side, z, colour, -side))
        for z, length in ((20.0, 16.0), (38.0, 18.0)):
            wall = make.block(11.0 * side, z, (length, 8.0, float(b.rng.uniform(5, 8))), b.pick(WALLS), math.pi / 2)
            b.props.append(Prop(wall.x, wall.z, wall.draw))
        for z in (16.2, 29.0, 42.0):
            b.props.append(make.tree(b.rng, 6.3 * side, z, 0.7))
        b.street_lamp(3.2 * side, 22.7)
        b.street_lamp(3.2 * side, 35.7)
    for number in range(9):
        lane = -2.2 + 0.55 * number
        ends = (4.0, 50.0) if number % 2 else (50.0, 4.0)
        hold = (float(b.rng.uniform(0.3, 0.7)), float(b.rng.uniform(2, 6))) if number % 3 == 0 else None
        b.walk(line(lane, ends[0], lane + float(b.rng.uniform(-0.3, 0.3)), ends[1]), hold)
    # Customers gather at one stall.
    for number in range(6):
        spot = (2.3 + 0.3 * (number % 2), 17.2 + 0.75 * number)
        b.add("person", Route(np.array([(-1.6, 48.0), spot, (-0.4, 3.5)]), 1.5, 1.2 * number, hold=(0.6, 7.0)))
    b.drive("bicycle", line(0.9, 52, 0.9, 3), 3.6, 0.2)
    b.drive("bicycle", line(-1.2, 3, -1.2, 52), 3.4, 0.65)
    b.drive("truck", line(-60, 49.5, 60, 49.5), 7.0, 0.4)
    b.drive("car", line(60, 48.0, -60, 48.0), 8.0, 0.85)
    return (6.4, 16.5, 7.0, 62.0), (150, 158, 166)


def _bridge(b: _Builder) -> tuple[tuple[float, float, float, float], Colour]:
    b.rect(-200, 200, -5, 160, WATER)
    for _ in range(140):
        x, z, length = b.rng.uniform(-70, 70), b.rng.uniform(8, 90), b.rng.uniform(0.8, 3.5)
        b.rect(x, x + length, z, z + 0.12, (176, 160, 124))
    b.rect(-200, 200, 96, 160, GRASS)
    b.rect(-8.4, 8.4, -5, 110, PAVING)
    b.joints(-8.3, -5.4, 4, 90, 1.4, (148, 154, 160))
    b.joints(5.4, 8.3, 4, 90, 1.4, (148, 154, 160))
    b.rect(-5.4, 5.4, -5, 110, ASPHALT)
    for x in (-5.4, 5.4):
        b.rect(x - 0.14, x + 0.14, -5, 110, KERB)
    b.dashes(0, 100, 0.0, along_z=True)
    for x in (-4.0, 4.0):
        b.rect(x - 0.06, x + 0.06, -5, 110, MARKING)
    for side in (-1, 1):
        b.props += make.railing(8.3 * side, 6.0, 8.3 * side, 70.0, 1.15, (190, 192, 190))
        for z in (14.0, 30.0, 46.0, 62.0):
            b.props.append(make.lamp(8.0 * side, z, 1.2))
            b.lamps.append((7.0 * side, z - 1.4))
        for x in (22.0, 34.0, 48.0, 61.0):
            b.props.append(make.tree(b.rng, x * side, 99.0 + x / 8, 1.7))
    _row_of_buildings(b, -90, -12, 125.0, (4, 8))
    _row_of_buildings(b, 12, 90, 125.0, (4, 8))
    b.drive("car", line(2.0, -4, 2.0, 105), 12.0, 0.0)
    b.drive("truck", line(2.0, -4, 2.0, 105), 12.0, 0.5)
    b.drive("car", line(-2.0, 105, -2.0, -4), 11.0, 0.3)
    b.drive("bus", line(-2.0, 105, -2.0, -4), 11.0, 0.8)
    b.drive("bicycle", line(4.7, -4, 4.7, 80), 4.4, 0.1)
    b.drive("bicycle", line(-4.7, 80, -4.7, -4), 4.8, 0.5)
    for x, sign in ((6.3, 1), (7.2, -1), (-6.2, -1), (-7.1, 1), (6.7, 1), (-6.6, -1)):
        ends = (-1.0, 60.0) if sign > 0 else (60.0, -1.0)
        b.walk(line(x, ends[0], x + 0.2, ends[1]))
    return (6.2, 14.5, 13.0, 66.0), WATER


def _yard(b: _Builder) -> tuple[tuple[float, float, float, float], Colour]:
    b.rect(-70, 70, -5, 70, (134, 138, 142))
    b.joints(-36, 36, 4, 40, 6.0, (118, 122, 126))
    for number in range(6):
        x = -20.0 + 3.2 * number
        b.rect(x - 0.06, x + 0.06, 24.0, 29.5, MARKING)
    for corner in (
        (6.0, 16.0, 13.0, 13.15),
        (6.0, 16.0, 20.85, 21.0),
        (6.0, 6.15, 13.0, 21.0),
        (15.85, 16.0, 13.0, 21.0),
    ):
        b.rect(*corner, (50, 190, 225))
    for z in np.arange(13.6, 20.6, 1.1):
        b.rect(6.15, 15.85, z, z + 0.14, (50, 190, 225))
    b.props.append(make.building(b.rng, -13.0, 33.0, 30.0, 12.0, 2, (190, 176, 150)))
    b.props.append(make.building(b.rng, 18.0, 34.0, 24.0, 12.0, 3, (176, 186, 196)))
    b.props += make.railing(-34.0, 31.5, 34.0, 31.5, 1.9, (150, 156, 152))
    b.props.append(make.parked("car", -18.4, 26.8, math.pi / 2, b.pick(CAR_PAINTS)))
    b.props.append(make.parked("car", -15.2, 26.6, -math.pi / 2, b.pick(CAR_PAINTS)))
    b.props.append(make.parked("truck", -8.2, 26.4, math.pi / 2, b.pick(TRUCK_PAINTS)))
    containers: tuple[Colour, ...] = ((150, 92, 42), (60, 70, 160), (84, 124, 70))
    for number, (x, z) in enumerate(((22.0, 24.0), (22.0, 27.2), (15.0, 27.4))):
        b.props.append(make.block(x, z, (6.1, 2.4, 2.6), containers[number]))
    b.props.append(make.block(10.0, 27.0, (1.6, 1.2, 1.0), (80, 120, 160)))
    for x in (-24.0, -2.0, 25.0):
        b.props.append(make.tree(b.rng, x, 31.0, 0.9))
    for x, z in ((-12.0, 23.0), (11.0, 23.0), (1.0, 30.0)):
        b.street_lamp(x, z)
    b.drive("truck", np.array([(-50.0, 18.0), (-2.0, 17.0), (20.0, 20.5), (55.0, 19.0)]), 6.5, 0.1)
    b.drive("car", np.array([(50.0, 14.5), (6.0, 15.5), (-14.0, 20.0), (-55.0, 20.5)]), 7.5, 0.55)
    b.drive("bicycle", line(-34, 11.5, 34, 12.5), 3.9, 0.4)
    # Two cross the marked area, one walks along the fence, one makes rounds.
    b.walk(np.array([(-26.0, 12.5), (4.0, 15.0), (11.0, 17.5), (17.5, 22.0), (30.0, 22.5)]))
    b.walk(np.array([(28.0, 10.0), (13.0, 14.5), (8.5, 19.0), (-4.0, 29.8), (-27.0, 29.8)]))
    b.walk(line(-28, 30.4, 28, 30.4))
    b.walk(line(26, 10.0, -26, 11.0))
    turn = np.linspace(0, 2 * math.pi, 12, endpoint=False)
    ring = np.stack([-4 + 5.2 * np.cos(turn), 16.5 + 3.6 * np.sin(turn)], axis=1)
    b.add("person", Route(ring, 1.3, 0.0, closed=True))
    return (6.8, 17.5, 9.0, 68.0), (134, 138, 142)
