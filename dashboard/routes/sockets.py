"""The two websockets: the feed and a live tile. Close codes say why: 4401, 4403, 4404, 4008 (too slow)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import replace
from typing import Any, Literal

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from dashboard.access.guard import FeedViewer, LiveViewer
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.feed.session import BadMessage, FeedSession, TooSlow
from dashboard.live.line import LiveLine, Refused
from dashboard.live.proxy import UNKNOWN_CAMERA, LiveTile, NotDraining
from dashboard.policy import Action

log = structlog.get_logger(__name__)
router = APIRouter()

LOGGED_OUT = 4401
FORBIDDEN = 4403
TOO_SLOW = 4008
CLOSE_LIMIT_S = 1.0


async def _close(socket: WebSocket, code: int, reason: str | None = None) -> None:
    """Best effort: to a browser that does not drain, no close frame can be sent either."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await socket.close(code, reason)
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        log.info("websocket_close_not_sent", code=code)


async def _first_of(*works: Coroutine[Any, Any, Any]) -> int:
    """Runs until the first of them ends, ends the others, and raises what the first raised. Which it was."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for index, outcome in enumerate(ended):
        if not isinstance(outcome, asyncio.CancelledError):
            if isinstance(outcome, BaseException):
                raise outcome
            return index
    raise asyncio.CancelledError


async def _until_left(
    receive: Coroutine[Any, Any, None], serve: Coroutine[Any, Any, None], ended: Awaitable[Any]
) -> bool:
    """Serves until the browser leaves (``False``) or its session ends (``True``)."""

    async def wait_for_end() -> None:
        await ended

    try:
        return await _first_of(receive, serve, wait_for_end()) == 2
    except WebSocketDisconnect:
        return False


@router.websocket("/api/feed")
async def feed(socket: WebSocket, admission: FeedViewer, deps: Deps, last_id: str | None = None) -> None:
    """Events, alarm changes, health, rotation and time, coalesced; resumes after ``last_id``."""
    await socket.accept()
    viewer = admission.viewer
    if viewer is None:
        await _close(socket, admission.close_code)
        return
    session = FeedSession(socket, viewer, deps.hub, deps.backlog, deps.clock)
    with deps.watch.watching(viewer.session) as ended:
        try:
            if await _until_left(session.receive(), session.serve(last_id), ended.wait()):
                await _close(socket, LOGGED_OUT)
        except TooSlow:
            deps.hub.let_go(viewer)
            await _close(socket, TOO_SLOW)
        except BadMessage as error:
            deps.hub.refuse(viewer, error.reason)
            await _close(socket, error.code, error.reason)


@router.websocket("/api/live")
async def line(socket: WebSocket, admission: LiveViewer, deps: Deps) -> None:
    """A line: the live channel of whichever camera the page asks for, forwarded unread, until it asks for another."""
    await socket.accept()
    viewer = admission.viewer
    if viewer is None:
        await _close(socket, admission.close_code)
        return
    held = LiveLine(socket, lambda camera_id, asked: _tile(socket, camera_id, asked.stream, asked.form, viewer, deps))
    await _show(socket, viewer, deps, held.receive(), held.serve())


@router.websocket("/api/live/{camera_id}")
async def live(
    socket: WebSocket, camera_id: str, admission: LiveViewer, deps: Deps, stream: Literal["sub", "main"] = "sub"
) -> None:
    """The live channel of one camera, forwarded unread: for who is no page, and says nothing."""
    await socket.accept()
    viewer = admission.viewer
    if viewer is None:
        await _close(socket, admission.close_code)
        return
    try:
        tile = _tile(socket, camera_id, stream, "live", viewer, deps)
    except Refused as error:
        await _close(socket, error.close_code)
        return
    await _show(socket, viewer, deps, tile.receive(), tile.serve())


def _tile(
    socket: WebSocket,
    camera_id: str,
    stream: Literal["sub", "main"],
    form: Literal["live", "pictures"],
    viewer: Viewer,
    deps: Parts,
) -> LiveTile:
    """Raises :class:`Refused`."""
    region = deps.regions.region_of_camera(camera_id)
    # What somebody covers changes with the settings, and a line outlasts them.
    now = replace(viewer, scope=deps.regions.scope(deps.director.regions_of(viewer.account)))
    if region is None or not now.may(Action.CAMERA_WATCH, region):
        raise Refused(UNKNOWN_CAMERA if region is None else FORBIDDEN)
    return LiveTile(socket, camera_id, stream, form, deps.bus, deps.live, deps.clock)


async def _show(
    socket: WebSocket, viewer: Viewer, deps: Parts, receive: Coroutine[Any, Any, None], serve: Coroutine[Any, Any, None]
) -> None:
    with deps.watch.watching(viewer.session) as ended:
        try:
            if await _until_left(receive, serve, ended.wait()):
                await _close(socket, LOGGED_OUT)
        except NotDraining:
            deps.live.too_slow += 1
            log.warning("live_client_too_slow", account=viewer.account.username)
            await _close(socket, TOO_SLOW)
        except Refused as error:
            await _close(socket, error.close_code)
        except BadMessage as error:
            deps.live.refused += 1
            await _close(socket, error.code, error.reason)
