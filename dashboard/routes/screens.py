"""Wall screens: what they show, pushing to them, letting them in."""

from __future__ import annotations

import math
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboard.access.guard import ScreenEnroller, ScreenPusher, ScreenReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.desks.keeper import is_member
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.messages import Done, Me
from dashboard.policy import Action
from dashboard.routes.events import visible
from dashboard.routes.scenes import require_watched
from dashboard.routes.session import address_of, me_of, set_session
from dashboard.screens.director import Contended
from dashboard.screens.messages import Enrolling, Pushing, ScreenCode, ScreenInfo, TakingBack
from dashboard.screens.screen import (
    Driver,
    ScreenRefused,
    ScreenState,
    ShownAlarm,
    ShownOverview,
    ShownScene,
    pushed,
    taken_back,
)

router = APIRouter(prefix="/api/screens", tags=["screens"], responses=RESPONSES)


@router.get("")
def screens(viewer: ScreenReader, deps: Deps) -> tuple[ScreenInfo, ...]:
    """The screens whose regions the account covers, all of them, in the order of the settings."""
    return _infos(viewer, deps)


@router.post("/{screen_id}/push")
async def push(viewer: ScreenPusher, request: Request, deps: Deps, screen_id: str, body: Pushing) -> ScreenInfo:
    """Show it there. 409 ``screen_driven`` while another drives the screen and ``seen`` does not say that one knows;
    409 ``screen_changed`` where it is no longer as ``seen`` says.
    """
    _require_screen(viewer, deps, screen_id)
    await run_in_threadpool(_require_showable, viewer, deps, screen_id, body.content)
    driver, now = _driver(viewer, deps), deps.clock()
    return await _step(
        viewer,
        request,
        deps,
        screen_id,
        "screen.push",
        lambda state: pushed(state, body.content, driver, now, body.seen),
    )


@router.post("/{screen_id}/clear")
async def clear(
    viewer: ScreenPusher, request: Request, deps: Deps, screen_id: str, body: TakingBack | None = None
) -> ScreenInfo:
    """Take back what is on show. 409 as for a push."""
    _require_screen(viewer, deps, screen_id)
    driver, now, seen = _driver(viewer, deps), deps.clock(), body.seen if body else None
    return await _step(
        viewer, request, deps, screen_id, "screen.clear", lambda state: taken_back(state, driver, now, seen)
    )


@router.post("/{screen_id}/code")
def code(viewer: ScreenEnroller, request: Request, deps: Deps, screen_id: str) -> ScreenCode:
    """A code that lets one browser in as this screen."""
    _require_screen(viewer, deps, screen_id, Action.SCREEN_ENROL)
    made, expires_at = deps.enrolment.make_code(screen_id)
    deps.accounts.record("screen.code", viewer.account.username, address_of(request), screen_id)
    return ScreenCode(code=made, expires_at=expires_at)


@router.delete("/{screen_id}/enrolment")
async def revoke(viewer: ScreenEnroller, request: Request, deps: Deps, screen_id: str) -> Done:
    """Every browser that was let in as this screen is out again; their websockets close within seconds."""
    _require_screen(viewer, deps, screen_id, Action.SCREEN_ENROL)
    for session in await run_in_threadpool(deps.accounts.end_screen, screen_id):
        deps.watch.end(session)
    await run_in_threadpool(
        deps.accounts.record, "screen.revoke", viewer.account.username, address_of(request), screen_id
    )
    return Done()


