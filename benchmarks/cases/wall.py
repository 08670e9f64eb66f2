"""``wall``: do sixteen tiles run for ten minutes without losing pictures, leaking memory or loading the server?

``tile_fps_ratio``: pictures that the browser presented, by tile, over those that its camera sent in that time.
``js_heap_slope``: of the page's heap after collections of garbage, by least squares. ``server_cpu_pct_per_tile``: what
all processes of the node use while the wall is open, less what they use when it is closed, a tile; nothing is detected
meanwhile, so that it is the cost of showing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from benchmarks import running
from benchmarks.glass import FPS, TOLD, Glass, glass
from benchmarks.report import Case, Figure, Report
from configs.schema import Camera, CameraDetection

TILES: Final = 16


def run(quick: bool, workdir: Path) -> Report:
    """Ten minutes, or 15 s where ``quick``: of those the heap's slope says little."""
    seconds, pause, idle = (15.0, 3.0, 5.0) if quick else (600.0, 20.0, 60.0)
    report = Report("wall", datetime.now(UTC).isoformat(timespec="seconds"), quick, f"{TILES} tiles for {seconds:g} s")
    report.notes.append(TOLD)
    with glass(TILES, workdir, change=_unwatched) as wall:
        wall.rest(3 if quick else 30)
        with_wall = _run(report, wall, seconds, pause)
        wall.page.goto("about:blank")
        wall.rest(2)
        without = _load(wall, idle)
        report.figures["server_cpu_pct_per_tile"] = Figure(
            round(100 * (with_wall - without) / TILES, 2), "%", "lower", 2
        )
        report.notes.append(f"the node's processes: {with_wall:.2f} cores with the wall, {without:.2f} without")
    return report


def _unwatched(_: int, camera: Camera) -> Camera:
    return camera.model_copy(update={"rules": (), "detection": CameraDetection(enabled=False)})


def _run(report: Report, wall: Glass, seconds: float, pause: float) -> float:
    """Cores that the node's processes used."""
    heap: list[tuple[float, float]] = []
    session = wall.page.context.new_cdp_session(wall.page)
    processes, cpu = _processes(wall), 0.0
    before, cpu = wall.ask("counts"), running.cpu_s(processes)
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        session.send("HeapProfiler.collectGarbage")
        heap.append((now, session.send("Runtime.getHeapUsage")["usedSize"] / 1e6))
        wall.rest(min(pause, max(0.1, seconds - now)))
    after, used, lasted = wall.ask("counts"), running.cpu_s(processes) - cpu, time.monotonic() - began
    ratios = [(after.get(camera, 0) - before.get(camera, 0)) / (float(FPS) * lasted) for camera in wall.cameras]
    report.samples["tile_fps_ratio"] = ratios
    report.figures["tile_fps_ratio_min"] = Figure(round(min(ratios), 3), "", "higher", 0.95)
    report.samples["js_heap_mb"] = [used_mb for _, used_mb in heap]
    report.figures["js_heap_slope_mb_per_h"] = Figure(round(3600 * _slope(heap), 2), "MB/h", "lower", 5)
    report.notes.append(f"heap {heap[0][1]:.1f} MB at first, {heap[-1][1]:.1f} MB at last, after garbage collections")
    return used / lasted


def _slope(points: Sequence[tuple[float, float]]) -> float:
    return float(np.polyfit([at for at, _ in points], [value for _, value in points], 1)[0])


def _processes(wall: Glass) -> tuple[psutil.Process, ...]:
    tree = psutil.Process(wall.node.process.pid)
    return (tree, *tree.children(recursive=True))


def _load(wall: Glass, seconds: float) -> float:
    processes = _processes(wall)
    cpu, began = running.cpu_s(processes), time.monotonic()
    wall.rest(seconds)
    return (running.cpu_s(processes) - cpu) / (time.monotonic() - began)


WALL = Case("wall", "sixteen tiles for ten minutes: pictures, memory, cost", run)
