"""A whole node on one machine: which processes, in which order, and how it is told that each is ready."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import redis

from alerts import redis_server
from alerts.delivery.connection import connect
from configs.schema import Settings
from xueliang import assignment
from xueliang.doctor.machine import usable_cores
from xueliang.preflight import CannotStart
from xueliang.supervisor import run_files
from xueliang.supervisor.child import Child, ChildSpec, announced
from xueliang.supervisor.supervisor import Stage, Supervisor
from xueliang.surroundings import database_url

_START_S = 30.0
_COMPILING_S = 900.0  # an accelerator loads libraries of gigabytes, and some compile the model for minutes


class MonotonicClock:
    """Real time."""

    def time(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Node:
    """The supervisor of a node, and the Redis its processes use."""

    supervisor: Supervisor
    redis_url: str


def assemble(settings: Settings, config: Path, lock: IO[str], also: Sequence[ChildSpec] = ()) -> Node:
    """The processes of ``settings``, which stand in ``config``; ``also`` starts first and stops last.

    Every process holds ``lock``, the state folder's (:func:`~xueliang.preflight.claim_state_dir`), open: when the
    supervisor is killed, the next one waits until the last of them is gone, or two Redis servers would share a socket
    and a file. Raises :class:`~xueliang.preflight.CannotStart` where there is no Redis server to run.
    """
    clock = MonotonicClock()

    def child(spec: ChildSpec) -> Child:
        return Child(replace(spec, inherits=(lock.fileno(),)), clock)

    first = [child(spec) for spec in also]
    if settings.redis_url is not None:
        redis_url = settings.redis_url.get_secret_value()
    else:
        try:
            launch = redis_server.command(settings.state_dir)
        except redis_server.RedisServerError as error:
            raise CannotStart(str(error)) from None
        redis_url = launch.url
        first.append(child(ChildSpec("redis", launch.argv, _redis_answers(redis_url), env=launch.env, stop_s=1.0)))
    env = {"REDIS_URL": redis_url, "DATABASE_URL": database_url(settings).get_secret_value()}
    assignments = assignment.assign(settings.cameras, assignment.workers_wanted(settings, usable_cores()))
    workers = [each.worker_id for each in assignments]
    for name in (*workers, "historian", "dashboard"):
        run_files.forget(settings.state_dir, name)

    def process(name: str, module: str, *more: str, stop_s: float = 1.5, start_s: float = _START_S) -> Child:
        argv = (sys.executable, "-m", f"xueliang.processes.{module}", "--config", str(config), *more)
        return child(ChildSpec(name, argv, announced(settings.state_dir, name), env, stop_s, start_s))

    start_s = _START_S if settings.model.accelerator == "cpu" else _COMPILING_S
    ours = [
        *(
            process(each.worker_id, "worker", "--assignment", str(file), stop_s=2.5, start_s=start_s)
            for each in assignments
            for file in [assignment.write(settings.state_dir / "assignments", each)]
        ),
        process("historian", "historian"),
        process("dashboard", "dashboard"),
    ]
    stages = ([Stage(tuple(first))] if first else []) + [Stage(tuple(ours))]
    # The wall first, so that it says so; then what finds, what stores, what carries, and last what is simulated.
    order = [["dashboard"], workers, ["historian"], *([one.spec.name] for one in reversed(first))]
    return Node(Supervisor(stages, order), redis_url)


def _redis_answers(url: str) -> Callable[[int], Awaitable[bool]]:
    client = connect(url, name="supervisor")

    async def ready(_pid: int) -> bool:
        try:
            return bool(await asyncio.to_thread(client.ping))
        except redis.RedisError:
            return False

    return ready
