"""A whole node on one machine: which processes, in which order, and how it is told that each is ready."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO

import redis

from alerts import redis_server
from alerts.delivery.connection import connect
from configs.schema import Settings
from xueliang import assignment, spools
from xueliang.doctor.machine import usable_cores
from xueliang.preflight import CannotStart
from xueliang.revised import Handing, Revised, settings_file
from xueliang.supervisor import run_files
from xueliang.supervisor.child import Child, ChildSpec, announced
from xueliang.supervisor.supervisor import Stage, Supervisor

WORKER_MEMORY = {
    "GLIBC_TUNABLES": ":".join(
        f"glibc.malloc.{name}={value}"
        for name, value in (("arena_max", 2), ("mmap_threshold", 1 << 20), ("trim_threshold", 4 << 20), ("hugetlb", 1))
    )
}
"""How workers ask glibc for memory (ld.so(8), "tunables"). What decoders free goes back to the system: by default each
thread keeps a heap of its own, and what is mapped by itself grows beyond pictures, 175 MB more for sixteen cameras.
Large pages where the system lends them: a picture and a model's numbers lie in hundreds of small ones, and looking
those up costs some percent of detection (both measured)."""

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
    """The supervisor of a node, the Redis its processes use, and who hands cameras to its workers."""

    supervisor: Supervisor
    redis_url: str
    handing: Handing


def assemble(settings: Settings, revised: Revised, lock: IO[str], also: Sequence[ChildSpec] = ()) -> Node:
    """The processes of ``settings``, the newest revision; ``also`` starts first and stops last.

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
    env = {**revised.environ, "REDIS_URL": redis_url}
    wanted = assignment.workers_wanted(settings, usable_cores())
    assignments = assignment.assign(settings.cameras, wanted, revised.number)
    spools.follow(settings.state_dir, assignments)
    handing = Handing(settings.state_dir / "assignments", assignments)
    workers = [each.worker_id for each in assignments]
    for name in (*workers, "historian", "dashboard"):
        run_files.forget(settings.state_dir, name)

    def spec(name: str, module: str, *more: str) -> ChildSpec:
        argv = (sys.executable, "-m", f"xueliang.processes.{module}", "--config", str(settings_file(settings)), *more)
        return ChildSpec(name, argv, announced(settings.state_dir, name), env=env)

    memory = {name: value for name, value in WORKER_MEMORY.items() if name not in os.environ}
    ours = []
    for each, file in zip(assignments, handing.write(), strict=True):
        worker = spec(each.worker_id, "worker", "--assignment", str(file))
        start_s = worker.start_s if settings.model.accelerator == "cpu" else _COMPILING_S
        ours.append(child(replace(worker, env={**env, **memory}, stop_s=2.5, start_s=start_s)))
    ours += [child(spec("historian", "historian")), child(spec("dashboard", "dashboard"))]
    stages = ([Stage(tuple(first))] if first else []) + [Stage(tuple(ours))]
    # The wall first, so that it says so; then what finds, what stores, what carries, and last what is simulated.
    order = [["dashboard"], workers, ["historian"], *([one.spec.name] for one in reversed(first))]
    return Node(Supervisor(stages, order), redis_url, handing)


def _redis_answers(url: str) -> Callable[[int], Awaitable[bool]]:
    client = connect(url, name="supervisor")

    async def ready(_pid: int) -> bool:
        try:
            return bool(await asyncio.to_thread(client.ping))
        except redis.RedisError:
            return False

    return ready
