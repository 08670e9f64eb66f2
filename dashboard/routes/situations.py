"""What was merged into an event, and an analyst's corrections: split, merge, and take back, each on record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypedDict, TypeVar

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from alerts.situation_store import CannotCorrect, Correction, Hit
from dashboard.access.guard import EventReader, SituationCorrector
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError
from dashboard.messages import Message
from dashboard.routes.events import visible
from dashboard.routes.session import address_of

router = APIRouter(prefix="/api/events/{event_id}", tags=["situations"], responses=RESPONSES)

T = TypeVar("T")
Words = Annotated[str, Field(max_length=500)]


class Course(Message):
    """``hits``: those that are kept one by one, split ones among them, in the order of finding; of ``counted`` in all.
    ``corrections``: oldest first, what was taken back included."""

    counted: int
    hits: tuple[Hit, ...]
    corrections: tuple[Correction, ...]


class Splitting(Message):
    """``hit_id`` was a happening of its own."""

    hit_id: str
    comment: Words | None = None


class Merging(Message):
    """``other_id`` is part of the event."""

    other_id: str
    comment: Words | None = None


@router.get("/situation")
def situation(viewer: EventReader, deps: Deps, event_id: str) -> Course:
    row = visible(viewer, deps, event_id)
    return Course(
        counted=row.repeats,
        hits=deps.situations.hits(event_id),
        corrections=deps.situations.corrections(event_id),
    )


@router.post("/split")
async def split(viewer: SituationCorrector, request: Request, deps: Deps, event_id: str, body: Splitting) -> Correction:
    """A merged hit becomes an event; walls and history hear of it by the stream, as of any other."""
    await run_in_threadpool(visible, viewer, deps, event_id)
    done, event = await _corrected(
        lambda: deps.situations.split(event_id, body.hit_id, **_by(viewer, deps), comment=body.comment)
    )
    deps.announcer.announce_event(event)
    deps.announcer.announce_correction(done)
    await _record(viewer, request, deps, "situation.split", event_id, body.hit_id)
    return done


@router.post("/merge")
async def merge(viewer: SituationCorrector, request: Request, deps: Deps, event_id: str, body: Merging) -> Correction:
    """Two events were one happening."""
    for each in (event_id, body.other_id):
        await run_in_threadpool(visible, viewer, deps, each)
    done = await _corrected(
        lambda: deps.situations.merge(event_id, body.other_id, **_by(viewer, deps), comment=body.comment)
    )
    deps.announcer.announce_correction(done)
    await _record(viewer, request, deps, "situation.merge", event_id, body.other_id)
    return done


@router.post("/corrections/{correction_id}/undo")
async def undo(
    viewer: SituationCorrector, request: Request, deps: Deps, event_id: str, correction_id: int
) -> Correction:
    """Take it back; both steps stay on record."""
    await run_in_threadpool(visible, viewer, deps, event_id)
    known = await run_in_threadpool(deps.situations.corrections, event_id)
    if correction_id not in {each.id for each in known}:
        raise _refused(CannotCorrect(f"there is no correction {correction_id} of this event"))
    done = await _corrected(lambda: deps.situations.undo(correction_id, **_by(viewer, deps)))
    deps.announcer.announce_correction(done)
    await _record(viewer, request, deps, "situation.undo", event_id, f"{done.action} {done.other_id}")
    return done


async def _corrected(step: Callable[[], T]) -> T:
    try:
        return await run_in_threadpool(step)
    except CannotCorrect as error:
        raise _refused(error) from None


def _refused(error: CannotCorrect) -> ApiError:
    sentence = str(error)
    return ApiError(
        409, "cannot_correct", f"{sentence[0].upper()}{sentence[1:]}.", "Look at the event as it stands now."
    )


class _By(TypedDict):
    """Who corrects, and when."""

    by: str
    by_name: str
    at: float


def _by(viewer: Viewer, deps: Parts) -> _By:
    return {"by": viewer.account.id, "by_name": viewer.account.display_name, "at": deps.clock()}


async def _record(viewer: Viewer, request: Request, deps: Parts, action: str, event_id: str, words: str) -> None:
    address = address_of(request)
    await run_in_threadpool(deps.accounts.record, action, viewer.account.username, address, event_id, words)
