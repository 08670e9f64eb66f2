"""The supervisor's own port, loopback: ``/metrics`` of the whole node and ``/health`` of its processes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from xueliang.supervisor import exposition, run_files
from xueliang.supervisor.supervisor import Supervisor


class PrivateServer(uvicorn.Server):
    """uvicorn without its signal handlers: a process of ours stops in its own order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """See the class."""
        yield


def create_app(supervisor: Supervisor, state_dir: Path, client: httpx.AsyncClient) -> Starlette:
    """The application."""

    async def metrics(_request: Request) -> Response:
        told = {name: run_files.read(state_dir, name) for name in supervisor.children}
        urls = {name: file.url for name, file in told.items() if file is not None and file.url is not None}
        text = await exposition.gather(supervisor.children, urls, client)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def health(_request: Request) -> Response:
        processes = {
            name: {"pid": child.pid, "restarts": child.restarts, "trouble": child.trouble}
            for name, child in supervisor.children.items()
        }
        running = all(child.trouble is None for child in supervisor.children.values())
        return JSONResponse({"status": "ok" if running else "degraded", "processes": processes})

    return Starlette(routes=[Route("/metrics", metrics), Route("/health", health)])


@contextlib.asynccontextmanager
async def serving(supervisor: Supervisor, state_dir: Path) -> AsyncIterator[str]:
    """Serve on a free loopback port, told in the run file ``supervisor``; yields the address."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = PrivateServer(
                uvicorn.Config(
                    create_app(supervisor, state_dir, client),
                    log_config=None,
                    access_log=False,
                    lifespan="off",
                    timeout_graceful_shutdown=1,
                )
            )
            task = asyncio.create_task(server.serve(sockets=[listener]))
            run_files.announce(state_dir, "supervisor", url)
            try:
                yield url
            finally:
                server.should_exit = True
                await task
                run_files.forget(state_dir, "supervisor")
