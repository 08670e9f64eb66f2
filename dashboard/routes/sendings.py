"""Scenes from desk to desk."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from configs.desks import Desk
from dashboard.access.guard import DeskWorker
from dashboard.dependencies import Deps, Parts
from dashboard.desks.keeper import is_member
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.policy import Action
from dashboard.routes.scenes import require_watched
from dashboard.routes.session import address_of
from dashboard.scenes.courier import SendingUnknown
from dashboard.scenes.sending import AlreadyAnswered, Answer, Answering, DeskName, Offer, Sending

router = APIRouter(tags=["scenes"], responses=RESPONSES)


@router.post("/api/desks/{desk_id}/scenes")
async def send(viewer: DeskWorker, request: Request, deps: Deps, desk_id: str, body: Offer) -> Sending:
    """Offers a scene to another desk, whose regions the account covers: a card there, that nobody has to follow.

    409 where none of the cameras lies in that desk's regions.
    """
    desks = deps.keeper.tree.desks
    receiver = desks.get(desk_id)
    if receiver is None or not all(viewer.may(Action.DESK_READ, region) for region in receiver.regions):
        raise not_found("desk")
    sender = next((desk for desk in desks.values() if desk.id != desk_id and is_member(desk, viewer)), None)
    if sender is None:
        raise ApiError(403, "not_your_desk", "This account belongs to no other desk.", "Ask a shift leader.")
    require_watched(viewer, deps, body)
    tiles = _inside(deps, receiver, body.tiles)
    if not any(tiles):
        raise ApiError(
            409,
            "not_of_the_desk",
            "None of these cameras lies in the regions of that desk.",
            "Choose another desk, or other cameras.",
        )
    sending = Sending(
        id=str(uuid.uuid4()),
        sender=_named(sender),
        receiver=_named(receiver),
        by=viewer.account.id,
        by_name=viewer.account.display_name,
        at=deps.clock(),
        name=body.name,
        word=body.word,
        layout=body.layout,
        tiles=tiles,
        hidden=sum(was is not None and now is None for was, now in zip(body.tiles, tiles, strict=True)),
    )
    await deps.courier.send(sending)
    await run_in_threadpool(
        deps.accounts.record, "scene.send", viewer.account.username, address_of(request), desk_id, body.name or ""
    )
    return sending


@router.post("/api/sendings/{sending_id}/answer")
async def answer(viewer: DeskWorker, request: Request, deps: Deps, sending_id: str, body: Answering) -> Sending:
    """Accepted or refused, by who belongs to the desk that it was sent to. 409 where it has its answer."""
    try:
        sending = await deps.courier.get(sending_id)
        desk = deps.keeper.tree.desks.get(sending.receiver.id)
        if desk is None or not is_member(desk, viewer):
            raise not_found("sending")
        said = Answer(accepted=body.accept, by_name=viewer.account.display_name, at=deps.clock(), word=body.word)
        done = await deps.courier.answer(sending_id, said)
    except SendingUnknown:
        raise not_found("sending") from None
    except AlreadyAnswered as answered:
        raise ApiError(
            409,
            "already_answered",
            "Somebody at this desk has answered already.",
            "Nothing is left to do.",
            detail={"by_name": answered.answer.by_name, "at": answered.answer.at},
        ) from None
    told = "accepted" if body.accept else "refused"
    await run_in_threadpool(
        deps.accounts.record, "scene.answer", viewer.account.username, address_of(request), sending_id, told
    )
    return done


def _inside(deps: Parts, desk: Desk, tiles: tuple[str | None, ...]) -> tuple[str | None, ...]:
    scope = deps.regions.scope(desk.regions)

    def stays(camera: str | None) -> bool:
        return camera is not None and (scope is None or deps.regions.region_of_camera(camera) in scope)

    return tuple(camera if stays(camera) else None for camera in tiles)


def _named(desk: Desk) -> DeskName:
    return DeskName(id=desk.id, name=desk.name, name_en=desk.name_en)
