"""Who may do what, where; and no route without an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import Depends, WebSocket

from dashboard import static
from dashboard.access.coverage import Unguarded, policies, require_policies
from dashboard.access.guard import Require
from dashboard.app import routes
from dashboard.policy import EXEMPT, GRANTS, Action, Role, permitted


@dataclass(frozen=True)
class Asking:
    role: Role
    scope: frozenset[str] | None


@pytest.mark.parametrize(
    ("role", "action", "allowed", "why"),
    [
        (Role.OPERATOR, Action.ALARM_ACKNOWLEDGE, True, "that is the desk's work"),
        (Role.OPERATOR, Action.METRICS_READ, False, "figures are the engineer's"),
        (Role.SHIFT_LEADER, Action.AUDIT_READ, True, "answers for the shift"),
        (Role.ANALYST, Action.CAMERA_WATCH, False, "looks at what was, not at what is"),
        (Role.ANALYST, Action.EVENT_READ, True, "asks afterwards"),
        (Role.ENGINEER, Action.ALARM_ACKNOWLEDGE, False, "keeps the machines, not the watch"),
        (Role.ENGINEER, Action.METRICS_READ, True, "keeps the machines"),
        (Role.ADMINISTRATOR, Action.AUDIT_READ, True, "everything"),
        (Role.AUDITOR, Action.AUDIT_READ, True, "reads who did what"),
        (Role.AUDITOR, Action.CAMERA_WATCH, False, "reads, does not watch"),
        (Role.FIELD_UNIT, Action.PATROL_DRIVE, False, "is outside"),
        (Role.OPERATOR, Action.ALARM_CLOSE, True, "says what it turned out to be"),
        (Role.OPERATOR, Action.ALARM_REOPEN, False, "what is closed is opened by who answers for the shift"),
        (Role.SHIFT_LEADER, Action.ALARM_REOPEN, True, "answers for the shift"),
        (Role.ENGINEER, Action.DESK_WORK, False, "has no desk"),
        (Role.FIELD_UNIT, Action.ALARM_COMMENT, True, "tells what it finds"),
        (Role.AUDITOR, Action.LOAD_READ, True, "reads what desks had to bear"),
        (Role.WALL_SCREEN, Action.CAMERA_WATCH, True, "shows"),
        (Role.WALL_SCREEN, Action.ALARM_ACKNOWLEDGE, False, "a screen decides nothing"),
    ],
)
def test_roles(role: Role, action: Action, allowed: bool, why: str) -> None:
    assert permitted(Asking(role, None), action) is allowed, why


def test_every_role_has_grants_and_its_own_session() -> None:
    assert set(GRANTS) == set(Role)
    assert all(Action.SESSION_OWN in actions for actions in GRANTS.values())


def test_regions_narrow_a_role_and_never_widen_it() -> None:
    east = Asking(Role.OPERATOR, frozenset({"east"}))
    assert permitted(east, Action.EVENT_READ, "east")
    assert not permitted(east, Action.EVENT_READ, "west")
    assert not permitted(Asking(Role.OPERATOR, frozenset()), Action.EVENT_READ, "east")
    assert not permitted(Asking(Role.ANALYST, None), Action.CAMERA_WATCH, "east")


def test_every_route_and_websocket_asks_the_policy_or_is_exempt_by_name() -> None:
    app = routes("t", "1")
    app.include_router(static.router(Path()))
    found = policies(app)
    assert {"WS /api/feed", "WS /api/live", "WS /api/live/{camera_id}", "GET /api/events"} <= set(found)
    assert {name for name, actions in found.items() if not actions} == EXEMPT
    require_policies(app)


def test_a_forgotten_policy_stops_the_start() -> None:
    app = routes("t", "1")
    app.include_router(static.router(Path()))

    @app.get("/api/forgotten")
    def forgotten() -> None: ...

    @app.websocket("/api/forgotten-too")
    async def forgotten_too(socket: WebSocket) -> None: ...

    @app.get("/api/guarded", dependencies=[Depends(Require(Action.NODE_READ))])
    def guarded() -> None: ...

    with pytest.raises(Unguarded) as told:
        require_policies(app)
    assert "GET /api/forgotten, WS /api/forgotten-too" in str(told.value)
    assert "guarded" not in str(told.value)


def test_the_contracts_actions_stand_on_their_routes() -> None:
    found = policies(routes("t", "1"))
    assert found["POST /api/events/{event_id}/acknowledge"] >= {Action.ALARM_ACKNOWLEDGE}
    for word in ("own", "comment", "shelve", "close", "reopen"):
        assert found[f"POST /api/events/{{event_id}}/{word}"] == {Action(f"alarm.{word}")}
    assert found["POST /api/events/{event_id}/unshelve"] == {Action.ALARM_SHELVE}
    assert found["POST /api/events/{event_id}/start"] == {Action.ALARM_WORK}
    assert found["POST /api/desks/{desk_id}/take"] == {Action.DESK_WORK}
    assert found["GET /api/alarms/load"] == {Action.LOAD_READ}
    assert found["POST /api/rotation/next"] == {Action.PATROL_DRIVE}
    assert found["WS /api/live"] == found["WS /api/live/{camera_id}"] == {Action.CAMERA_WATCH}
    assert found["GET /metrics"] == {Action.METRICS_READ}
