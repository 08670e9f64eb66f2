"""Set-up on the worker's private port: a stream is tried, and rules are tried on what a camera shows now.

The dashboard has asked rights and networks before it comes here.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections import deque
from collections.abc import AsyncIterator
from ipaddress import ip_address

import av
import cv2
from pydantic import SecretStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from configs.schema import Camera, StreamSettings
from detect.detection import Tracks
from ingest.rtsp.address import Address
from ingest.state import Fault
from xueliang.probe.report import StreamReport
from xueliang.probe.session import ProbeLimits, probe_stream
from xueliang.worker.node import WorkerNode
from xueliang.worker.rehearsal import Rehearsal

AT_A_TIME = 2
"""Streams that are tried at once: this process has cameras to read."""
PICTURE_PX = 960
LONGEST_S = 600.0
"""A page that was forgotten open must not try rules for ever."""
BOUND = 64
"""Lines that wait for a slow page; the oldest go."""

_WORDS = {
    "this machine knows no address of the camera's host name": "unknown_host",
    "nothing listens at the camera's address": "nothing_listens",
    "camera does not answer in time": "no_answer",
    "camera has no stream at this address (404)": "no_stream",
    "camera offers no video": "no_video",
    "what answers does not speak RTSP, or offers no video": "no_video",
}


def routes(node: WorkerNode) -> list[Route]:
    """See "Worker, private port" in ARCHITECTURE.md."""
    trying = asyncio.Semaphore(AT_A_TIME)

    async def probe(request: Request) -> Response:
        try:
            asked = await request.json()
            stream = StreamSettings(url=asked["url"], transport=asked["transport"])
            user, password = str(asked["username"]), SecretStr(str(asked["password"]))
            address = Address(stream.url, user, password, stream.transport, peer=str(ip_address(asked["address"])))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": {"code": "bad_probe", "message": "no stream to try"}}, 422)
        async with trying:
            return JSONResponse(await asyncio.to_thread(tried, address, ProbeLimits()))

    async def rehearse(request: Request) -> Response:
        try:
            camera = Camera.model_validate_json(await request.body())
            analysis = node.analyses[camera.id]
            rehearsal = Rehearsal(camera, node.settings, node.plan.model_id)
        except ValidationError as error:
            return JSONResponse({"error": {"code": "bad_camera", "message": f"{error.error_count()} faults"}}, 422)
        except KeyError:
            return JSONResponse({"error": {"code": "unknown_camera", "message": "not held here"}}, 404)
        loop = asyncio.get_running_loop()
        lines: deque[str] = deque(maxlen=BOUND)
        there = asyncio.Event()

        def add(line: str) -> None:
            lines.append(line)
            there.set()

        def hear(tracks: Tracks) -> None:
            line = rehearsal.observe(tracks)
            if line is not None:
                loop.call_soon_threadsafe(add, line)

        async def told() -> AsyncIterator[str]:
            with analysis.heard_by(hear):
                async with asyncio.timeout(LONGEST_S):
                    while True:
                        await there.wait()
                        there.clear()
                        while lines:
                            yield lines.popleft() + "\n"

        return StreamingResponse(_until_timeout(told()), media_type="application/x-ndjson")

    return [Route("/probe", probe, methods=["POST"]), Route("/rehearse", rehearse, methods=["POST"])]


def tried(address: Address, limits: ProbeLimits) -> dict[str, object]:
    """What a stream is, as the dashboard's ``ProbeReport``; takes some seconds."""
    pictures: list[str] = []
    report = probe_stream(
        "main", address, limits, threading.Event(), on_picture=lambda frame: pictures.append(_jpeg(frame))
    )
    picture, figures = report.picture, report.figures
    return {
        "fault": _word(report),
        "detail": report.detail,
        "codec": None if picture is None else picture.codec,
        "width": None if picture is None else picture.width,
        "height": None if picture is None else picture.height,
        "b_frames": None if picture is None else picture.b_frames,
        "fps": None if figures is None or figures.fps is None else round(figures.fps, 2),
        "gop_s": None if figures is None or figures.gop_s is None else round(figures.gop_s, 2),
        "bit_rate": None if figures is None or figures.bit_rate is None else round(figures.bit_rate),
        "audio": report.audio,
        "opened_s": None if report.opened_s is None else round(report.opened_s, 2),
        "picture": next(iter(pictures), None),
    }


def _word(report: StreamReport) -> str | None:
    if report.fault is None:
        return None
    if report.detail in _WORDS:
        return _WORDS[report.detail]
    if report.detail.endswith("only H.264 and H.265 are supported"):
        return "codec"
    known = {Fault.REFUSED: "refused", Fault.FROZEN: "frozen", Fault.GARBLED: "garbled"}
    return known.get(report.fault, "unreachable")


def _jpeg(frame: av.VideoFrame) -> str:
    """As a data URL, at most :data:`PICTURE_PX` wide."""
    scale = min(1.0, PICTURE_PX / frame.width)
    small = frame.reformat(width=round(frame.width * scale), height=round(frame.height * scale), format="bgr24")
    _, data = cv2.imencode(".jpg", small.to_ndarray())
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


async def _until_timeout(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for line in lines:
            yield line
    except TimeoutError:
        return
