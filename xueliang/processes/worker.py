"""A worker's process: ingest, detection and rules of the cameras assigned to it, and its private port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import structlog
import uvicorn
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis import RedisError

from alerts.delivery.connection import connect
from alerts.health import HealthBoard
from configs.schema import Settings
from detect.factory import DetectorPlan, open_store, plan_detector
from models.errors import ModelError
from xueliang import assignment
from xueliang.assignment import Assignment
from xueliang.doctor.machine import usable_cores
from xueliang.preflight import CannotStart
from xueliang.processes.start import arguments, run
from xueliang.supervisor import run_files
from xueliang.supervisor.control import PrivateServer
from xueliang.surroundings import shared_folder, shared_models
from xueliang.worker import metrics, recordings, setup
from xueliang.worker.assignment_watch import AssignmentWatch, Follow
from xueliang.worker.http import create_app
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare, OtherWorkers

_log = structlog.get_logger(__name__)
_SWITCH_S = 0.1
"""No thread here runs Python for long: each gives the interpreter's lock back at its next read, decoding or inference.
Where sixty threads wait for it longer than this, each would be made to hand it on after a few instructions, sixty
thousand times a second (measured)."""
SERVER_OPTIONS: dict[str, Any] = {
    "log_config": None,
    "access_log": False,
    "lifespan": "off",
    "ws": "websockets-sansio",
    "ws_per_message_deflate": False,  # pictures do not shrink
    "timeout_graceful_shutdown": 1,
}


def body(settings: Settings, assigned: Assignment, follow: Path, config: Path) -> None:
    """Work until SIGTERM. What is written into ``follow``, the assignment, and ``config`` meanwhile is followed."""
    if settings.redis_url is None:
        raise CannotStart("the worker was given no REDIS_URL: start it by xueliang up")
    cv2.setNumThreads(1)  # our own threads share the cores; OpenCV's pool would fight them
    sys.setswitchinterval(_SWITCH_S)
    store = open_store(settings.model, environ=os.environ, home=Path.home(), also=shared_models(shared_folder()))
    try:
        cores = usable_cores()
        plan = plan_detector(settings.model, store, cores=cores, cache=settings.state_dir)
    except ModelError as error:
        raise CannotStart(f"model: {error}") from None
    watched = partial(AssignmentWatch, follow, config, os.environ, seen=assigned)
    failure = asyncio.run(_serve(settings, assigned, plan, settings.redis_url, cores, watched))
    if failure is not None:
        raise CannotStart(f"detection gave up: {failure}")


async def _serve(
    settings: Settings,
    assigned: Assignment,
    plan: DetectorPlan,
    redis_url: SecretStr,
    cores: int,
    watched: Callable[[Follow], AssignmentWatch],
) -> str | None:
    """Until SIGTERM (returns None) or until detection gives up (returns why)."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str | None] = loop.create_future()

    def end(failure: str | None) -> None:
        if not ended.done():
            ended.set_result(failure)

    def fail(reason: str) -> None:
        loop.call_soon_threadsafe(end, reason)

    loop.add_signal_handler(signal.SIGTERM, end, None)
    node = WorkerNode(
        assigned.worker_id,
        settings,
        assigned.of(settings.cameras),
        plan,
        redis_url,
        on_failed=fail,
        share=_share(settings, assigned, cores),
        revision=assigned.revision,
    )
    following = watched(node.follow)
    registry = CollectorRegistry()
    metrics.register(registry, node)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        more = [*recordings.routes(node.recordings, time.time), *setup.routes(node)]
        app = create_app(node.ingests, registry, node.health, more)
        server = PrivateServer(uvicorn.Config(app, **SERVER_OPTIONS))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.to_thread(_forget_former, assigned, redis_url)
        await asyncio.to_thread(node.start, url)
        run_files.announce(settings.state_dir, assigned.worker_id, url)
        following.start()
        failure = await ended
        following.stop()
        await asyncio.to_thread(node.stop)
        server.should_exit = True
        await serving
    return failure


def _share(settings: Settings, assigned: Assignment, cores: int) -> MachineShare:
    others = OtherWorkers(settings.state_dir, [name for name in assigned.workers if name != assigned.worker_id])
    return MachineShare(cores, len(assigned.workers), others.cpu_s)


def _forget_former(assigned: Assignment, redis_url: SecretStr) -> None:
    """Workers that an earlier start had and this one has not: nobody else takes them out of the register."""
    try:
        HealthBoard(connect(redis_url, name=assigned.worker_id)).keep_workers(assigned.workers)
    except RedisError as error:
        _log.warning("former_workers_not_forgotten", error=type(error).__name__)


def main() -> int:
    """The process; returns its exit code."""
    parser = arguments("worker")
    parser.add_argument("--assignment", type=Path, required=True)
    given = parser.parse_args()
    try:
        assigned = assignment.read(given.assignment)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"worker: no assignment of cameras: {error}: start it by xueliang up\n")
        return 1
    work = partial(body, assigned=assigned, follow=given.assignment, config=given.config)
    return run(assigned.worker_id, given.config, work)


if __name__ == "__main__":
    sys.exit(main())
