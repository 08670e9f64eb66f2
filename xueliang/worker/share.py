"""This worker's share of a machine on which several work: what it may count on, and what the others take."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xueliang.supervisor import run_files


def _alone() -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class MachineShare:
    """``machine_cores`` of the machine are shared by ``workers`` alike.

    ``others_cpu_s``: processor seconds that the other workers have used, never less than when last asked; ``None``
    where the system does not tell.
    """

    machine_cores: int
    workers: int = 1
    others_cpu_s: Callable[[], float | None] = _alone

    @property
    def cores(self) -> float:
        """What one worker may use when all of them want all they can get."""
        return self.machine_cores / self.workers

    def load(self, own: float, others: float | None) -> float:
        """How loaded this worker must think itself, where it uses ``own`` cores and the others together ``others``.

        As loaded as the machine: cores that others leave are there to be used. But never more than its own share is:
        while others take more than theirs, they yield first.
        """
        if others is None:
            return own / self.cores
        return min(own / self.cores, (own + others) / self.machine_cores)

    def sessions(self, best: int, *, asked: bool) -> int:
        """Of ``best`` sessions for the whole machine: what was ``asked`` for is divided, what was measured leaves room
        to use twice the share while others rest."""
        return max(1, -(-best // self.workers)) if asked else min(best, -(-2 * best // self.workers))


class OtherWorkers:
    """The processor time of the other workers of this node, found by their run files; unknown without ``proc``."""

    def __init__(self, state_dir: Path, names: Sequence[str], *, proc: Path = Path("/proc")) -> None:
        self._state_dir = state_dir
        self._names = tuple(names)
        self._proc = proc
        self._last: dict[str, tuple[int, float]] = {}
        self._total = 0.0

    def cpu_s(self) -> float | None:
        """Seconds since the first call. A restarted worker counts on from nothing."""
        if not self._proc.is_dir():
            return None
        for name in self._names:
            told = run_files.read(self._state_dir, name)
            used = None if told is None else _used(self._proc / str(told.pid) / "stat")
            if told is None or used is None:
                continue
            pid, before = self._last.get(name, (told.pid, used))
            if pid == told.pid:
                self._total += max(0.0, used - before)
            self._last[name] = (told.pid, used)
        return self._total


def _used(stat: Path) -> float | None:
    """User and system time of a process, proc_pid_stat(5)."""
    try:
        text = stat.read_text("ascii", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
