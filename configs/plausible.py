"""Rules that are well written and can never tell anything, or lack what they go by: each named at its line. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from configs.document import Document, Fault, Path
from configs.places import Zone
from configs.rules import CameraFaultRule, CrowdingRule, ObjectRule, Rule, WrongWayRule
from configs.schedule import Span
from configs.schema import Camera, Settings

LEAST_HEIGHT = 0.02
"""Share of the picture's height: what is smaller is not found by any model that we know: 22 of 1080 lines."""

FOOTPRINT = 0.3
"""Of its height is how wide somebody stands."""


def check(document: Document, settings: Settings, classes: Collection[str] | None) -> list[Fault]:
    """Every such rule of valid settings. ``classes``: those that the model finds; None: not asked for."""
    faults = []
    for number, camera in enumerate(settings.cameras):
        for index, rule in enumerate(camera.rules):
            path: Path = ("cameras", number, "rules", index)
            for below, message in _of_rule(rule, camera, settings):
                faults.append(document.fault((*path, *below), message))
            if isinstance(rule, ObjectRule) and classes is not None and "classes" in rule.model_fields_set:
                for place, name in enumerate(rule.classes):
                    if name not in classes:
                        told = f"the model finds nothing that it calls {name!r}{_nearest(name, classes)}"
                        faults.append(document.fault((*path, "classes", place), told))
    return faults


def _of_rule(rule: Rule, camera: Camera, settings: Settings) -> Iterator[tuple[Path, str]]:
    if rule.schedule is not None and not _ever(rule.schedule, settings):
        days = "no day is listed under holidays" if any(span.days for span in rule.schedule) else "it holds no time"
        yield ("schedule",), f"the rule can never tell anything: {days}; left out, it watches always"
    if isinstance(rule, CameraFaultRule) and not rule.faults:
        yield ("faults",), "the rule can never tell anything: it is about no fault"
    if not isinstance(rule, ObjectRule):
        return
    if not rule.classes:
        yield ("classes",), "the rule can never tell anything: it is about no class"
    zone = _zone(rule, camera)
    if zone is None:
        return
    yield from _of_zone(rule, zone)
    if isinstance(rule, WrongWayRule) and zone.way is None:
        yield ("zone",), f"zone {zone.id!r} has no way: draw one, from a point to a point"
    if isinstance(rule, CrowdingRule) and zone.area_m2 is None:
        asked = [rule, *rule.plan]
        if any(limit.density is not None for limit in asked):
            yield ("density",), f"zone {zone.id!r} has no area_m2: a density is counted on it"


def _of_zone(rule: ObjectRule, zone: Zone) -> Iterator[tuple[Path, str]]:
    xs, ys = zip(*zone.polygon, strict=True)
    smallest = max(rule.min_height, LEAST_HEIGHT)
    size = f"the smallest object that counts ({smallest:g} of the picture's height)"
    if max(xs) - min(xs) < FOOTPRINT * smallest and max(ys) - min(ys) < FOOTPRINT * smallest:
        yield ("zone",), f"the rule can never tell anything: zone {zone.id!r} is smaller than the footprint of {size}"
    elif max(ys) < smallest:
        yield ("zone",), f"the rule can never tell anything: over zone {zone.id!r} is no room for {size}"


def _zone(rule: ObjectRule, camera: Camera) -> Zone | None:
    named = getattr(rule, "zone", None)
    return next((zone for zone in camera.zones if zone.id == named), None)


def _ever(spans: Sequence[Span], settings: Settings) -> bool:
    """Whether some time lies in one of the spans."""
    return any(day != "holiday" or settings.holidays for span in spans for day in span.days)


def _nearest(name: str, classes: Collection[str]) -> str:
    found = get_close_matches(name.lower(), sorted(classes), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
