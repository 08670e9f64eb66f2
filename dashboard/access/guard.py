"""From a request's cookie to a viewer, and the one dependency that asks the policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from dashboard.access.viewer import Viewer
from dashboard.accounts import token_hash
from dashboard.dependencies import Deps
from dashboard.errors import ApiError
from dashboard.policy import Action

COOKIE = "xl_session"


def not_logged_in() -> ApiError:
    return ApiError(401, "not_logged_in", "No one is logged in here, or the session has ended.", "Log in.")


def forbidden(action: Action) -> ApiError:
    return ApiError(
        403, "forbidden", f"This account's role may not do this ({action.value}).", "Ask a shift leader for the right."
    )


def viewer_of(connection: HTTPConnection, deps: Deps) -> Viewer | None:
    """The viewer behind the session cookie; ``None`` without a live session. Blocks on the database."""
    token = connection.cookies.get(COOKIE)
    if not token:
        return None
    hashed = token_hash(token)
    account = deps.accounts.session(hashed)
    if account is None:
        return None
    return Viewer(account, deps.regions.scope(deps.director.regions_of(account)), hashed)


class Require:
    """The dependency of every route: who asks, if they may. 401 without a session, 403 without the right.

    Runs in the thread pool, because a session is read from the database at each request: a revoked one ends at once.
    """

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, connection: HTTPConnection, deps: Deps) -> Viewer:
        viewer = viewer_of(connection, deps)
        if viewer is None:
            raise not_logged_in()
        if not viewer.may(self.action):
            raise forbidden(self.action)
        return viewer


@dataclass(frozen=True, slots=True)
class Admission:
    """A websocket's viewer, or the close code that says why there is none: 4401 no session, 4403 no right."""

    viewer: Viewer | None
    close_code: int


class Admit:
    """:class:`Require` for websockets: a browser learns nothing from a refused handshake, but it reads a close code."""

    def __init__(self, action: Action) -> None:
        self.action = action

    def __call__(self, connection: HTTPConnection, deps: Deps) -> Admission:
        viewer = viewer_of(connection, deps)
        if viewer is None:
            return Admission(None, 4401)
        if not viewer.may(self.action):
            return Admission(None, 4403)
        return Admission(viewer, 1000)


Own = Annotated[Viewer, Depends(Require(Action.SESSION_OWN))]
NodeReader = Annotated[Viewer, Depends(Require(Action.NODE_READ))]
CameraReader = Annotated[Viewer, Depends(Require(Action.CAMERA_READ))]
EventReader = Annotated[Viewer, Depends(Require(Action.EVENT_READ))]
OverviewReader = Annotated[Viewer, Depends(Require(Action.OVERVIEW_READ))]
Acknowledger = Annotated[Viewer, Depends(Require(Action.ALARM_ACKNOWLEDGE))]
AlarmOwner = Annotated[Viewer, Depends(Require(Action.ALARM_OWN))]
AlarmCommenter = Annotated[Viewer, Depends(Require(Action.ALARM_COMMENT))]
AlarmWorker = Annotated[Viewer, Depends(Require(Action.ALARM_WORK))]
AlarmShelver = Annotated[Viewer, Depends(Require(Action.ALARM_SHELVE))]
AlarmCloser = Annotated[Viewer, Depends(Require(Action.ALARM_CLOSE))]
AlarmReopener = Annotated[Viewer, Depends(Require(Action.ALARM_REOPEN))]
SituationCorrector = Annotated[Viewer, Depends(Require(Action.SITUATION_CORRECT))]
DeskReader = Annotated[Viewer, Depends(Require(Action.DESK_READ))]
DeskWorker = Annotated[Viewer, Depends(Require(Action.DESK_WORK))]
RecordingReader = Annotated[Viewer, Depends(Require(Action.RECORDING_READ))]
RecordingLocker = Annotated[Viewer, Depends(Require(Action.RECORDING_LOCK))]
LoadReader = Annotated[Viewer, Depends(Require(Action.LOAD_READ))]
PatrolReader = Annotated[Viewer, Depends(Require(Action.PATROL_READ))]
PatrolDriver = Annotated[Viewer, Depends(Require(Action.PATROL_DRIVE))]
SceneReader = Annotated[Viewer, Depends(Require(Action.SCENE_READ))]
SceneMaker = Annotated[Viewer, Depends(Require(Action.SCENE_MAKE))]
ScreenReader = Annotated[Viewer, Depends(Require(Action.SCREEN_READ))]
ScreenPusher = Annotated[Viewer, Depends(Require(Action.SCREEN_PUSH))]
ScreenEnroller = Annotated[Viewer, Depends(Require(Action.SCREEN_ENROL))]
MetricsReader = Annotated[Viewer, Depends(Require(Action.METRICS_READ))]
AuditReader = Annotated[Viewer, Depends(Require(Action.AUDIT_READ))]
SettingsReader = Annotated[Viewer, Depends(Require(Action.SETTINGS_READ))]
SettingsChanger = Annotated[Viewer, Depends(Require(Action.SETTINGS_CHANGE))]
FeedViewer = Annotated[Admission, Depends(Admit(Action.EVENT_READ))]
LiveViewer = Annotated[Admission, Depends(Admit(Action.CAMERA_WATCH))]
