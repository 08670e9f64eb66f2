"""Draws ``county.geojson``: outlines of the example county, which is invented, as its towns and villages are.

Run as ``python configs/examples/draw_county.py``. Each village is the part of the county that lies nearest to its
centre (a Voronoi cell), and what two villages share is drawn once, so that outlines meet without gap or overlap. A
straight border is bent by midpoint displacement (Fournier, Fussell and Carpenter 1982), by its own ends alone.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

Point = tuple[float, float]
Edge = tuple[Point, Point]

VILLAGES: dict[str, Point] = {
    "liuhe-heyan": (118.285, 31.612),
    "liuhe-xinjie": (118.345, 31.686),
    "liuhe-binhe": (118.312, 31.527),
    "shiqiao-jishi": (118.432, 31.632),
    "shiqiao-qiaotou": (118.470, 31.712),
    "shiqiao-guodao": (118.545, 31.655),
    "dongling-lingxia": (118.548, 31.548),
    "dongling-xiqiao": (118.430, 31.520),
}
CENTRE: Point = (118.42, 31.605)
COUNTY_SPAN: Point = (0.215, 0.165)
CITY_SPAN: Point = (0.37, 0.27)
CITY_CENTRE: Point = (118.48, 31.60)
BENDS = 4
ROUGHNESS = 0.13
DIGITS = 5


def ellipse(centre: Point, span: Point, corners: int, wobble: Sequence[float]) -> list[Point]:
    """A closed curve around ``centre``, pushed in and out."""
    points = []
    for n in range(corners):
        angle = 2 * math.pi * n / corners
        reach = 1 + 0.13 * math.sin(2 * angle + wobble[0]) + 0.08 * math.sin(3 * angle + wobble[1])
        points.append((centre[0] + span[0] * reach * math.cos(angle), centre[1] + span[1] * reach * math.sin(angle)))
    return points


def nearer(polygon: Sequence[Point], here: Point, there: Point) -> list[Point]:
    """The part of the polygon that lies nearer to ``here`` (Sutherland and Hodgman 1974)."""

    def side(p: Point) -> float:
        return math.dist(p, there) ** 2 - math.dist(p, here) ** 2

    kept: list[Point] = []
    for a, b in pairwise([*polygon, polygon[0]]):
        if side(a) >= 0:
            kept.append(a)
        if (side(a) >= 0) != (side(b) >= 0):
            share = side(a) / (side(a) - side(b))
            kept.append((a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))
    return kept


def edges(polygon: Iterable[Point]) -> Iterator[Edge]:
    """Between neighbouring corners, rounded so that both sides of a border name the same ones."""
    corners = [(round(x, DIGITS), round(y, DIGITS)) for x, y in polygon]
    for a, b in pairwise([*corners, corners[0]]):
        if a != b:
            yield a, b


def bent(edge: Edge) -> list[Point]:
    """The edge as a line of many pieces, its first point included and its last left out; the same from both ends."""
    a, b = min(edge), max(edge)
    chance = random.Random(repr((a, b)))  # noqa: S311 - a drawing
    line = [a, b]
    for _ in range(BENDS):
        finer = [line[0]]
        for p, q in pairwise(line):
            push = ROUGHNESS * (chance.random() * 2 - 1)
            middle = ((p[0] + q[0]) / 2 - push * (q[1] - p[1]), (p[1] + q[1]) / 2 + push * (q[0] - p[0]))
            finer += [(round(middle[0], DIGITS), round(middle[1], DIGITS)), q]
        line = finer
    return line[:-1] if edge == (a, b) else line[:0:-1]


def around(cells: Iterable[Iterable[Edge]]) -> list[Point]:
    """The outline of cells together: their edges, those between two of them left out."""
    every = [edge for cell in cells for edge in cell]
    follows = {a: (a, b) for a, b in every if (b, a) not in every}
    first = here = min(follows)
    line: list[Point] = []
    while not line or here != first:
        line += bent(follows[here])
        here = follows[here][1]
    return [*line, first]


def main() -> None:
    county = ellipse(CENTRE, COUNTY_SPAN, 14, (0.6, 1.1))
    cells: dict[str, list[Edge]] = {}
    for name, here in VILLAGES.items():
        cell = county
        for there in VILLAGES.values():
            if there != here:
                cell = nearer(cell, here, there)
        cells[name] = list(edges(cell))
    towns = dict.fromkeys(name.split("-", maxsplit=1)[0] for name in cells)
    outlines = {
        "wuzhou": around([list(edges(ellipse(CITY_CENTRE, CITY_SPAN, 16, (2.1, 0.4))))]),
        "hedong": around(cells.values()),
        **{town: around(cell for name, cell in cells.items() if name.startswith(f"{town}-")) for town in towns},
        **{name: around([cell]) for name, cell in cells.items()},
    }
    features = [
        {"type": "Feature", "id": name, "properties": {}, "geometry": {"type": "Polygon", "coordinates": [line]}}
        for name, line in outlines.items()
    ]
    lines = ",\n".join(json.dumps(feature, separators=(",", ":")) for feature in features)
    text = f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'
    (Path(__file__).parent / "county.geojson").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
