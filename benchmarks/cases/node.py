"""``node``: a whole node on simulated cameras for a minute: is every frame accounted for, and how late is an event?

Events are timed from the capture time of the frame that completed the rule to the moment the event stands in the
stream, which is when every wall hears of it (its stream id is Redis' clock, on this machine the same one).
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets

from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.event import Event
from benchmarks import running
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from configs.loader import load
from configs.schema import Camera, StreamSettings
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource, Source, clips, scenes
from xueliang.demo.county import demo_settings
from xueliang.surroundings import shared_folder

CAMERAS = 8


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
    cameras = demo_settings(county, streams, state_dir=workdir / "state", port=0).cameras
    # A rule that is armed again after a second gives enough events for a percentile.
    with running.node(tuple(_rearmed(camera) for camera in cameras), workdir) as node:
        first = asyncio.run(_first_tile(node.worker_url(), cameras[0].id))
        report.figures["startup_to_first_tile_s"] = Figure(round(first - node.began, 2), "s", "lower", 5)
        _observe(report, node, seconds)


def _rearmed(camera: Camera) -> Camera:
    return camera.model_copy(update={"rules": tuple(rule.model_copy(update={"rearm_s": 1.0}) for rule in camera.rules)})


async def _first_tile(worker: str, camera: str) -> float:
    """Monotonic time at which a picture of the camera has come from the live channel."""
    address = f"{worker.replace('http', 'ws', 1)}/live/{camera}"
    # A client that stops reading in the middle of a GOP waits for its own close handshake: that is not timed.
    async with websockets.connect(address, compression=None, max_size=None, proxy=None, close_timeout=0.1) as socket:
        pictures, shown = 0, time.monotonic()
        async for message in socket:
            pictures += isinstance(message, bytes)
            if pictures == 2:
                shown = time.monotonic()
                break
    return shown


def _observe(report: Report, node: running.NodeUnderTest, seconds: float) -> None:
    control, workers = node.control(), node.workers()
    time.sleep(5)  # models are loaded and trackers are warm
    cpu, since = running.cpu_s(workers), time.monotonic()
    time.sleep(seconds)
    cores = (running.cpu_s(workers) - cpu) / (time.monotonic() - since)
    accounts = running.frames_by_camera(control)
    frames = sum(accounts.values(), running.Frames())
    seen = sum(one.analysed > 0 for one in accounts.values())
    report.figures["cameras"] = Figure(seen, "", "higher", CAMERAS)
    report.figures["frames_unaccounted"] = Figure(frames.unaccounted, "frames", "lower", 0)
    report.figures["cpu_cores_worker"] = Figure(round(cores, 2), "cores", "lower")
    report.notes.append(
        f"frames: received {frames.received}, analysed {frames.analysed}, in flight {frames.in_flight}, "
        + ", ".join(f"{cause} {count}" for cause, count in sorted(frames.dropped.items()))
    )
    entries: Any = connect(node.redis_url, name="benchmark").xrange(EVENTS_KEY)
    delays = []
    for entry_id, fields in entries:
        if fields[b"type"] != b"event":
            continue
        event = Event.model_validate_json(fields[b"data"])
        if event.kind != "camera_offline":
            delays.append(int(entry_id.split(b"-")[0]) - event.occurred_at * 1000)
    report.notes.append(f"{len(delays)} events; of fewer than 100 the 99th percentile is nearly the slowest")
    report.percentiles("capture_to_event_ms", delays, "ms", {50: 300, 99: 1000})


NODE = Case("node", "a whole node on 8 cameras: start, latency of events, accounting, cost", run)
