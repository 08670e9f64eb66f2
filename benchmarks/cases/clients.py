"""``clients``: do a thousand walls hear of an event at once, and each of them of every event?

A dashboard process as the product runs it, with a real Redis server (whose fsync before each reply is part of the
delay) and a thousand websockets of the feed from processes of their own. Events go the worker's way, through the
bus' script, fifty a second. A delay is from just before an event is sent to Redis to its receipt. Missed and untold is
what a client that stayed neither received, nor received after it had been let go and come again from its last id.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as ThreadEvent
from urllib.parse import urlsplit

import numpy as np
import psutil

from alerts.bus import EventBus
from alerts.delivery.connection import connect
from alerts.event import Candidate, Event
from alerts.event_id import new_event_id
from alerts.redis_server import command as redis_command
from alerts.redis_server import wait_ready
from alerts.storage.database import open_engine
from benchmarks.feed_clients import Received
from benchmarks.report import Case, Figure, Report
from benchmarks.running import ROOT
from configs.loader import load
from configs.schema import Settings, Severity
from dashboard.accounts import AccountStore
from dashboard.policy import Role
from xueliang.demo.county import as_yaml
from xueliang.supervisor import run_files
from xueliang.surroundings import database_url

CLIENTS, PROCESSES = 1000, 2
RATE, LASTS_S = 50.0, 30.0
QUICK_CLIENTS, QUICK_LASTS_S = 200, 8.0
GOAL_MS = 250.0
START_S = 60.0
DRAIN_S = 3.0
"""After the last event: many times the goal. What has not come by then is missed."""


def run(quick: bool, workdir: Path) -> Report:
    """``quick``: a fifth of the clients for a quarter of the time."""
    clients, lasts_s = (QUICK_CLIENTS, QUICK_LASTS_S) if quick else (CLIENTS, LASTS_S)
    scale = f"{clients} clients in {PROCESSES} processes, {RATE:g} events/s for {lasts_s:g} s"
    report = Report("clients", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    with _dashboard(workdir) as running, ExitStack() as stack:
        tokens = [running.token() for _ in range(clients)]
        joined = [
            stack.enter_context(_clients(running.port, tokens[index::PROCESSES], workdir / f"clients-{index}"))
            for index in range(PROCESSES)
        ]
        for each in joined:
            each.wait_joined()
        before = running.cpu_s()
        began = time.monotonic()
        sent = running.send(RATE, lasts_s)
        took_s = time.monotonic() - began
        cores = (running.cpu_s() - before) / took_s
        time.sleep(DRAIN_S)
        received = [each.end() for each in joined]
        _tell(report, sent, received, cores)
    return report


@dataclass(frozen=True, slots=True)
class Running:
    """A dashboard, its Redis, and who may look."""

    process: psutil.Process
    port: int
    bus: EventBus
    accounts: AccountStore
    settings: Settings

    def token(self) -> str:
        """A session of its own."""
        return self.accounts.open_session(self.accounts.get("benchmark"), "127.0.0.1")

    def cpu_s(self) -> float:
        """Processor time of the dashboard so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def send(self, rate: float, lasts_s: float) -> int:
        """Events, one by one, evenly; returns how many."""
        began = time.monotonic()
        number = 0
        pause = ThreadEvent()
        while (due := number / rate) < lasts_s:
            pause.wait(max(0.0, began + due - time.monotonic()))
            self.bus.publish([self._candidate(number)])
            number += 1
        return number

    def _candidate(self, number: int) -> Candidate:
        camera = self.settings.cameras[number % len(self.settings.cameras)]
        site = next(site for site in self.settings.sites if site.id == camera.site)
        now = time.time()
        event = Event(
            id=new_event_id(),
            kind="intrusion",
            severity=Severity.HIGH,
            camera_id=camera.id,
            site_id=site.id,
            region_id=site.region,
            rule_id=f"rule-{number}",
            rule_name=str(number),
            occurred_at=now,
            detected_at=now,
            measured=1,
            limit=1,
            unit="objects",
        )
        return Candidate(event=event, dedup_key=event.rule_id, window_s=60.0)


