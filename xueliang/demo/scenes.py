"""What is watched for on the demo's drawn scenes: places on their ground, seen as each camera sees them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from configs.schema import CrowdingRule, IntrusionRule, Line, LineCrossingRule, Severity, Zone
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.scene.places import build
from ingest.simulator.source import SceneSource
from xueliang.demo.county import Watched

Ground = Sequence[tuple[float, float]]
"""Points in metres: x to the right of the mast, z away from it."""

_MARKED: Ground = ((6, 13), (16, 13), (16, 21), (6, 21))
_PLINTH: Ground = ((-4.5, 11.8), (4.5, 11.8), (4.5, 17.6), (-4.5, 17.6))
_LANE: Ground = ((-2.8, 9), (3.4, 9), (3.4, 24), (-2.8, 24))
_ROADSIDE: Ground = ((-14, 17.4), (14, 17.4))
_UP_THE_BRIDGE: Ground = ((-5.2, 22), (5.2, 22))
_VEHICLES = ("car", "truck", "bus")


def watch(source: SceneSource) -> Watched:
    """One rule that people and vehicles of this scene meet in each turn, with its zone or line."""
    match source.kind:
        case SceneKind.YARD:
            zone = Zone(id="marked", name="禁入区", polygon=_seen(source, _MARKED))
            return _intrusion(zone), (zone,), ()
        case SceneKind.SQUARE:
            zone = Zone(id="plinth", name="广场中心", polygon=_seen(source, _PLINTH))
            return _crowding(zone, limit=5), (zone,), ()
        case SceneKind.MARKET:
            zone = Zone(id="lane", name="市场通道", polygon=_seen(source, _LANE))
            return _crowding(zone, limit=8), (zone,), ()
        case SceneKind.STREET:
            a, b = _seen(source, _ROADSIDE)
            line = Line(id="road", name="道路中线", a=a, b=b)
            return _crossing(line, "行人过街", Severity.MEDIUM, ("person",)), (), (line,)
        case SceneKind.BRIDGE:
            a, b = _seen(source, _UP_THE_BRIDGE)
            line = Line(id="bridge", name="桥面断面", a=a, b=b)
            return _crossing(line, "车辆过桥", Severity.LOW, _VEHICLES), (), (line,)


def _seen(source: SceneSource, ground: Ground) -> tuple[tuple[float, float], ...]:
    """Where these points of the ground lie in the picture, normalised, and moved to its edge where they are outside."""
    view = build(source.kind, source.seed, source.width, source.height, float(source.seconds)).view
    pixels = view.to_pixels(view.to_camera(np.array([(x, 0.0, z) for x, z in ground])))
    size = (source.width, source.height)
    points = [tuple(round(min(max(v / s, 0.0), 1.0), 4) for v, s in zip(pixel, size, strict=True)) for pixel in pixels]
    return tuple((x, y) for x, y in points)


def _intrusion(zone: Zone) -> IntrusionRule:
    return IntrusionRule(
        id="marked",
        kind="intrusion",
        name="人员闯入",
        severity=Severity.HIGH,
        rearm_s=120,
        zone=zone.id,
        dwell_s=1,
        classes=("person",),
    )


def _crowding(zone: Zone, limit: int) -> CrowdingRule:
    return CrowdingRule(
        id="crowd",
        kind="crowding",
        name="人员聚集",
        severity=Severity.CRITICAL,
        rearm_s=180,
        zone=zone.id,
        limit=limit,
        duration_s=2,
    )


def _crossing(line: Line, name: str, severity: Severity, classes: tuple[str, ...]) -> LineCrossingRule:
    return LineCrossingRule(
        id="line",
        kind="line_crossing",
        name=name,
        severity=severity,
        rearm_s=120,
        line=line.id,
        classes=classes,
    )
