"""Processes are started in stages, restarted within their budget, stopped in order, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xueliang.supervisor import run_files
from xueliang.supervisor.budget import RestartBudget
from xueliang.supervisor.child import Child, ChildSpec, StartFailed, announced
from xueliang.supervisor.supervisor import Stage, Supervisor

CHILD = """
import signal, sys, threading
from pathlib import Path
from xueliang.supervisor import run_files
state, name = Path(sys.argv[1]), sys.argv[2]
done = threading.Event()
def stop(*_):
    with open(state / "stopped", "a") as log:
        log.write(name + "\\n")
    done.set()
signal.signal(signal.SIGTERM, stop)
run_files.announce(state, name, None)
done.wait()
"""


class RealClock:
    def time(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.to_thread(threading.Event().wait, min(seconds, 0.05))


def spec(state: Path, name: str, code: str = CHILD) -> ChildSpec:
    return ChildSpec(
        name,
        (sys.executable, "-c", code, str(state), name),
        announced(state, name),
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0)


async def test_a_killed_child_comes_back_and_the_order_of_stopping_is_kept(tmp_path: Path) -> None:
    clock = RealClock()
    children = {name: Child(spec(tmp_path, name), clock) for name in ("redis", "worker", "dashboard")}
    node = Supervisor(
        [Stage((children["redis"],)), Stage((children["worker"], children["dashboard"]))],
        stop_order=(["dashboard"], ["worker"], ["redis"]),
    )
    await node.start()
    before = children["worker"].pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    await until(lambda: children["worker"].restarts == 1 and children["worker"].trouble is None)
    after = children["worker"].pid
    assert after is not None
    assert after != before
    pids = [child.pid for child in children.values()]
    await node.stop()
    assert (tmp_path / "stopped").read_text().split() == ["dashboard", "worker", "redis"]
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)


async def test_a_child_that_cannot_start_says_why_in_one_line_and_stops_the_rest(tmp_path: Path) -> None:
    clock = RealClock()
    good = Child(spec(tmp_path, "redis"), clock)
    bad = Child(spec(tmp_path, "worker", "import sys; print('the disk is full', file=sys.stderr); sys.exit(3)"), clock)
    node = Supervisor([Stage((good,)), Stage((bad,))], stop_order=(["worker"], ["redis"]))
    with pytest.raises(StartFailed, match=r"^worker: exit code 3: the disk is full$"):
        await node.start()
    assert good.pid is None


async def test_a_child_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    deaf = CHILD.replace("signal.signal(signal.SIGTERM, stop)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    child = Child(
        ChildSpec(
            "deaf",
            (sys.executable, "-c", deaf, str(tmp_path), "deaf"),
            announced(tmp_path, "deaf"),
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
            stop_s=0.2,
        ),
        RealClock(),
    )
    await child.start()
    pid = child.pid
    await child.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, sys, time\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from pathlib import Path\n"
        "from xueliang import logs\n"
        "from xueliang.supervisor.child import Child, ChildSpec, announced\n"
        "logs.configure('parent')\n"
        "class Clock:\n"
        "    def time(self): return time.monotonic()\n"
        "    async def sleep(self, s): await asyncio.sleep(s)\n"
        f"state, code = Path({str(tmp_path)!r}), {CHILD!r}\n"
        "async def main():\n"
        "    child = Child(ChildSpec('worker', (sys.executable, '-c', code, str(state), 'worker'),\n"
        f"        announced(state, 'worker'), env={{'PYTHONPATH': {str(Path(__file__).parents[2])!r}}}), Clock())\n"
        "    await child.start()\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await asyncio.wait_for(parent.stdout.readline(), 60))
    assert psutil.pid_exists(child)
    parent.kill()
    await parent.wait()
    await until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    assert (tmp_path / "stopped").read_text().split() == ["worker"]


@given(st.lists(st.floats(0, 600), max_size=60))
def test_a_crash_loop_is_slowed_but_never_given_up(gaps: list[float]) -> None:
    budget, now = RestartBudget(), 0.0
    starts: list[float] = []
    for gap in gaps:
        now += gap
        delay = budget.next_delay_s(now)
        assert 0 < delay <= budget.cool_down_s
        starts.append(now)
        quick = [at for at in starts if now - at <= budget.window_s]
        assert (delay == budget.cool_down_s) == (len(quick) > budget.restarts)


def test_run_files_are_replaced_whole(tmp_path: Path) -> None:
    run_files.announce(tmp_path, "worker", "http://127.0.0.1:1")
    run_files.announce(tmp_path, "worker", "http://127.0.0.1:2")
    told = run_files.read(tmp_path, "worker")
    assert told == run_files.RunFile("worker", os.getpid(), "http://127.0.0.1:2")
    run_files.forget(tmp_path, "worker")
    assert run_files.read(tmp_path, "worker") is None
