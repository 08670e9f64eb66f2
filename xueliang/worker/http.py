"""The worker's private port: live channels, health and metrics. Loopback; rights are the dashboard's business."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ingest.live import LiveChannel, Subscription
from xueliang.worker.stills import send_stills

UNKNOWN_CAMERA = 4404
STOPPING = 1012
JOINED_BYTES = 1024 * 1024


class LiveCamera(Protocol):
    """Who has live channels: :class:`ingest.camera.CameraIngest`."""

    def live(self, stream: Literal["main", "sub"]) -> LiveChannel:
        """The channel of the named stream."""


def create_app(
    cameras: Mapping[str, LiveCamera],
    registry: CollectorRegistry,
    health: Callable[[], dict[str, object]],
    more: Sequence[Route] = (),
) -> Starlette:
    """The application, with ``more`` routes; see "Worker, private port" in ARCHITECTURE.md."""

    async def live(socket: WebSocket) -> None:
        await watch(socket, _send)

    async def pictures(socket: WebSocket) -> None:
        await watch(socket, send_stills)

    async def watch(socket: WebSocket, send: Callable[[WebSocket, Subscription], Coroutine[Any, Any, None]]) -> None:
        camera = cameras.get(socket.path_params["camera_id"])
        await socket.accept()
        if camera is None:
            await socket.close(UNKNOWN_CAMERA, "unknown camera")
            return
        stream: Literal["main", "sub"] = "main" if socket.query_params.get("stream") == "main" else "sub"
        with camera.live(stream).subscribe() as subscription:
            sender = asyncio.create_task(send(socket, subscription))
            # Without watching receive() a handler never learns that the reader left.
            leaver = asyncio.create_task(_until_closed(socket))
            done, pending = await asyncio.wait({sender, leaver}, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                task.result()
            if sender in done and leaver not in done:
                await _close(socket)

    async def tell_health(_request: Request) -> Response:
        return JSONResponse(health())

    async def metrics(_request: Request) -> Response:
        return Response(await asyncio.to_thread(generate_latest, registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            WebSocketRoute("/live/{camera_id}", live),
            WebSocketRoute("/pictures/{camera_id}", pictures),
            Route("/health", tell_health),
            Route("/metrics", metrics),
            *more,
        ]
    )


async def _send(socket: WebSocket, subscription: Subscription) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while messages := await subscription.messages():
            for message in joined(messages):
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_text(message)


def joined(messages: Sequence[str | bytes]) -> list[str | bytes]:
    """Pictures that wait together as one message, at most about 1 MiB, in their order: a GOP costs all on its way to
    the glass hardly more than one picture. What follows a text may be an init segment and stays alone."""
    runs: list[str | list[bytes]] = []
    size, grows = 0, False
    previous: str | bytes = ""
    for message in messages:
        last = runs[-1] if runs else ""
        if isinstance(message, bytes) and isinstance(last, list) and grows and size < JOINED_BYTES:
            last.append(message)
            size += len(message)
        else:
            runs.append([message] if isinstance(message, bytes) else message)
            size, grows = len(message), isinstance(previous, bytes)
        previous = message
    return [run if isinstance(run, str) else b"".join(run) for run in runs]


async def _close(socket: WebSocket) -> None:
    """Best effort: the reader may have left meanwhile."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(STOPPING, "worker stops")


async def _until_closed(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
