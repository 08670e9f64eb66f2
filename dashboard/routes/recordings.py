"""What cameras recorded: spans and gaps, pictures of a span, locks, and the clips of events.

Spans and pictures come from the worker that holds the camera and pass unread, once the viewer's right is known.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool

from alerts.recording.evidence import Evidence
from alerts.recording.locks import RecordingLock
from dashboard.access.guard import EventReader, RecordingLocker, RecordingReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.live.directory import holder_of
from dashboard.messages import Message
from dashboard.policy import Action
from dashboard.routes.events import visible
from dashboard.routes.session import address_of

router = APIRouter(tags=["recordings"], responses=RESPONSES)

CONNECT_S, ANSWER_S = 3.0, 30.0
_TOLD = ("x-begins-at", "x-ends-at")
_MP4 = {"content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}}

From = Annotated[float, Query(alias="from", description="UTC epoch seconds, inclusive")]
To = Annotated[float, Query(alias="to", description="UTC epoch seconds, exclusive")]


class RecordedSpan(Message):
    """Recorded without a gap at one picture size; UTC epoch s, px."""

    begins_at: float
    ends_at: float
    width: int
    height: int
    bytes: int


class RecordingGap(Message):
    """Not recorded; UTC epoch s. ``cause``: ``None`` where it is not known, else ``restart``, ``policy``,
    ``disk_full``, ``queue_full``, ``write_error``, ``clock_back`` or a stream's fault."""

    begins_at: float
    ends_at: float
    cause: str | None


class RecordingTimeline(Message):
    """Of one camera between ``since`` and ``until``, UTC epoch s: ``until`` may lie before what was asked for, since
    the last seconds are still being put together."""

    camera_id: str
    since: float
    until: float
    spans: tuple[RecordedSpan, ...]
    gaps: tuple[RecordingGap, ...]
    locks: tuple[RecordingLock, ...]


class Locking(Message):
    """A span that shall not be deleted, UTC epoch s, and why."""

    begins_at: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    ends_at: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]

    @model_validator(mode="after")
    def _forward(self) -> Locking:
        if not self.begins_at < self.ends_at:
            raise ValueError("want begins_at before ends_at")
        return self


@router.get("/api/recordings/{camera_id}")
async def recorded(viewer: RecordingReader, deps: Deps, camera_id: str, since: From, until: To) -> RecordingTimeline:
    """What of the camera is recorded, what is missing and why, and what is locked."""
    _camera(viewer, deps, camera_id, Action.RECORDING_READ)
    told = await _ask(deps, camera_id, "GET", "", params=_span(since, until))
    return RecordingTimeline(
        camera_id=camera_id,
        since=told["from"],
        until=told["to"],
        spans=told["spans"],
        gaps=told["gaps"],
        locks=told["locks"],
    )


@router.get("/api/recordings/{camera_id}/video", response_class=StreamingResponse, responses={200: _MP4})
async def video(viewer: RecordingReader, deps: Deps, camera_id: str, since: From, until: To) -> StreamingResponse:
    """Fragmented MP4 of the span, from the key frame before it. ``x-begins-at`` and ``x-ends-at`` say what it covers:
    it ends where the picture size changes."""
    _camera(viewer, deps, camera_id, Action.RECORDING_READ)
    client = _client()
    try:
        upstream = await client.send(
            client.build_request("GET", await _url(deps, camera_id, "/video"), params=_span(since, until)), stream=True
        )
        if upstream.status_code != 200:
            await upstream.aread()
            raise _refused(upstream)
    except httpx.HTTPError as error:
        await client.aclose()
        raise _away(camera_id) from error
    except BaseException:
        await client.aclose()
        raise
    headers = {name: upstream.headers[name] for name in _TOLD} | {"cache-control": "private, no-store"}
    return StreamingResponse(_bytes(client, upstream), media_type="video/mp4", headers=headers)


@router.post("/api/recordings/{camera_id}/locks", status_code=201)
async def lock(viewer: RecordingLocker, request: Request, deps: Deps, camera_id: str, body: Locking) -> RecordingLock:
    """Nothing of the span is deleted until the lock is taken away."""
    _camera(viewer, deps, camera_id, Action.RECORDING_LOCK)
    account = viewer.account
    made = RecordingLock(
        id=str(uuid.uuid4()),
        begins_at=body.begins_at,
        ends_at=body.ends_at,
        reason=body.reason,
        by=account.username,
        at=deps.clock(),
    )
    told = await _ask(deps, camera_id, "POST", "/locks", content=made.model_dump_json())
    await run_in_threadpool(
        deps.accounts.record, "recording.lock", account.username, address_of(request), camera_id, body.reason
    )
    return RecordingLock.model_validate(told)


