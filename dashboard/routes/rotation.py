"""The rotation over HTTP."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from dashboard.access.guard import PatrolDriver, PatrolReader
from dashboard.dependencies import Deps
from dashboard.errors import RESPONSES, ApiError
from dashboard.feed.items import visible_rotation
from dashboard.patrol.driver import Contended
from dashboard.patrol.rotation import Rotation, RotationState
from dashboard.routes.session import address_of

router = APIRouter(tags=["rotation"], responses=RESPONSES)


@router.get("/api/rotation")
async def rotation(viewer: PatrolReader, deps: Deps) -> Rotation:
    """Who is shown, who comes next and when, as far as the viewer covers it. 503 before the first step."""
    raw = await deps.bus.rotation()
    if not raw:
        raise ApiError(503, "rotation_away", "The rotation has not started yet.", "Try again in a moment.")
    state = RotationState.model_validate_json(raw)
    return visible_rotation(deps.machine.view(state, deps.clock()), viewer.scope, deps.regions)


@router.post("/api/rotation/next")
async def skip(viewer: PatrolDriver, request: Request, deps: Deps) -> Rotation:
    """The visit nearest to its end gives way at once."""
    try:
        state = await deps.driver.skip()
    except Contended:
        raise ApiError(503, "rotation_busy", "The rotation is being changed elsewhere.", "Try again.") from None
    await run_in_threadpool(deps.accounts.record, "rotation.next", viewer.account.username, address_of(request))
    return visible_rotation(deps.machine.view(state, deps.clock()), viewer.scope, deps.regions)
