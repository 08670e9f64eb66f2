"""Faults that no single value shows: names that point nowhere, or stand twice.

Works on the plain document, not on the validated model, so that a file with a typing error still gets all its
dangling references told in the same run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from configs.document import Document, Fault, Path
from configs.schema import RegionLevel

_LEVELS = [level.value for level in RegionLevel]


def check(document: Document) -> list[Fault]:
    """Every dangling or doubled name of the document, in the document's order."""
    data = document.data
    faults: list[Fault] = []
    regions = set(_regions(document, faults))
    sites = _names(document, ("sites",), "site", faults)
    cameras = _names(document, ("cameras",), "camera", faults)
    for path, site in _mappings(data, ("sites",)):
        _points_to(document, (*path, "region"), site.get("region"), regions, "region", faults)
    watched: set[str] = set()
    for path, camera in _mappings(data, ("cameras",)):
        _points_to(document, (*path, "site"), camera.get("site"), sites, "site", faults)
        watched.add(str(camera.get("site")))
        _camera(document, path, faults)
    _desks(document, regions, sites, faults)
    _names(document, ("screens",), "screen", faults)
    for path, screen in _mappings(data, ("screens",)):
        for index, region in enumerate(_listed(screen.get("regions"))):
            _points_to(document, (*path, "regions", index), region, regions, "region", faults)
    patrol = data.get("patrol")
    listed = patrol.get("sites") if isinstance(patrol, dict) else None
    for index, name in enumerate(listed if isinstance(listed, list) else []):
        path = ("patrol", "sites", index)
        _points_to(document, path, name, sites, "site", faults)
        if cameras and name in sites and name not in watched:
            faults.append(document.fault(path, f"site {name!r} has no camera, the patrol cannot show it"))
    return faults


def _desks(document: Document, regions: set[str], sites: set[str], faults: list[Fault]) -> None:
    desks = _names(document, ("desks",), "desk", faults)
    parents: dict[str, str] = {}
    for path, desk in _mappings(document.data, ("desks",)):
        for index, region in enumerate(_listed(desk.get("regions"))):
            _points_to(document, (*path, "regions", index), region, regions, "region", faults)
        over = desk.get("parent")
        _points_to(document, (*path, "parent"), over, desks, "desk", faults)
        parents[str(desk.get("id"))] = str(over)
        here, seen = str(over), {str(desk.get("id"))}
        while here in parents and here not in seen:
            seen.add(here)
            here = parents[here]
        if here == str(desk.get("id")):
            faults.append(document.fault((*path, "parent"), f"desk {here!r} would be above itself"))
    for path, step in _mappings(document.data, ("alarms", "priority")):
        for index, site in enumerate(_listed(step.get("sites"))):
            _points_to(document, (*path, "sites", index), site, sites, "site", faults)
        for index, region in enumerate(_listed(step.get("regions"))):
            _points_to(document, (*path, "regions", index), region, regions, "region", faults)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _camera(document: Document, path: Path, faults: list[Fault]) -> None:
    zones = _names(document, (*path, "zones"), "zone", faults)
    lines = _names(document, (*path, "lines"), "line", faults)
    _names(document, (*path, "rules"), "rule", faults)
    for below, rule in _mappings(document.data, (*path, "rules")):
        if "zone" in rule:
            _points_to(document, (*below, "zone"), rule["zone"], zones, "zone of this camera", faults)
        if "line" in rule:
            _points_to(document, (*below, "line"), rule["line"], lines, "line of this camera", faults)


def _regions(document: Document, faults: list[Fault]) -> Iterator[str]:
    seen: dict[str, str] = {}

    def walk(path: Path, above: str | None) -> Iterator[str]:
        for below, region in _mappings(document.data, path):
            name, level = region.get("id"), region.get("level")
            if isinstance(name, str):
                if name in seen:
                    faults.append(document.fault((*below, "id"), f"region {name!r} stands twice, first {seen[name]}"))
                seen.setdefault(name, f"on line {document.lines.get((*below, 'id'), '?')}")
                yield name
            if level in _LEVELS and above in _LEVELS and _LEVELS.index(level) <= _LEVELS.index(above):
                faults.append(document.fault((*below, "level"), f"a {level} cannot lie inside a {above}"))
            yield from walk((*below, "children"), level if isinstance(level, str) else None)

    yield from walk(("regions",), None)


def _names(document: Document, path: Path, what: str, faults: list[Fault]) -> set[str]:
    seen: dict[str, int | None] = {}
    for below, item in _mappings(document.data, path):
        name = item.get("id")
        if not isinstance(name, str):
            continue
        if name in seen:
            faults.append(document.fault((*below, "id"), f"{what} {name!r} stands twice, first on line {seen[name]}"))
        seen.setdefault(name, document.lines.get((*below, "id")))
    return set(seen)


def _points_to(document: Document, path: Path, name: Any, known: set[str], what: str, faults: list[Fault]) -> None:
    if isinstance(name, str) and name not in known:
        near = _nearest(name, known)
        faults.append(document.fault(path, f"no {what} named {name!r}" + (f"; did you mean {near!r}?" if near else "")))


def _nearest(name: str, known: set[str]) -> str | None:
    def shared(other: str) -> int:
        pairs = set(pairwise(name.lower()))
        return len(pairs & set(pairwise(other.lower())))

    best = max(sorted(known), key=shared, default=None)
    return best if best is not None and shared(best) * 2 >= len(name) else None


def _mappings(data: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The mappings in the list at ``path``, each with its own path; nothing where the document has another shape."""
    for key in path:
        if isinstance(data, dict):
            data = data.get(str(key))
        elif isinstance(data, list) and isinstance(key, int):
            data = data[key]
        else:
            return
    for index, item in enumerate(data if isinstance(data, list) else []):
        if isinstance(item, dict):
            yield (*path, index), item
