"""What was recorded, on the worker's private port: spans and gaps, the pictures of a span, locks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from alerts.recording.archive import timeline
from alerts.recording.locks import RecordingLock
from alerts.recording.playback import play
from alerts.recording.recordings import Recordings

MOST_S, MOST_VIDEO_S = 2 * 86400.0, 86400.0
"""The longest spans that one question may ask for: this process has cameras to read."""
IN_THE_MAKING_S = 15.0
"""So much of now is not told as a gap: the GOP in the making is no hole."""


def routes(recordings: Recordings, clock: Callable[[], float]) -> list[Route]:
    """See "Worker, private port" in ARCHITECTURE.md."""

    def known(handler: Callable[[str, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            camera_id = request.path_params["camera_id"]
            if camera_id not in recordings.cameras:
                return _refusal(404, "unknown_camera", "This worker does not hold the camera.")
            try:
                return await handler(camera_id, request)
            except OSError as error:
                return _refusal(503, "disk_error", f"The recordings cannot be read or written: {error.strerror}.")

        return guarded

    async def spans(camera_id: str, request: Request) -> Response:
        span = _span(request, MOST_S)
        if span is None:
            return _refusal(422, "bad_span", "want from and to, UTC epoch seconds, from before to by two days at most")
        begins_at, ends_at = span
        known_until = max(begins_at, min(ends_at, clock() - IN_THE_MAKING_S))

        def read() -> dict[str, object]:
            found = recordings.archive.find(camera_id, begins_at, ends_at)
            newest = max((each.fragments[-1].ends_at for each in found), default=begins_at)
            until = max(known_until, min(newest, ends_at))
            recorded, gaps = timeline(found, begins_at, until, recordings.missing(camera_id) or None)
            return {
                "camera_id": camera_id,
                "from": begins_at,
                "to": until,
                "spans": [asdict(each) for each in recorded],
                "gaps": [asdict(each) for each in gaps],
                "locks": [each.model_dump() for each in recordings.locks.read(camera_id)],
            }

        return JSONResponse(await asyncio.to_thread(read))

    async def video(camera_id: str, request: Request) -> Response:
        span = _span(request, MOST_VIDEO_S)
        if span is None:
            return _refusal(422, "bad_span", "want from and to, UTC epoch seconds, from before to by a day at most")
        playback = await asyncio.to_thread(play, recordings.archive, camera_id, *span)
        if playback is None:
            return _refusal(404, "not_recorded", "Nothing is recorded in this time.")
        headers = {"x-begins-at": f"{playback.begins_at:.3f}", "x-ends-at": f"{playback.ends_at:.3f}"}
        return StreamingResponse(playback.chunks, media_type="video/mp4", headers=headers)

    async def lock(camera_id: str, request: Request) -> Response:
        try:
            wanted = RecordingLock.model_validate_json(await request.body())
        except ValidationError as error:
            return _refusal(422, "bad_lock", f"not a lock: {error.error_count()} faults")
        await asyncio.to_thread(recordings.locks.add, camera_id, wanted)
        return JSONResponse(wanted.model_dump(), 201)

    async def unlock(camera_id: str, request: Request) -> Response:
        gone = await asyncio.to_thread(recordings.locks.remove, camera_id, request.path_params["lock_id"])
        if gone is None:
            return _refusal(404, "unknown_lock", "There is no such lock.")
        return JSONResponse(gone.model_dump())

    place = "/recordings/{camera_id}"
    return [
        Route(place, known(spans)),
        Route(f"{place}/video", known(video)),
        Route(f"{place}/locks", known(lock), methods=["POST"]),
        Route(f"{place}/locks/{{lock_id}}", known(unlock), methods=["DELETE"]),
    ]


def _span(request: Request, most_s: float) -> tuple[float, float] | None:
    try:
        begins_at, ends_at = float(request.query_params["from"]), float(request.query_params["to"])
    except (KeyError, ValueError):
        return None
    sound = math.isfinite(begins_at) and begins_at < ends_at <= begins_at + most_s
    return (begins_at, ends_at) if sound else None


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