@router.delete("/api/recordings/{camera_id}/locks/{lock_id}")
async def unlock(viewer: RecordingLocker, request: Request, deps: Deps, camera_id: str, lock_id: str) -> RecordingLock:
    """What was locked may be deleted again."""
    _camera(viewer, deps, camera_id, Action.RECORDING_LOCK)
    told = await _ask(deps, camera_id, "DELETE", f"/locks/{quote(lock_id, safe='')}")
    await run_in_threadpool(
        deps.accounts.record, "recording.unlock", viewer.account.username, address_of(request), camera_id, lock_id
    )
    return RecordingLock.model_validate(told)


@router.get("/api/events/{event_id}/evidence")
def evidence(viewer: EventReader, deps: Deps, event_id: str) -> Evidence | None:
    """The event's clip, or why there is none; null while nothing is known of it."""
    visible(viewer, deps, event_id)
    return deps.clips.get(event_id)


@router.get("/api/events/{event_id}/clip", response_class=FileResponse, responses={200: _MP4})
def clip(viewer: EventReader, deps: Deps, event_id: str) -> FileResponse:
    """The event's clip as MP4; answers Range requests. 404 says why there is none."""
    visible(viewer, deps, event_id)
    kept = deps.clips.get(event_id)
    if kept is None:
        raise ApiError(404, "no_clip", "There is no clip of this event, or not yet.", "Look again in half a minute.")
    if kept.path is None:
        why = (kept.missing or "unknown").replace("_", " ")
        raise ApiError(404, "clip_not_kept", f"not kept: {why}", "Look at the picture, or at the camera's recording.")
    root = deps.evidence_dir.resolve()
    path = (root / kept.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ApiError(404, "clip_gone", "The clip is no longer kept.", "Retention is set in the settings.")
    headers = {"cache-control": "private, max-age=86400, immutable", "etag": f'"{kept.sha256}"'}
    return FileResponse(path, media_type="video/mp4", headers=headers)


def _camera(viewer: Viewer, deps: Parts, camera_id: str, action: Action) -> None:
    """404 for a camera elsewhere too."""
    region = deps.regions.region_of_camera(camera_id)
    if region is None or not viewer.may(action, region):
        raise not_found("camera")


def _span(since: float, until: float) -> dict[str, float]:
    if not (math.isfinite(since) and since < until < math.inf):
        raise ApiError(422, "bad_span", "from does not lie before to.", "Choose another span.")
    return {"from": since, "to": until}


async def _url(deps: Parts, camera_id: str, path: str) -> str:
    worker = holder_of(camera_id, await deps.bus.workers())
    if worker is None:
        raise _away(camera_id)
    return f"{worker.url}/recordings/{quote(camera_id, safe='')}{path}"


async def _ask(deps: Parts, camera_id: str, method: str, path: str, **asked: Any) -> Any:
    async with _client() as client:
        try:
            answer = await client.request(method, await _url(deps, camera_id, path), **asked)
        except httpx.HTTPError:
            raise _away(camera_id) from None
    if not answer.is_success:
        raise _refused(answer)
    return answer.json()


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S))


async def _bytes(client: httpx.AsyncClient, upstream: httpx.Response) -> AsyncIterator[bytes]:
    """To the end, or until the browser leaves. A worker that dies meanwhile breaks the answer off."""
    try:
        async for chunk in upstream.aiter_raw():
            yield chunk
    finally:
        await upstream.aclose()
        await client.aclose()


def _away(camera_id: str) -> ApiError:
    return ApiError(
        503, "worker_away", f"The worker that holds {camera_id} does not answer.", "Try again in a few seconds."
    )


def _refused(answer: httpx.Response) -> ApiError:
    try:
        told = answer.json()["error"]
        code, message = str(told["code"]), str(told["message"])
    except (ValueError, KeyError, TypeError):
        code, message = "worker_failed", "The worker could not answer."
    return ApiError(answer.status_code, code, message, "Choose another span, or try again.")
