"""Events afterwards: pages, one, its picture, counts over time, and acknowledging it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from alerts.event import EventKind
from alerts.records import AlarmState, AlreadyDone, EventFilter, EventRow
from alerts.storage.queries import BadCursor
from alerts.store import UnknownEvent
from configs.schema import Severity
from dashboard.access.guard import Acknowledger, EventReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.messages import Acknowledgement, EventPage, Histogram
from dashboard.policy import Action
from dashboard.routes.session import address_of

router = APIRouter(tags=["events"], responses=RESPONSES)

HISTORIAN_TRIES = 8
HISTORIAN_WAIT_S = 0.125
DEFAULT_SPAN_S = {"hour": 86400.0, "day": 30 * 86400.0}
T = TypeVar("T")


def event_filter(
    viewer: EventReader,
    deps: Deps,
    since: Annotated[float | None, Query(alias="from", description="UTC epoch seconds, inclusive")] = None,
    until: Annotated[float | None, Query(alias="to", description="UTC epoch seconds, exclusive")] = None,
    kind: Annotated[list[EventKind] | None, Query()] = None,
    severity: Annotated[list[Severity] | None, Query()] = None,
    camera: Annotated[list[str] | None, Query()] = None,
    site: Annotated[list[str] | None, Query()] = None,
    region: Annotated[list[str] | None, Query()] = None,
    state: AlarmState | None = None,
) -> EventFilter:
    """A region stands for its subtree; what the viewer does not cover is never found."""
    wanted = None if region is None else deps.regions.scope(region)
    scope = viewer.scope if wanted is None else wanted if viewer.scope is None else wanted & viewer.scope
    return EventFilter(
        since=since,
        until=until,
        kinds=_tuple(kind),
        severities=_tuple(severity),
        cameras=_tuple(camera),
        sites=_tuple(site),
        regions=None if scope is None else tuple(sorted(scope)),
        states=None if state is None else (state,),
    )


Filter = Annotated[EventFilter, Depends(event_filter)]


@router.get("/api/events")
def events(
    _: EventReader,
    deps: Deps,
    wanted: Filter,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> EventPage:
    """Newest first. ``next_cursor`` of one page is ``cursor`` of the next."""
    try:
        page = deps.store.query(wanted, cursor, limit)
    except BadCursor as error:
        raise ApiError(422, "bad_cursor", str(error), "Begin again at the first page.") from None
    return EventPage(rows=page.rows, next_cursor=page.next_cursor, total=deps.store.count(wanted))


@router.get("/api/events/histogram")
def histogram(_: EventReader, deps: Deps, wanted: Filter, bucket: Literal["hour", "day"] = "hour") -> Histogram:
    """Counts by bucket of the site's own clock and by kind, empty buckets included.

    Without ``to`` until now; without ``from`` a day of hours or a month of days before it.
    """
    until = deps.clock() if wanted.until is None else wanted.until
    since = until - DEFAULT_SPAN_S[bucket] if wanted.since is None else wanted.since
    spanned = wanted.model_copy(update={"since": since, "until": until})
    try:
        buckets = deps.store.histogram(spanned, bucket, ZoneInfo(deps.settings.timezone))
    except (ValueError, OverflowError) as error:
        raise ApiError(422, "bad_span", str(error), "Choose a shorter time or days.") from None
    return Histogram(bucket=bucket, buckets=tuple(buckets))


@router.get("/api/events/{event_id}")
def event(viewer: EventReader, deps: Deps, event_id: str) -> EventRow:
    return _visible(viewer, deps, event_id)


@router.get(
    "/api/events/{event_id}/snapshot",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def snapshot(viewer: EventReader, deps: Deps, event_id: str) -> FileResponse:
    """The event's frame as JPEG. 404 when there never was one, and when retention has removed it."""
    row = _visible(viewer, deps, event_id)
    if row.snapshot is None:
        raise ApiError(404, "no_snapshot", "This event has no picture.", "Look at the camera live.")
    root = deps.evidence_dir.resolve()
    path = (root / row.snapshot.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ApiError(404, "snapshot_gone", "The picture is no longer kept.", "Retention is set in the settings.")
    headers = {"cache-control": "private, max-age=86400, immutable", "etag": f'"{row.snapshot.sha256}"'}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


@router.post("/api/events/{event_id}/acknowledge")
async def acknowledge(
    viewer: Acknowledger, request: Request, deps: Deps, event_id: str, body: Acknowledgement | None = None
) -> EventRow:
    """Exactly one is first; the others get 409 with who and when.

    An event that was on the wall an instant ago may not have reached the store yet: the historian is given a second.
    """
    await _recorded(deps, event_id)
    await run_in_threadpool(_visible, viewer, deps, event_id)
    comment = body.comment if body is not None else None
    at = deps.clock()
    account = viewer.account
    outcome = await run_in_threadpool(deps.store.acknowledge, event_id, account.id, account.display_name, at, comment)
    if isinstance(outcome, AlreadyDone):
        raise ApiError(
            409,
            "already_acknowledged",
            f"{outcome.by_name} acknowledged this event already.",
            "Nothing is left to do.",
            detail={"by": outcome.by, "by_name": outcome.by_name, "at": outcome.at},
        )
    deps.announcer.announce(outcome)
    await run_in_threadpool(
        deps.accounts.record, "alarm.acknowledge", account.username, address_of(request), event_id, comment or ""
    )
    return await run_in_threadpool(_visible, viewer, deps, event_id)


async def _recorded(deps: Parts, event_id: str) -> None:
    for _ in range(HISTORIAN_TRIES):
        if await run_in_threadpool(_found, deps, event_id) is not None:
            return
        if deps.hub.reader.region_of(event_id) is None:
            return  # never seen on the wall either: no use in waiting
        await asyncio.sleep(HISTORIAN_WAIT_S)
    raise ApiError(503, "not_recorded_yet", "The event is not in the store yet.", "Try again in a moment.")


def _visible(viewer: Viewer, deps: Parts, event_id: str) -> EventRow:
    """404 for an event elsewhere too: what an account does not cover does not exist for it."""
    row = _found(deps, event_id)
    if row is None or not viewer.may(Action.EVENT_READ, row.region_id):
        raise not_found("event")
    return row


def _found(deps: Parts, event_id: str) -> EventRow | None:
    try:
        return deps.store.get(event_id)
    except UnknownEvent:
        return None


def _tuple(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(values)
