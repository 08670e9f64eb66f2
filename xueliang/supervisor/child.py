"""One supervised process: started, announced ready, restarted within its budget, stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from xueliang.supervisor import run_files
from xueliang.supervisor.budget import RestartBudget

_log = structlog.get_logger(__name__)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. ``ready`` answers whether the process with the given pid serves; ``start_s`` is its time to get
    there, long enough for a machine with much else to do: to begin anew would only add to that; ``stop_s`` is its time
    to stop; ``inherits`` are open file descriptors that the process holds for as long as it lives."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[int], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_s: float = 1.5
    start_s: float = 120.0
    inherits: tuple[int, ...] = ()


class StartFailed(Exception):
    """A child ended or stayed silent before it was ready for the first time. ``str()`` is one line: who, and why."""


class Clock(Protocol):
    """Seconds that only go forward, and a way to let them pass."""

    def time(self) -> float:
        """Monotonic seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""


def announced(state_dir: Path, name: str) -> Callable[[int], Awaitable[bool]]:
    """Readiness by run file: the process with this very pid has announced itself."""

    async def ready(pid: int) -> bool:
        told = run_files.read(state_dir, name)
        return told is not None and told.pid == pid

    return ready


class Child:
    """Runs a :class:`ChildSpec` until told to stop.

    ``restarts`` counts every start after the first; ``trouble`` says why the child is not running (None: it is).
    """

    def __init__(self, spec: ChildSpec, clock: Clock, budget: RestartBudget | None = None) -> None:
        self.spec = spec
        self.restarts = 0
        self.trouble: str | None = "not started"
        self._clock = clock
        self._budget = budget or RestartBudget()
        self._process: asyncio.subprocess.Process | None = None
        self._last_words: deque[str] = deque(maxlen=20)
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The pid while a process runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it and return when it is ready. Raises :class:`StartFailed`."""
        await self._spawn()
        await self._wait_ready()
        self._watch = asyncio.create_task(self._keep(), name=f"watch {self.spec.name}")

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after ``spec.stop_s``; returns when the process is gone."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        process = self._process
        if process is None or process.returncode is not None:
            return
        began = self._clock.time()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_s)
        except TimeoutError:
            _log.warning("child_killed", child=self.spec.name, after_s=self.spec.stop_s)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self.trouble = "stopped"
        _log.info("child_stopped", child=self.spec.name, took_s=round(self._clock.time() - began, 2))

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self.spec.argv,
            env={**os.environ, **self.spec.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=self.spec.inherits,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then stops all in order
            preexec_fn=_die_with_parent,
        )
        self.trouble = "starting"
        self._last_words.clear()
        self._listener = asyncio.create_task(self._listen(self._process), name=f"stderr {self.spec.name}")
        _log.info("child_started", child=self.spec.name, pid=self._process.pid)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Pass the child's log on, and keep its last words for the one line that says why it ended."""
        assert process.stdout is not None
        while line := await process.stdout.readline():
            text = line.decode("utf-8", "replace").rstrip()
            self._last_words.append(text)
            if text.startswith("{"):
                sys.stderr.write(text + "\n")
            elif text:
                _log.info("child_said", child=self.spec.name, text=text)  # Redis, and whatever is no log line of ours

    async def _wait_ready(self) -> None:
        process = self._process
        assert process is not None
        deadline = self._clock.time() + self.spec.start_s
        while not await self.spec.ready(process.pid):
            if process.returncode is not None:
                await self._listener
                raise StartFailed(self._why(process.returncode))
            if self._clock.time() > deadline:
                raise StartFailed(f"{self.spec.name}: not ready after {self.spec.start_s:.0f} s")
            await self._clock.sleep(0.02)
        self.trouble = None

    async def _keep(self) -> None:
        while not self._stopping:
            assert self._process is not None
            code = await self._process.wait()
            await self._listener
            self.restarts += 1
            now = self._clock.time()
            spent = self._budget.spent(now)
            delay = self._budget.next_delay_s(now)
            self.trouble = self._why(code)
            say = _log.error if spent else _log.warning
            say("child_ended", child=self.spec.name, why=self.trouble, restart_in_s=delay, budget_spent=spent)
            await self._clock.sleep(delay)
            await self._spawn()
            try:
                await self._wait_ready()
            except StartFailed as error:
                self.trouble = str(error)
                if self._process.returncode is None:
                    self._process.kill()

    def _why(self, code: int) -> str:
        if code < 0:
            return f"{self.spec.name}: ended by {signal.Signals(-code).name}"
        last = next((words for words in reversed(self._last_words) if words.strip()), "")
        return f"{self.spec.name}: exit code {code}" + (f": {last}" if last else "")


def _die_with_parent() -> None:
    """Ask Linux to send SIGTERM when the supervisor is gone, so that nothing is left behind (prctl(2))."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
