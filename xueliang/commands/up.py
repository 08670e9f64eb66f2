"""``xueliang up``: the whole node, in the foreground, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path

import structlog

from configs.loader import load
from configs.schema import Settings
from xueliang.node import Node, assemble
from xueliang.preflight import CannotStart, check_port, check_redis, claim_state_dir
from xueliang.revised import Revised
from xueliang.supervisor import run_files
from xueliang.supervisor.child import ChildSpec, StartFailed
from xueliang.supervisor.control import serving

_log = structlog.get_logger(__name__)


def run(config: Path, *, as_json: bool) -> None:
    """Run the node of a settings file. Raises ``CannotStart`` or ``SettingsFaults`` before anything is started."""

    async def tell(_node: Node, wall: str, control: str) -> None:
        if as_json:
            line = json.dumps({"type": "ready", "wall": wall, "control": control})
        else:
            line = f"wall: {wall}\nmetrics: {control}/metrics"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    asyncio.run(run_node(load(config, os.environ), config, tell))


async def run_node(
    settings: Settings,
    config: Path,
    on_ready: Callable[[Node, str, str], Coroutine[None, None, None]],
    also: Sequence[ChildSpec] = (),
    *,
    fresh: bool = False,
) -> None:
    """Start, call ``on_ready(node, wall address, control address)``, run until SIGINT or SIGTERM, stop in order.

    ``settings`` stand in ``config``; the node runs by the newest revision of them (:mod:`xueliang.revised`, ``fresh``).
    """
    with claim_state_dir(settings.state_dir) as lock:
        # After the folder: what is left of a killed node holds both for a moment.
        check_port(settings.listen.host, settings.listen.port)
        if settings.redis_url is not None:
            check_redis(settings.redis_url)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        revised = Revised(settings, config, os.environ, fresh=fresh)
        settings = revised.take_up()
        node = assemble(settings, revised, lock, also)
        async with (
            _started(node, stop),
            serving(node.supervisor, settings.state_dir) as control,
            _following(revised, node),
        ):
            if stop.is_set():
                return
            announcing = asyncio.create_task(on_ready(node, _wall(settings), control))
            announcing.add_done_callback(lambda task: stop.set() if _failed(task) else None)
            await stop.wait()
            announcing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await announcing


@contextlib.asynccontextmanager
async def _started(node: Node, stop: asyncio.Event) -> AsyncIterator[None]:
    starting = asyncio.create_task(node.supervisor.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
        try:
            await starting
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
        except StartFailed as error:
            raise CannotStart(str(error)) from None
        yield
    finally:
        stopping.cancel()
        began = time.monotonic()
        await node.supervisor.stop()
        _log.info("node_stopped", took_s=round(time.monotonic() - began, 2))


@contextlib.asynccontextmanager
async def _following(revised: Revised, node: Node) -> AsyncIterator[None]:
    following = asyncio.create_task(revised.follow(node.handing.hand_out), name="revisions")
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        revised.close()


def _wall(settings: Settings) -> str:
    """Where the wall is: the dashboard tells its address, port 0 included."""
    told = run_files.read(settings.state_dir, "dashboard")
    if told is None or told.public is None:
        raise CannotStart("the dashboard did not tell its address")
    return told.public


def _failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None
