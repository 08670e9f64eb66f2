"""A node under measurement: the product's own processes, started as a user starts them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from alerts import redis_server
from configs.loader import load
from configs.schema import Camera, ModelSettings, PatrolPlan, Settings
from xueliang.assignment import workers_wanted
from xueliang.demo.county import as_yaml
from xueliang.doctor.machine import usable_cores
from xueliang.supervisor import run_files

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "benchmarks" / "results" / "cache"
START_S = 60.0


class NodeFailedError(RuntimeError):
    """The node under measurement did not start or ended: with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames since the start, of one camera or of several together."""

    received: int = 0
    analysed: int = 0
    in_flight: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def unaccounted(self) -> int:
        """Frames that were received and of which nothing is known: must be 0."""
        return abs(self.received - self.analysed - sum(self.dropped.values()) - self.in_flight)

    def __add__(self, other: Frames) -> Frames:
        return self._with(other, 1)

    def __sub__(self, other: Frames) -> Frames:
        return self._with(other, -1)

    def _with(self, other: Frames, sign: int) -> Frames:
        causes = self.dropped.keys() | other.dropped.keys()
        return Frames(
            self.received + sign * other.received,
            self.analysed + sign * other.analysed,
            self.in_flight + sign * other.in_flight,
            {cause: self.dropped.get(cause, 0) + sign * other.dropped.get(cause, 0) for cause in causes},
        )


@dataclass(frozen=True, slots=True)
class NodeUnderTest:
    """``log`` holds what all its processes said."""

    settings: Settings
    process: subprocess.Popen[bytes]
    began: float
    log: Path

    def control(self) -> str:
        """Address of the supervisor's port; waits until the node is ready."""
        return str(self.ready()["control"])

    def ready(self) -> dict[str, object]:
        """What the node says when it is ready: the addresses ``wall`` and ``control``. To be asked once."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise NodeFailedError(f"the node ended before it was ready: {self.log.read_text()[-800:]}")
        told: dict[str, object] = json.loads(line)
        return told

    def workers(self) -> tuple[psutil.Process, ...]:
        """The workers' processes, once they have announced themselves."""
        wanted = workers_wanted(self.settings, usable_cores())
        return tuple(psutil.Process(self._announced(f"worker-{number}").pid) for number in range(1, wanted + 1))

    def worker_url(self) -> str:
        """Address of the first worker's private port."""
        return str(self._announced("worker-1").url)

    @property
    def redis_url(self) -> str:
        """Of its own Redis server."""
        return redis_server.command(self.settings.state_dir).url

    def _announced(self, name: str) -> run_files.RunFile:
        while (told := run_files.read(self.settings.state_dir, name)) is None or told.url is None:
            if self.process.poll() is not None or time.monotonic() - self.began > START_S:
                raise NodeFailedError(f"{name} did not start: {self.log.read_text()[-800:]}")
            time.sleep(0.02)
        return told


@contextmanager
def node(
    cameras: tuple[Camera, ...], workdir: Path, model: ModelSettings | None = None, patrol: PatrolPlan | None = None
) -> Iterator[NodeUnderTest]:
    """The example county with these cameras, started; stopped at the end. ``patrol``: by default everywhere."""
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    sites = {camera.site for camera in cameras}
    settings = county.model_copy(
        update={
            "state_dir": workdir / "state",
            "listen": county.listen.model_copy(update={"port": 0}),
            "cameras": cameras,
            "sites": tuple(site for site in county.sites if site.id in sites),
            "model": model or county.model,
            "patrol": patrol or county.patrol.model_copy(update={"sites": ()}),
        }
    )
    workdir.mkdir(parents=True, exist_ok=True)
    config = workdir / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    log = workdir / "node.log"
    began = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config), "--json"],
            stdout=subprocess.PIPE,
            stderr=file,
            cwd=ROOT,
        )
        try:
            yield NodeUnderTest(settings, process, began, log)
        finally:
            process.terminate()
            process.wait(15)
            if process.stdout is not None:
                process.stdout.close()


def frames_by_camera(control: str) -> dict[str, Frames]:
    """The account of each camera now, from the metrics of the node."""
    text = httpx.get(f"{control}/metrics", timeout=5, trust_env=False).text
    accounts: dict[str, Frames] = {}
    for family in text_string_to_metric_families(text):
        name = family.name.removeprefix("xueliang_frames_")
        if name == family.name:
            continue
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            camera, value = sample.labels["camera"], int(sample.value)
            told = {
                "dropped": Frames(dropped={sample.labels.get("cause", ""): value}),
                "received": Frames(received=value),
                "analysed": Frames(analysed=value),
                "in_flight": Frames(in_flight=value),
            }.get(name, Frames())
            accounts[camera] = accounts.get(camera, Frames()) + told
    return accounts


def cpu_s(processes: Sequence[psutil.Process]) -> float:
    """CPU seconds that the processes have used so far."""
    return float(sum(times.user + times.system for times in (process.cpu_times() for process in processes)))


def memory_mb(processes: Sequence[psutil.Process]) -> float:
    """Resident memory of the processes, 10⁶ bytes; pages that several share count for each."""
    return float(sum(process.memory_info().rss for process in processes)) / 1e6
