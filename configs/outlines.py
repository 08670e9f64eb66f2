"""Outlines of regions: a GeoJSON file (RFC 7946) that the settings name under ``map.outlines``.

A ``FeatureCollection`` of ``Polygon`` and ``MultiPolygon``; a feature belongs to the region whose id it carries as its
``id``, or as ``region`` among its properties. Positions are longitude, latitude, WGS 84 degrees; a height is left out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_POINTS = 100_000
"""Of all outlines together: what a page still draws at once."""

Position = tuple[float, float]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]
"""The outer ring, then holes; each closed: its last position is its first."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a region lies."""

    region: str
    polygons: tuple[Polygon, ...]


class BadOutlines(Exception):
    """The file cannot be used. ``faults`` is never empty: each says where in the file, and what."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


def read(file: Path, regions: Collection[str]) -> tuple[Outline, ...]:
    """The outlines of a file, each of one of ``regions``. Raises :class:`BadOutlines` with every fault."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadOutlines((f"cannot be read: {reason}",)) from None
    return parse(text, regions)


def parse(text: str, regions: Collection[str]) -> tuple[Outline, ...]:
    """As :func:`read`, of the file's text."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadOutlines((f"not JSON: {error}",)) from None
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        raise BadOutlines(("want a GeoJSON FeatureCollection",))
    features = data.get("features")
    faults: list[str] = []
    found: dict[str, Outline] = {}
    for index, feature in enumerate(features if isinstance(features, list) else []):
        at = f"features[{index}]"
        region = _region_of(feature)
        if region is None:
            faults.append(f"{at}: names no region: give it the region's id as its id")
            continue
        if region not in regions:
            faults.append(f"{at}: no region named {region!r}")
        if region in found:
            faults.append(f"{at}: region {region!r} has an outline already")
        polygons, wrong = _polygons(feature.get("geometry"), f"{at}.geometry")
        faults += wrong
        found[region] = Outline(region, polygons)
    if not found and not faults:
        faults.append("holds no feature")
    points = sum(len(ring) for outline in found.values() for polygon in outline.polygons for ring in polygon)
    if points > MOST_POINTS:
        faults.append(f"holds {points} points, more than {MOST_POINTS}: simplify the outlines")
    if faults:
        raise BadOutlines(tuple(faults))
    return tuple(found.values())


def _region_of(feature: Any) -> str | None:
    if not isinstance(feature, dict):
        return None
    properties = feature.get("properties")
    told = feature.get("id", properties.get("region") if isinstance(properties, dict) else None)
    return told if isinstance(told, str) else None


def _polygons(geometry: Any, at: str) -> tuple[tuple[Polygon, ...], list[str]]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        return (), [f"{at}: want a Polygon or a MultiPolygon, got {kind or 'none'}"]
    told = geometry.get("coordinates")
    parts = [(f"{at}.coordinates", told)]
    if kind == "MultiPolygon":
        parts = [(f"{at}.coordinates[{n}]", part) for n, part in enumerate(told if isinstance(told, list) else [])]
    if not parts:
        return (), [f"{at}: holds no polygon"]
    faults: list[str] = []
    polygons = tuple(_polygon(part, place, faults) for place, part in parts)
    return polygons, faults


def _polygon(told: Any, at: str, faults: list[str]) -> Polygon:
    if not isinstance(told, list) or not told:
        faults.append(f"{at}: holds no polygon")
        return ()
    rings = []
    for index, ring in enumerate(told):
        place = f"{at}[{index}]"
        positions = tuple(_positions(ring, place, faults))
        if isinstance(ring, list) and len(positions) == len(ring):
            # RFC 7946, 3.1.6: a linear ring is closed and has four or more positions.
            if len(positions) < 4:
                faults.append(f"{place}: a ring has four or more positions, this one has {len(positions)}")
            elif positions[0] != positions[-1]:
                faults.append(f"{place}: the ring is not closed: its last position is not its first")
        rings.append(positions)
    return tuple(rings)


def _positions(ring: Any, at: str, faults: list[str]) -> Iterator[Position]:
    """The ring's good positions; at the first bad one it is told, and the ring is not looked at further."""
    for index, position in enumerate(ring if isinstance(ring, list) else []):
        numbers = position[:2] if isinstance(position, list) else []
        if len(numbers) != 2 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
            faults.append(f"{at}[{index}]: want a position [longitude, latitude]")
            return
        lon, lat = numbers
        if not -180 <= lon <= 180:
            faults.append(f"{at}[{index}]: longitude {lon:g} lies outside -180 to 180")
            return
        if not -90 <= lat <= 90:
            swapped = "; a position is longitude, then latitude" if abs(lat) <= 180 else ""
            faults.append(f"{at}[{index}]: latitude {lat:g} lies outside -90 to 90{swapped}")
            return
        yield float(lon), float(lat)
