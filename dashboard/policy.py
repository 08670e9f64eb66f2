"""Who may do what, where: the one place that knows (role × region × action).

A new role is one line of :data:`GRANTS` and one of :class:`Role`. Routes ask through :class:`dashboard.access.guard.
Require`; the feed and the live proxy ask :func:`permitted` for each thing that they show.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from dashboard.regions import Scope


class Role(StrEnum):
    """What an account is for."""

    OPERATOR = "operator"
    SHIFT_LEADER = "shift_leader"
    ANALYST = "analyst"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    FIELD_UNIT = "field_unit"
    WALL_SCREEN = "wall_screen"


class Action(StrEnum):
    """What a route, a websocket or an item of the feed asks for."""

    SESSION_OWN = "session.own"
    NODE_READ = "node.read"
    CAMERA_READ = "camera.read"
    CAMERA_WATCH = "camera.watch"
    EVENT_READ = "event.read"
    OVERVIEW_READ = "overview.read"
    ALARM_ACKNOWLEDGE = "alarm.acknowledge"
    ALARM_OWN = "alarm.own"
    ALARM_COMMENT = "alarm.comment"
    ALARM_WORK = "alarm.work"
    ALARM_SHELVE = "alarm.shelve"
    ALARM_CLOSE = "alarm.close"
    ALARM_REOPEN = "alarm.reopen"
    SITUATION_CORRECT = "situation.correct"
    LOAD_READ = "load.read"
    DESK_READ = "desk.read"
    DESK_WORK = "desk.work"
    RECORDING_READ = "recording.read"
    RECORDING_LOCK = "recording.lock"
    PATROL_READ = "patrol.read"
    PATROL_DRIVE = "patrol.drive"
    SCENE_READ = "scene.read"
    SCENE_MAKE = "scene.make"
    SCREEN_READ = "screen.read"
    SCREEN_PUSH = "screen.push"
    SCREEN_ENROL = "screen.enrol"
    METRICS_READ = "metrics.read"
    AUDIT_READ = "audit.read"
    SETTINGS_READ = "settings.read"
    SETTINGS_CHANGE = "settings.change"


_READS = frozenset({Action.SESSION_OWN, Action.NODE_READ, Action.CAMERA_READ, Action.EVENT_READ, Action.OVERVIEW_READ})
_WALL = _READS | {Action.DESK_READ} | {Action.CAMERA_WATCH, Action.PATROL_READ, Action.SCENE_READ, Action.SCREEN_READ}
_ALARMS = {
    Action.ALARM_ACKNOWLEDGE,
    Action.ALARM_OWN,
    Action.ALARM_COMMENT,
    Action.ALARM_WORK,
    Action.ALARM_SHELVE,
    Action.ALARM_CLOSE,
    Action.DESK_WORK,
    Action.LOAD_READ,
}
_DESK = _WALL | _ALARMS | {Action.PATROL_DRIVE, Action.RECORDING_READ, Action.SCENE_MAKE, Action.SCREEN_PUSH}

GRANTS: dict[Role, frozenset[Action]] = {
    Role.OPERATOR: _DESK,
    Role.SHIFT_LEADER: _DESK
    | {Action.ALARM_REOPEN, Action.SITUATION_CORRECT, Action.RECORDING_LOCK, Action.AUDIT_READ, Action.SCREEN_ENROL},
    Role.ANALYST: _READS
    | {Action.SITUATION_CORRECT, Action.LOAD_READ, Action.PATROL_READ, Action.RECORDING_READ, Action.RECORDING_LOCK},
    Role.ENGINEER: _WALL | {Action.LOAD_READ, Action.METRICS_READ, Action.SETTINGS_READ, Action.SETTINGS_CHANGE},
    Role.ADMINISTRATOR: frozenset(Action),
    Role.AUDITOR: _READS | {Action.LOAD_READ, Action.AUDIT_READ},
    Role.FIELD_UNIT: _READS | {Action.CAMERA_WATCH, Action.ALARM_COMMENT},
    Role.WALL_SCREEN: _WALL,
}

EXEMPT = frozenset(
    {
        "GET /healthz",  # a probe has no account
        "POST /api/login",  # where an account comes from
        "POST /api/screens/{screen_id}/enrol",  # the code that is asked for is its login
        "GET /{path:path}",  # the page without data
    }
)
"""Routes that ask nothing, by name. Any other without a policy stops the start."""


class Subject(Protocol):
    """Whoever asks."""

    @property
    def role(self) -> Role: ...

    @property
    def scope(self) -> Scope: ...


def permitted(subject: Subject, action: Action, region: str | None = None) -> bool:
    """Whether ``subject`` may do ``action`` in ``region``; without a region: whether its role may at all."""
    if action not in GRANTS[subject.role]:
        return False
    return region is None or subject.scope is None or region in subject.scope
