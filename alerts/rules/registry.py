"""Which class runs which rule of the settings.

A new rule is: its settings in :mod:`configs.rules` (a class, and its name in ``Rule``), its word in
``alerts.event.EventKind``, a module beside this one, and a ``case`` here.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from alerts.rules.base import StateRule, TrackRule
from alerts.rules.camera_fault import CameraFault
from alerts.rules.crowding import Crowding
from alerts.rules.intrusion import Intrusion
from alerts.rules.line_crossing import LineCrossing
from alerts.rules.loitering import Loitering
from alerts.rules.offline import CameraOffline
from alerts.rules.scheduled import ScheduledStates, ScheduledTracks
from alerts.rules.stopped_vehicle import StoppedVehicle
from alerts.rules.unattended import Unattended
from alerts.rules.wrong_way import WrongWay
from configs.places import Line, Zone
from configs.rules import (
    CameraFaultRule,
    CrowdingRule,
    IntrusionRule,
    LineCrossingRule,
    LoiteringRule,
    ObjectRule,
    OfflineRule,
    Rule,
    StoppedVehicleRule,
    UnattendedRule,
    WrongWayRule,
)
from configs.schedule import Calendar
from configs.schema import Camera


def build(rule: Rule, camera: Camera, calendar: Calendar) -> TrackRule | StateRule:
    """The running rule. Raises ``ValueError`` where the camera has no such zone or line, or the zone lacks what the
    rule goes by.
    """
    if isinstance(rule, ObjectRule):
        make = partial(_over_objects, rule, camera, calendar)
        return make() if rule.schedule is None else ScheduledTracks(make, rule.schedule, calendar)
    make_state = partial(_over_states, rule)
    return make_state() if rule.schedule is None else ScheduledStates(make_state, rule.schedule, calendar)


def _over_objects(rule: Rule, camera: Camera, calendar: Calendar) -> TrackRule:
    match rule:
        case IntrusionRule():
            return Intrusion(rule, zone_of(camera, rule.zone, rule.id))
        case LoiteringRule():
            return Loitering(rule, zone_of(camera, rule.zone, rule.id))
        case LineCrossingRule():
            return LineCrossing(rule, line_of(camera, rule.line, rule.id))
        case CrowdingRule():
            return Crowding(rule, zone_of(camera, rule.zone, rule.id), calendar)
        case UnattendedRule():
            return Unattended(rule, zone_of(camera, rule.zone, rule.id))
        case WrongWayRule():
            return WrongWay(rule, zone_of(camera, rule.zone, rule.id))
        case StoppedVehicleRule():
            return StoppedVehicle(rule, zone_of(camera, rule.zone, rule.id))
        case OfflineRule() | CameraFaultRule():
            raise TypeError(f"rule {rule.id}: {rule.kind} looks at states")
        case _:
            assert_never(rule)


def _over_states(rule: OfflineRule | CameraFaultRule) -> StateRule:
    match rule:
        case OfflineRule():
            return CameraOffline(rule)
        case CameraFaultRule():
            return CameraFault(rule)
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
