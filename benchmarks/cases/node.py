"""``node``: a whole node on simulated cameras for a minute: is every frame accounted for, and how late is an event?

Events are timed from the capture time of the frame that completed the rule to the moment the event stands in the
stream, which is when every wall hears of it (its stream id is Redis' clock, on this machine the same one).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import websockets
from prometheus_client.parser import text_string_to_metric_families

from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.event import Event
from benchmarks.report import Case, Figure, Report
from configs.loader import load
from configs.schema import StreamSettings
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource, Source, clips, scenes
from xueliang.demo.county import as_yaml, demo_settings
from xueliang.supervisor import run_files
from xueliang.surroundings import shared_folder

CAMERAS = 8
ROOT = Path(__file__).parents[2]
CACHE = ROOT / "benchmarks" / "results" / "cache"


def run(quick: bool, workdir: Path) -> Report:
    """Measure for 60 s, or 15 s where ``quick``."""
    seconds = 15 if quick else 60
    report = Report(
        "node", datetime.now(UTC).isoformat(timespec="seconds"), quick, f"{CAMERAS} cameras for {seconds} s"
    )
    sources, told = _sources()
    report.notes.append(told)
    main = Profile(640, 360, Profiles().main.fps, 500_000)  # nobody watches main here
    cameras = [SimCamera(f"B{index}", source) for index, source in enumerate(sources)]
    with SimulatorThread(cameras, CACHE, profiles=Profiles(main=main)) as simulator:
        urls = [(simulator.url(camera.id, "main"), simulator.url(camera.id, "sub")) for camera in cameras]
        _measure(report, urls, workdir, seconds)
    return report


def _sources() -> tuple[list[Source], str]:
    shared = shared_folder()
    if shared is not None and (shared / "video").is_dir():
        found: list[Source] = [ClipSource(clip.path, 20) for clip in clips(shared / "video")]
        return found[:CAMERAS], "real clips, 640x360 at 12.5 fps"
    return list(scenes(CAMERAS)), "drawn scenes, 640x360 at 12.5 fps; no clips here"


def _measure(report: Report, urls: list[tuple[str, str]], workdir: Path, seconds: float) -> None:
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    streams = [(StreamSettings(url=main), StreamSettings(url=sub)) for main, sub in urls]
    settings = demo_settings(county, streams, state_dir=workdir / "state", port=0)
    # A rule that is armed again after a second gives enough events for a percentile.
    settings = settings.model_copy(
        update={
            "cameras": tuple(
                camera.model_copy(
                    update={"rules": tuple(rule.model_copy(update={"rearm_s": 1.0}) for rule in camera.rules)}
                )
                for camera in settings.cameras
            )
        }
    )
    config = workdir / "node.yaml"
    config.write_text(as_yaml(settings), "utf-8")
    began = time.monotonic()
    with (workdir / "node.log").open("wb") as log:
        node = subprocess.Popen(
            [sys.executable, "-m", "xueliang.cli", "up", "--config", str(config), "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
        )
        try:
            first = asyncio.run(_first_tile(settings.state_dir, settings.cameras[0].id, node))
            report.figures["startup_to_first_tile_s"] = Figure(round(first - began, 2), "s", "lower", 5)
            assert node.stdout is not None
            ready = json.loads(node.stdout.readline())
            asyncio.run(_observe(report, settings.state_dir, ready["control"], seconds))
        finally:
            node.terminate()
            node.wait(15)


async def _first_tile(state_dir: Path, camera: str, node: subprocess.Popen[bytes]) -> float:
    """Monotonic time at which a picture of the camera has come from the live channel."""
    while True:
        if node.poll() is not None:
            raise RuntimeError("the node ended before its first tile")
        told = run_files.read(state_dir, "worker")
        if told is not None and told.url is not None:
            address = f"{told.url.replace('http', 'ws', 1)}/live/{camera}"
            async with websockets.connect(address, compression=None, max_size=None, proxy=None) as socket:
                pictures = 0
                async for message in socket:
                    pictures += isinstance(message, bytes)
                    if pictures == 2:
                        return time.monotonic()
        await asyncio.sleep(0.02)


async def _observe(report: Report, state_dir: Path, control: str, seconds: float) -> None:
    worker = psutil.Process(run_files.read(state_dir, "worker").pid)  # type: ignore[union-attr]
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        await asyncio.sleep(5)  # models are loaded and trackers are warm
        cpu, since = _cpu(worker), time.monotonic()
        await asyncio.sleep(seconds)
        cores = (_cpu(worker) - cpu) / (time.monotonic() - since)
        frames = _frames((await client.get(f"{control}/metrics")).text)
    report.figures["cameras"] = Figure(frames.pop("cameras"), "", "higher", CAMERAS)
    report.figures["frames_unaccounted"] = Figure(frames.pop("unaccounted"), "frames", "lower", 0)
    report.figures["cpu_cores_worker"] = Figure(round(cores, 2), "cores", "lower")
    report.notes.append("frames: " + ", ".join(f"{name} {count:.0f}" for name, count in frames.items()))
    client_ = connect(f"unix://{state_dir}/redis/redis.sock", name="benchmark")
    entries: Any = client_.xrange(EVENTS_KEY)
    delays = []
    for entry_id, fields in entries:
        if fields[b"type"] != b"event":
            continue
        event = Event.model_validate_json(fields[b"data"])
        if event.kind != "camera_offline":
            delays.append(int(entry_id.split(b"-")[0]) - event.occurred_at * 1000)
    report.notes.append(f"{len(delays)} events")
    report.percentiles("capture_to_event_ms", delays, "ms", {50: 300, 99: 1000})


def _frames(text: str) -> dict[str, float]:
    sums = dict.fromkeys(("received", "analysed", "dropped", "in_flight"), 0.0)
    cameras = set()
    for family in text_string_to_metric_families(text):
        name = family.name.removeprefix("xueliang_frames_")
        if name == family.name or name not in sums:
            continue
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            sums[name] += sample.value
            if name == "analysed" and sample.value > 0:
                cameras.add(sample.labels["camera"])
    lost = sums["received"] - sums["analysed"] - sums["dropped"] - sums["in_flight"]
    return {"cameras": float(len(cameras)), "unaccounted": abs(lost), **sums}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


NODE = Case("node", "a whole node on 8 cameras: start, latency of events, accounting, cost", run)
