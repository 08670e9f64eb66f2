"""Desks: who is there, whose shift it is, and handing it over."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from alerts.alarms.life import Actor, Command, Do
from alerts.alarms.shifts import Shift, ShiftRefused
from alerts.records import AlarmChange, EventRow
from configs.desks import Desk
from dashboard.access.guard import DeskReader, DeskWorker
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.desks.keeper import is_member
from dashboard.desks.messages import HANDOVER_LIMIT, DeskInfo, HandOver, Offering, Taking
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.policy import Action
from dashboard.routes.session import address_of

router = APIRouter(prefix="/api/desks", tags=["desks"], responses=RESPONSES)


@router.get("")
def desks(viewer: DeskReader, deps: Deps) -> tuple[DeskInfo, ...]:
    """The desks of regions that the account covers, in the order of the settings."""
    return _infos(viewer, deps, [desk for desk in deps.keeper.tree.desks.values() if _covered(viewer, desk)])


@router.get("/{desk_id}/handover")
def handover(viewer: DeskReader, deps: Deps, desk_id: str) -> HandOver:
    """The list that whoever takes the shift has to take with it."""
    desk = _desk(viewer, deps, desk_id)
    shift = deps.shifts.all().get(desk.id, Shift(desk=desk.id))
    return HandOver(shift=shift, alarms=tuple(_open(viewer, deps, desk)))


@router.post("/{desk_id}/offer")
def offer(viewer: DeskWorker, request: Request, deps: Deps, desk_id: str, body: Offering | None = None) -> Shift:
    """A successor is awaited; until one takes it the shift stays with who offers."""
    desk = _own(viewer, deps, desk_id)
    try:
        shift = deps.shifts.offer(desk.id, _actor(viewer), deps.clock(), body.note if body else None)
    except ShiftRefused as refused:
        raise _told(refused) from None
    deps.accounts.record("shift.offer", viewer.account.username, address_of(request), desk.id, shift.note or "")
    return shift


@router.post("/{desk_id}/take")
async def take(viewer: DeskWorker, request: Request, deps: Deps, desk_id: str, body: Taking | None = None) -> DeskInfo:
    """Take the shift with all that is open: the request names every open alarm, so none is taken over unseen.

    What belonged to the predecessor belongs to the successor. 409 where an alarm is missing or another has the shift.
    """
    named = frozenset(body.alarms if body else ())
    info, changes = await run_in_threadpool(_taken, viewer, deps, desk_id, named)
    for change in changes:
        deps.announcer.announce(change)
    detail = f"{len(named)} alarms"
    await run_in_threadpool(
        deps.accounts.record, "shift.take", viewer.account.username, address_of(request), desk_id, detail
    )
    return info


def _taken(viewer: Viewer, deps: Parts, desk_id: str, named: frozenset[str]) -> tuple[DeskInfo, list[AlarmChange]]:
    desk = _own(viewer, deps, desk_id)
    rows = _open(viewer, deps, desk)
    unseen = [row for row in rows if row.id not in named]
    if unseen:
        raise ApiError(
            409,
            "handover_incomplete",
            f"{len(unseen)} open alarms of this desk are not on the list.",
            "Read the hand-over list again and take all of it.",
            detail={"missing": len(unseen)},
        )
    actor, now = _actor(viewer), deps.clock()
    try:
        before = deps.shifts.take(desk.id, actor, now)
    except ShiftRefused as refused:
        raise _told(refused) from None
    command = Command(Do.HAND_OVER, before.note, taker=actor)
    theirs = [row for row in rows if row.owner is not None and row.owner == before.holder and row.owner != actor.id]
    changes = deps.alarms.take_each([(row.id, row.version, command) for row in theirs], now, actor)
    return _infos(viewer, deps, [desk])[0], changes


def _infos(viewer: Viewer, deps: Parts, found: list[Desk]) -> tuple[DeskInfo, ...]:
    shifts = deps.shifts.all()
    counts = deps.alarms.open_counts()
    tree = deps.keeper.tree
    return tuple(
        DeskInfo(
            id=desk.id,
            name=desk.name,
            name_en=desk.name_en,
            regions=desk.regions,
            parent=None if (over := tree.parent(desk)) is None else over.id,
            connected=desk.id in deps.keeper.connected,
            mine=is_member(desk, viewer),
            shift=shifts.get(desk.id, Shift(desk=desk.id)),
            open=counts.get(desk.id, 0),
        )
        for desk in found
    )


def _open(viewer: Viewer, deps: Parts, desk: Desk) -> list[EventRow]:
    rows = deps.alarms.open_of(desk.id, HANDOVER_LIMIT)
    return [row for row in rows if viewer.may(Action.EVENT_READ, row.region_id)]


def _covered(viewer: Viewer, desk: Desk) -> bool:
    return any(viewer.may(Action.DESK_READ, region) for region in desk.regions)


def _desk(viewer: Viewer, deps: Parts, desk_id: str) -> Desk:
    desk = deps.keeper.tree.desks.get(desk_id)
    if desk is None or not (_covered(viewer, desk) or is_member(desk, viewer)):
        raise not_found("desk")
    return desk


def _own(viewer: Viewer, deps: Parts, desk_id: str) -> Desk:
    desk = _desk(viewer, deps, desk_id)
    if not is_member(desk, viewer):
        raise ApiError(403, "not_your_desk", "This account does not belong to the desk.", "Ask a shift leader.")
    return desk


def _actor(viewer: Viewer) -> Actor:
    return Actor(viewer.account.id, viewer.account.display_name)


def _told(refused: ShiftRefused) -> ApiError:
    shift, sentence = refused.shift, str(refused)
    return ApiError(
        409,
        "shift_taken",
        f"{sentence[0].upper()}{sentence[1:]}.",
        "Ask for the shift to be offered.",
        detail={"by": shift.holder, "by_name": shift.holder_name, "at": shift.since},
    )
