"""Workers that share a machine: what each may count on, and how loaded it must think itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.gating.budget import DecodeBudget, Demand, Load
from ingest.gating.level import Level
from xueliang.supervisor import run_files
from xueliang.worker.share import MachineShare, OtherWorkers


@pytest.mark.parametrize(
    ("own", "others", "load", "why"),
    [
        (1.5, 0.1, 0.8, "cores that the other leaves are there to be used"),
        (0.5, 1.7, 0.5, "the other takes more than its share and yields first"),
        (1.2, 0.8, 1.0, "who takes more than its share yields when the machine is full"),
        (1.0, 1.0, 1.0, "both have all that they may"),
        (0.5, None, 0.5, "nothing is known of the others: its own share"),
    ],
)
def test_load(own: float, others: float | None, load: float, why: str) -> None:
    assert MachineShare(2, workers=2).load(own, others) == pytest.approx(load), why


@pytest.mark.parametrize(
    ("cores", "workers", "best", "asked", "want", "why"),
    [
        (2, 1, 2, False, 2, "alone: all"),
        (2, 2, 2, False, 2, "each can use both cores while the other rests"),
        (16, 4, 16, False, 8, "twice its share"),
        (16, 4, 8, True, 2, "what was asked for is for all of them together"),
        (2, 4, 2, True, 1, "at least one"),
    ],
)
def test_sessions(cores: int, workers: int, best: int, asked: bool, want: int, why: str) -> None:
    assert MachineShare(cores, workers).sessions(best, asked=asked) == want, why


INFERENCE_S = 0.012

BUSY = """
import sys, time
print("ready", flush=True)
for line in sys.stdin:
    until = time.process_time() + 0.2
    while time.process_time() < until: pass
    print("done", flush=True)
"""


def busy() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def work(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def announce(folder: Path, name: str, pid: int) -> None:
    run_files.announce(folder, name, None)
    file = folder / "run" / f"{name}.json"
    file.write_text(file.read_text().replace(str(os.getpid()), str(pid)))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc: shares are fixed there")
def test_what_others_use_is_seen_and_a_restart_takes_nothing_back(tmp_path: Path) -> None:
    others = OtherWorkers(tmp_path, ["worker-2", "worker-3"])
    assert others.cpu_s() == 0, "none is there yet"
    with busy() as first, busy() as second:
        announce(tmp_path, "worker-2", first.pid)
        assert others.cpu_s() == 0
        work(first)
        told = others.cpu_s()
        assert told == pytest.approx(0.2, abs=0.1)
        announce(tmp_path, "worker-2", second.pid)
        assert others.cpu_s() == told
        work(second)
        assert others.cpu_s() == pytest.approx(0.4, abs=0.15)


def test_without_proc_nothing_is_known_of_others(tmp_path: Path) -> None:
    assert OtherWorkers(tmp_path, ["worker-2"], proc=tmp_path / "none").cpu_s() is None


def cost(levels: Mapping[str, Level], demands: Sequence[Demand]) -> float:
    return sum(demand.cost(levels[demand.camera_id], INFERENCE_S) for demand in demands)


def test_two_workers_that_want_more_than_the_machine_become_alike_and_one_alone_takes_it_all() -> None:
    """The first has the machine for two minutes, then the second comes; then the first's cameras come to rest."""
    machine, cores = MachineShare(2, workers=2), 2.0
    demands = [
        [Demand(f"{worker}{n}", 1, 5.0, 1.0, active=True, decoding=0.05) for n in range(20)] for worker in "ab"
    ]  # 1.0 core of decoding and 1.2 of detection each
    budgets = [DecodeBudget(machine.cores) for _ in demands]
    used = [0.0, 0.0]
    told: list[list[tuple[float, float]]] = [[], [], []]
    for second in range(720):
        phase = second // 240
        for mine, (budget, wanted) in enumerate(zip(budgets, demands, strict=True)):
            resting = (phase == 0 and mine == 1) or (phase == 2 and mine == 0)
            now = [replace(demand, active=not resting) for demand in wanted]
            total = sum(used)
            squeezed = [each * min(1.0, cores / total) if total else 0.0 for each in used]
            load = machine.load(squeezed[mine], squeezed[1 - mine])
            levels = budget.update(second, Load(stage=load, cpu=load, wait_s=None), now, INFERENCE_S)
            used[mine] = cost(levels, now)
        told[phase].append((used[0], used[1]))
    settled = [[sum(one[mine] for one in phase[120:]) / len(phase[120:]) for mine in (0, 1)] for phase in told]
    assert settled[0][0] > 1.5, "alone it takes what the other leaves"
    assert settled[1][0] == pytest.approx(settled[1][1], rel=0.25), "both want all: alike"
    assert 1.5 < sum(settled[1]) < 2.1
    assert settled[2][1] > 1.5
