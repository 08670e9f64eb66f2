"""Which class runs which rule of the settings.

A new rule is: its settings in :mod:`configs.schema` (a class, and its name in ``Rule``), its word in
``alerts.event.EventKind``, a module beside this one, and a ``case`` here.
"""

from __future__ import annotations

from typing import assert_never

from alerts.rules.base import StateRule, TrackRule
from alerts.rules.crowding import Crowding
from alerts.rules.intrusion import Intrusion
from alerts.rules.line_crossing import LineCrossing
from alerts.rules.offline import CameraOffline
from configs.schema import Camera, CrowdingRule, IntrusionRule, Line, LineCrossingRule, OfflineRule, Rule, Zone


def build(rule: Rule, camera: Camera) -> TrackRule | StateRule:
    """The running rule. Raises ``ValueError`` where the camera has no such zone or line."""
    match rule:
        case IntrusionRule():
            return Intrusion(rule, zone_of(camera, rule.zone, rule.id))
        case LineCrossingRule():
            return LineCrossing(rule, line_of(camera, rule.line, rule.id))
        case CrowdingRule():
            return Crowding(rule, zone_of(camera, rule.zone, rule.id))
        case OfflineRule():
            return CameraOffline(rule)
        case _:
            assert_never(rule)


def zone_of(camera: Camera, zone_id: str, rule_id: str) -> Zone:
    """The camera's zone. Raises ``ValueError`` naming camera, rule and zone where there is none."""
    for zone in camera.zones:
        if zone.id == zone_id:
            return zone
    raise ValueError(f"camera {camera.id}, rule {rule_id}: no zone {zone_id!r}; draw it or name another")


def line_of(camera: Camera, line_id: str, rule_id: str) -> Line:
    """The camera's line. Raises ``ValueError`` naming camera, rule and line where there is none."""
    for line in camera.lines:
        if line.id == line_id:
            return line
    raise ValueError(f"camera {camera.id}, rule {rule_id}: no line {line_id!r}; draw it or name another")
