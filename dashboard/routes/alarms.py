"""Steps in the life of an alarm. Of two who act at once one is first; the other gets 409 with who and when."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from alerts.alarms.life import Actor, AlarmState, Command, Do, Standing
from alerts.alarms.store import Refused
from alerts.records import EventRow, Step
from dashboard.access.guard import (
    Acknowledger,
    AlarmCloser,
    AlarmCommenter,
    AlarmOwner,
    AlarmReopener,
    AlarmShelver,
    AlarmWorker,
)
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.desks.messages import Acknowledging, ClosingAlarm, Commenting, Owning, Shelving, StepTaken
from dashboard.errors import RESPONSES, ApiError
from dashboard.routes.events import found, visible
from dashboard.routes.session import address_of

router = APIRouter(prefix="/api/events/{event_id}", tags=["alarms"], responses=RESPONSES)

HISTORIAN_TRIES = 8
HISTORIAN_WAIT_S = 0.125


@router.post("/acknowledge")
async def acknowledge(
    viewer: Acknowledger, request: Request, deps: Deps, event_id: str, body: Acknowledging | None = None
) -> EventRow:
    """Exactly one is first. With ``own`` the alarm is theirs by the same call."""
    asked = body or Acknowledging()
    commands = [Command(Do.ACKNOWLEDGE, asked.comment), *([Command(Do.OWN)] if asked.own else [])]
    return await _take(viewer, request, deps, event_id, commands, asked.version)


@router.post("/own")
async def own(viewer: AlarmOwner, request: Request, deps: Deps, event_id: str, body: Owning | None = None) -> EventRow:
    """Take the alarm; from somebody who has it only with ``take_over``."""
    asked = body or Owning()
    command = Command(Do.OWN, asked.comment, take_over=asked.take_over)
    return await _take(viewer, request, deps, event_id, [command], asked.version)


@router.post("/comment")
async def comment(viewer: AlarmCommenter, request: Request, deps: Deps, event_id: str, body: Commenting) -> EventRow:
    """Words to the alarm's history, in any state."""
    return await _take(viewer, request, deps, event_id, [Command(Do.COMMENT, body.comment)], None)


@router.post("/start")
async def start(
    viewer: AlarmWorker, request: Request, deps: Deps, event_id: str, body: StepTaken | None = None
) -> EventRow:
    """Work on it has begun; it is the worker's own where nobody has it."""
    return await _plain(viewer, request, deps, event_id, Do.START, body)


@router.post("/hold")
async def hold(
    viewer: AlarmWorker, request: Request, deps: Deps, event_id: str, body: StepTaken | None = None
) -> EventRow:
    """It waits for something."""
    return await _plain(viewer, request, deps, event_id, Do.HOLD, body)


@router.post("/shelve")
async def shelve(viewer: AlarmShelver, request: Request, deps: Deps, event_id: str, body: Shelving) -> EventRow:
    """Out of the way until a time, at most a day."""
    command = Command(Do.SHELVE, body.comment, until=deps.clock() + body.seconds)
    return await _take(viewer, request, deps, event_id, [command], body.version)


@router.post("/unshelve")
async def unshelve(
    viewer: AlarmShelver, request: Request, deps: Deps, event_id: str, body: StepTaken | None = None
) -> EventRow:
    """Back to the state before the shelf, early."""
    return await _plain(viewer, request, deps, event_id, Do.UNSHELVE, body)


@router.post("/close")
async def close(viewer: AlarmCloser, request: Request, deps: Deps, event_id: str, body: ClosingAlarm) -> EventRow:
    """Done with; what it turned out to be is kept for the figures."""
    command = Command(Do.CLOSE, body.comment, closing=body.closing)
    return await _take(viewer, request, deps, event_id, [command], body.version)


@router.post("/reopen")
async def reopen(
    viewer: AlarmReopener, request: Request, deps: Deps, event_id: str, body: StepTaken | None = None
) -> EventRow:
    """A closed alarm was not done with."""
    return await _plain(viewer, request, deps, event_id, Do.REOPEN, body)


async def _plain(
    viewer: Viewer, request: Request, deps: Parts, event_id: str, do: Do, body: StepTaken | None
) -> EventRow:
    asked = body or StepTaken()
    return await _take(viewer, request, deps, event_id, [Command(do, asked.comment)], asked.version)


async def _take(
    viewer: Viewer, request: Request, deps: Parts, event_id: str, commands: list[Command], version: int | None
) -> EventRow:
    """An event that was on the wall an instant ago may not have reached the store: the historian is given a second."""
    await _recorded(deps, event_id)
    await run_in_threadpool(visible, viewer, deps, event_id)
    account = viewer.account
    actor = Actor(account.id, account.display_name)
    try:
        changes = await run_in_threadpool(deps.alarms.take, event_id, commands, actor, deps.clock(), version)
    except Refused as refused:
        raise _told(commands[0], refused) from None
    address = address_of(request)
    for change in changes:
        deps.announcer.announce(change)
        action, words = f"alarm.{change.command.value}", change.comment or ""
        await run_in_threadpool(deps.accounts.record, action, account.username, address, event_id, words)
    return await run_in_threadpool(visible, viewer, deps, event_id)


def _told(command: Command, refused: Refused) -> ApiError:
    standing, last = refused.standing, refused.last
    if command.do is Do.ACKNOWLEDGE and standing.acknowledged_by is not None:
        return ApiError(
            409,
            "already_acknowledged",
            f"{standing.acknowledged_by_name} acknowledged this event already.",
            "Nothing is left to do.",
            detail=_who(standing, None),
        )
    sentence = str(refused)
    return ApiError(
        409,
        "alarm_changed",
        f"{sentence[0].upper()}{sentence[1:]}.",
        "Look at the alarm as it stands now, then decide again.",
        detail=_who(standing, last),
    )


def _who(standing: Standing, last: Step | None) -> dict[str, str | float | None]:
    """Who was first and when, for the page to tell."""
    state: AlarmState = standing.state
    if last is None:
        by, name, at = standing.acknowledged_by, standing.acknowledged_by_name, standing.acknowledged_at
    else:
        by, name, at = last.by, last.by_name, last.at
    return {"by": by, "by_name": name, "at": at, "state": state.value, "owner_name": standing.owner_name}


async def _recorded(deps: Parts, event_id: str) -> None:
    for _ in range(HISTORIAN_TRIES):
        if await run_in_threadpool(found, deps, event_id) is not None:
            return
        if deps.hub.reader.region_of(event_id) is None:
            return  # never seen on the wall either: no use in waiting
        await asyncio.sleep(HISTORIAN_WAIT_S)
    raise ApiError(503, "not_recorded_yet", "The event is not in the store yet.", "Try again in a moment.")