@contextmanager
def _dashboard(workdir: Path) -> Iterator[Running]:
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    listen = county.listen.model_copy(update={"host": "127.0.0.1", "port": 0})
    settings = county.model_copy(update={"state_dir": workdir / "state", "listen": listen})
    config = workdir / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    server = redis_command(settings.state_dir)
    redis = subprocess.Popen(server.argv, env=server.env, stdout=subprocess.DEVNULL)
    client = connect(server.url, name="benchmark")
    engine = open_engine(database_url(settings))
    argv = [sys.executable, "-m", "xueliang.processes.dashboard", "--config", str(config)]
    env = {"REDIS_URL": server.url, "DATABASE_URL": database_url(settings).get_secret_value()}
    dashboard: subprocess.Popen[bytes] | None = None
    try:
        wait_ready(client, deadline_s=10, clock=time.monotonic, sleep=ThreadEvent().wait)
        accounts = AccountStore(engine, time.time)
        accounts.migrate()
        accounts.add("benchmark", secrets.token_urlsafe(16), Role.OPERATOR, ["*"])
        with (workdir / "dashboard.log").open("wb") as log:
            dashboard = subprocess.Popen(argv, env={**os.environ, **env}, cwd=ROOT, stderr=log, stdout=log)
        public = _announced(settings, dashboard, workdir / "dashboard.log")
        port = urlsplit(public).port
        assert port is not None
        yield Running(psutil.Process(dashboard.pid), port, EventBus(client), accounts, settings)
    finally:
        for process in (dashboard, redis):
            if process is not None:
                process.terminate()
                process.wait(15)
        client.close()
        engine.dispose()


def _announced(settings: Settings, process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_S
    while (told := run_files.read(settings.state_dir, "dashboard")) is None or told.public is None:
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"clients: the dashboard did not start: {log.read_text()[-800:]}")
        time.sleep(0.05)
    return told.public


@dataclass(frozen=True, slots=True)
class Joined:
    """A process of clients."""

    process: subprocess.Popen[bytes]
    out: Path

    def wait_joined(self) -> None:
        """Until each of its clients was greeted."""
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"joined\n":
            raise RuntimeError("clients: not every client could join the feed")

    def end(self) -> tuple[Received, list[float]]:
        """What it received, and the delays, ms."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
        told = json.loads(self.out.read_text("utf-8"))
        closes = {int(code): number for code, number in told.pop("closes").items()}
        return Received(closes=closes, **told), np.load(self.out.with_suffix(".npy"))


@contextmanager
def _clients(port: int, tokens: Sequence[str], out: Path) -> Iterator[Joined]:
    argv = [sys.executable, "-m", "benchmarks.feed_clients", str(port), str(out)]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(("\n".join(tokens) + "\n\n").encode())
        process.stdin.flush()
        yield Joined(process, out)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _tell(report: Report, sent: int, received: Sequence[tuple[Received, list[float]]], cores: float) -> None:
    delays = np.concatenate([np.asarray(found) for _, found in received])
    counts = [count for each, _ in received for count in each.counts]
    untold = sum(max(0, sent - live - late) for live, late in counts)
    closes: Counter[int] = sum((Counter(each.closes) for each, _ in received), Counter())
    spent = sum(each.cpu_s / each.lasted_s for each, _ in received)
    if len(delays):
        for percentile, goal in ((50, None), (99, GOAL_MS)):
            value = round(float(np.percentile(delays, percentile)), 1)
            report.figures[f"delivery_ms_p{percentile}"] = Figure(value, "ms", "lower", goal)
        report.figures["delivery_ms_max"] = Figure(round(float(delays.max()), 1), "ms", "lower")
    report.figures["missed_untold"] = Figure(untold, "events", "lower", 0)
    report.figures["server_cores"] = Figure(round(cores, 2), "cores", "lower")
    report.samples["delivery_ms_percentiles"] = [round(float(p), 2) for p in np.percentile(delays, range(101))]
    live, late = (sum(column) for column in zip(*counts, strict=True))
    report.notes.append(f"{sent} events to each of {len(counts)} clients: {live} received live, {late} late")
    report.notes.append(f"closed by the dashboard: {dict(closes) or 'none'}; told as missed: {_told(received)}")
    report.notes.append(f"the clients themselves cost {spent:.2f} cores in {len(received)} processes")


def _told(received: Sequence[tuple[Received, list[float]]]) -> int:
    return sum(sum(each.told) for each, _ in received)


CLIENTS_CASE = Case("clients", "do a thousand walls hear of an event at once, and each of every event?", run)
