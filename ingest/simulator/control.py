"""The control interface: a small JSON API on a loopback port, to see the cameras and to switch their faults.

``GET /cameras``, ``GET /cameras/{id}``, ``PUT /cameras/{id}/fault`` with ``{"fault": "frozen"}``. Errors are
``{"error": {"code", "message", "action"}}``. It has no login: it listens on the loopback only, and answers only to
requests addressed there (a web page that names another host gets 400).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ingest.simulator.camera import PortError
from ingest.simulator.fault import UnsupportedFaultError
from ingest.simulator.material import MaterialError
from ingest.simulator.server import Simulator, UnknownCameraError

HOST: Final = "127.0.0.1"
_MAX_BODY: Final = 4096


def application(simulator: Simulator) -> Starlette:
    """The API over a running simulator; it belongs in the simulator's event loop."""

    async def list_cameras(_request: Request) -> JSONResponse:
        return JSONResponse({"cameras": [simulator.report(camera) for camera in simulator.cameras]})

    async def one_camera(request: Request) -> JSONResponse:
        try:
            return JSONResponse(simulator.report(request.path_params["camera"]))
        except UnknownCameraError as error:
            return _error(404, "unknown_camera", str(error), "GET /cameras lists them")

    async def put_fault(request: Request) -> JSONResponse:
        camera = request.path_params["camera"]
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _MAX_BODY:
            return _error(413, "too_large", f"body must name its length, at most {_MAX_BODY}", "send one JSON object")
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("fault"), str):
            return _error(400, "bad_request", 'body is not {"fault": NAME}', "send a JSON object with a fault's name")
        try:
            await simulator.set_fault(camera, body["fault"])
            return JSONResponse(simulator.report(camera))
        except UnknownCameraError as error:
            return _error(404, "unknown_camera", str(error), "GET /cameras lists them")
        except UnsupportedFaultError as error:
            return _error(422, "unsupported_fault", str(error), "choose one of those named")
        except MaterialError as error:
            return _error(409, "material_gone", str(error), "start the simulator again: it encodes its pictures anew")
        except PortError as error:
            return _error(409, "port_taken", str(error), "end the program that took it, then switch again")

    return Starlette(
        routes=[
            Route("/cameras", list_cameras),
            Route("/cameras/{camera}", one_camera),
            Route("/cameras/{camera}/fault", put_fault, methods=["PUT"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


def _error(status: int, code: str, message: str, action: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "action": action}}, status_code=status)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the simulator handles them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See uvicorn."""
        yield


class ControlServer:
    """Serves :func:`application`; an async context manager. ``port`` 0 takes a free one; raises :class:`PortError`."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        config = uvicorn.Config(
            application(simulator), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = _Server(config)
        self._port = port
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Base address; known inside the context."""
        assert self._socket is not None
        return f"http://{HOST}:{self._socket.getsockname()[1]}"

    async def __aenter__(self) -> ControlServer:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((HOST, self._port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise PortError(f"control port {self._port} cannot be listened on ({error.strerror})") from error
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        if self._socket is not None:
            self._socket.close()