@router.post("/{screen_id}/enrol")
def enrol(request: Request, response: Response, deps: Deps, screen_id: str, body: Enrolling) -> Me:
    """Opens the screen's long session by its code. 401 for a wrong one, 429 after too many from one address."""
    address, typed = address_of(request), body.code.replace(" ", "")
    wait_s = math.ceil(deps.guard.wait_s(f"screen:{screen_id}", address))
    if wait_s > 0:
        raise ApiError(
            429,
            "login_wait",
            "Too many wrong codes from here.",
            f"Try again in {wait_s} s.",
            detail={"wait_s": float(wait_s)},
            headers={"retry-after": str(wait_s)},
        )
    deps.guard.charge(f"screen:{screen_id}", address)
    screen = deps.director.screens.get(screen_id)
    if screen is None or not deps.enrolment.redeem(screen.id, typed):
        deps.accounts.record("screen.enrol.failed", "", address, screen_id)
        raise ApiError(
            401,
            "wrong_code",
            "This code does not let this screen in, or no longer.",
            "Ask a shift leader for a new one.",
        )
    deps.guard.succeeded(f"screen:{screen_id}", address)
    account = deps.accounts.screen(screen.id, screen.name)
    set_session(request, response, account, deps.accounts.open_session(account, address))
    deps.accounts.record("screen.enrol", account.username, address, screen_id)
    return me_of(account)


async def _step(
    viewer: Viewer,
    request: Request,
    deps: Parts,
    screen_id: str,
    action: str,
    step: Callable[[ScreenState], ScreenState],
) -> ScreenInfo:
    try:
        status = await deps.director.change(screen_id, step)
    except ScreenRefused as refused:
        raise _told(refused) from None
    except Contended:
        raise ApiError(503, "screen_busy", "The screen is being changed elsewhere.", "Try again.") from None
    shown = "nothing" if status.state.content is None else status.state.content.kind
    await run_in_threadpool(
        deps.accounts.record, action, viewer.account.username, address_of(request), screen_id, shown
    )
    infos = await run_in_threadpool(_infos, viewer, deps)
    return next(info for info in infos if info.id == screen_id)


def _covers(viewer: Viewer, regions: tuple[str, ...], action: Action) -> bool:
    return all(viewer.may(action, region) for region in regions)


def _require_screen(viewer: Viewer, deps: Parts, screen_id: str, action: Action = Action.SCREEN_PUSH) -> None:
    screen = deps.director.screens.get(screen_id)
    if screen is None or not _covers(viewer, screen.regions, action):
        raise not_found("screen")


def _require_showable(
    viewer: Viewer, deps: Parts, screen_id: str, content: ShownScene | ShownAlarm | ShownOverview
) -> None:
    """What is pushed the viewer may see, and so may who stands before the screen."""
    scope = deps.regions.scope(deps.director.screens[screen_id].regions)
    regions: set[str | None] = set()
    if isinstance(content, ShownScene):
        require_watched(viewer, deps, content)
        regions = {deps.regions.region_of_camera(camera) for camera in content.cameras()}
    elif isinstance(content, ShownAlarm):
        regions = {visible(viewer, deps, content.event_id).region_id}
    if scope is not None and not regions <= scope:
        raise ApiError(
            409,
            "not_of_the_screen",
            "Some of it lies outside the regions that this screen may show.",
            "Choose another screen, or leave it out.",
        )


def _driver(viewer: Viewer, deps: Parts) -> Driver:
    desk = next((each for each in deps.keeper.tree.desks.values() if is_member(each, viewer)), None)
    who = Driver(account=viewer.account.id, name=viewer.account.display_name)
    if desk is None:
        return who
    return who.model_copy(update={"desk": desk.id, "desk_name": desk.name, "desk_name_en": desk.name_en})


def _infos(viewer: Viewer, deps: Parts) -> tuple[ScreenInfo, ...]:
    enrolled = deps.accounts.screens_let_in()
    return tuple(
        ScreenInfo(
            **dict(deps.director.status(screen.id)),
            name=screen.name,
            name_en=screen.name_en,
            regions=screen.regions,
            enrolled=screen.id in enrolled,
        )
        for screen in deps.director.screens.values()
        if _covers(viewer, screen.regions, Action.SCREEN_READ)
    )


def _told(refused: ScreenRefused) -> ApiError:
    state = refused.state
    who = state.driver
    detail: dict[str, str | float | None] = {
        "by_name": None if who is None else who.desk_name or who.name,
        "at": state.since,
        "version": state.version,
    }
    if refused.why == "driven":
        return ApiError(
            409, "screen_driven", "Somebody else drives this screen.", "Confirm that you take it over.", detail=detail
        )
    return ApiError(
        409, "screen_changed", "The screen shows something else by now.", "Look at it and push again.", detail=detail
    )
