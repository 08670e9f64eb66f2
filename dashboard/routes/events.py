"""Events afterwards: pages, one, its picture, its history, and counts over time."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse

from alerts.alarms.life import AlarmState
from alerts.event import EventKind
from alerts.records import EventFilter, EventRow, Step
from alerts.storage.queries import BadCursor
from alerts.store import UnknownEvent
from configs.schema import Severity
from dashboard.access.guard import EventReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.messages import EventPage, Histogram
from dashboard.policy import Action

router = APIRouter(tags=["events"], responses=RESPONSES)

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
    state: Annotated[list[AlarmState] | None, Query()] = None,
    flood: Annotated[str | None, Query(max_length=36, description="the mark of a group")] = None,
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
        states=_tuple(state),
        flood=flood,
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
    """Newest first, without what an analyst made part of another event. ``next_cursor`` of one page is ``cursor`` of
    the next."""
    wanted = wanted.model_copy(update={"whole": True})
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
    spanned = wanted.model_copy(update={"since": since, "until": until, "whole": True})
    try:
        buckets = deps.store.histogram(spanned, bucket, ZoneInfo(deps.settings.timezone))
    except (ValueError, OverflowError) as error:
        raise ApiError(422, "bad_span", str(error), "Choose a shorter time or days.") from None
    return Histogram(bucket=bucket, buckets=tuple(buckets))


@router.get("/api/events/{event_id}")
def event(viewer: EventReader, deps: Deps, event_id: str) -> EventRow:
    return visible(viewer, deps, event_id)


@router.get("/api/events/{event_id}/steps")
def steps(viewer: EventReader, deps: Deps, event_id: str) -> tuple[Step, ...]:
    """Every step that people and the system took with the alarm, oldest first."""
    visible(viewer, deps, event_id)
    return deps.alarms.steps(event_id)


@router.get(
    "/api/events/{event_id}/snapshot",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def snapshot(viewer: EventReader, deps: Deps, event_id: str) -> FileResponse:
    """The event's frame as JPEG. 404 when there never was one, and when retention has removed it."""
    row = visible(viewer, deps, event_id)
    if row.snapshot is None:
        raise ApiError(404, "no_snapshot", "This event has no picture.", "Look at the camera live.")
    root = deps.evidence_dir.resolve()
    path = (root / row.snapshot.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ApiError(404, "snapshot_gone", "The picture is no longer kept.", "Retention is set in the settings.")
    headers = {"cache-control": "private, max-age=86400, immutable", "etag": f'"{row.snapshot.sha256}"'}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


def visible(viewer: Viewer, deps: Parts, event_id: str) -> EventRow:
    """404 for an event elsewhere too: what an account does not cover does not exist for it."""
    row = found(deps, event_id)
    if row is None or not viewer.may(Action.EVENT_READ, row.region_id):
        raise not_found("event")
    return row


def found(deps: Parts, event_id: str) -> EventRow | None:
    try:
        return deps.store.get(event_id)
    except UnknownEvent:
        return None


def _tuple(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(values)
