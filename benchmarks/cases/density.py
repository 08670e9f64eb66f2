"""``density``: how many 1080p25 cameras does this machine carry, simulator included, every promised rate kept?

Each camera shows activity for a tenth of its minute. *Staggered*: camera ``i`` of ``n`` begins at ``i * 60 / n`` s, so
that at most ``ceil(n / 10)`` are active at once; *random*: phases drawn from a seeded generator. Promised are 5
analysed frames a second while a camera's gate is open, and a look every 30 s while it is shut.

A number of cameras is sustained when over a whole minute, after the calm was learnt, no camera got less than 90 % of
what was promised for the frames that its gate let through, those among them that were shed included, and all together
at least 98 %. The peers, which know no gate, carry so many as they analyse at 5 a second, at least 90 % of them, and,
where they can tell, at most a second behind. Ultralytics' loop is compared with the model that it runs, YOLOv8n in
INT8, on both sides; the OpenCV loop with YOLOX-nano.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import running
from benchmarks.cases.detect import YOLOV8, YOLOX, Loop, cv2_loop, ultralytics_loop
from benchmarks.cases.ingest import camera_of
from benchmarks.material import PROFILES, StagedSource, stages
from benchmarks.peers.environment import PeerUnavailableError
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from configs.schema import ModelSettings
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from xueliang.surroundings import shared_folder

STEPS = {
    "cameras_sustained": (16, 48, 64, 72, 80, 96),
    "cameras_sustained_random": (40, 48, 56, 64),
    "cameras_sustained_yolov8n": (8, 16, 20, 24, 32),
}
PEER_STEPS, PEER_S = {"cv2_loop": (4, 6, 8, 10, 12, 14), "ultralytics": (1, 2, 3, 4, 5, 6)}, 12.0
LEARNING_S, QUICK_LEARNING_S, QUICK_S = 40.0, 18.0, 6.0
STREAM_FPS, PROMISED_FPS = 25, 5
LEAST, LEAST_OF_ALL = 0.90, 0.98


@dataclass(frozen=True, slots=True)
class Load:
    """One trial. ``worst``, ``kept``: analysed ÷ promised, of the camera served worst and of all together; ``shares``:
    of each."""

    cameras: int
    worst: float
    kept: float
    shed: int
    unaccounted: int
    shares: tuple[float, ...]
    rss_mb: float
    workers: int
    cpu_cores: float

    @property
    def sustained(self) -> bool:
        """Whether every promise was kept."""
        return self.worst >= LEAST and self.kept >= LEAST_OF_ALL


def run(quick: bool, workdir: Path) -> Report:
    """A minute for each number of cameras, upwards until one is not sustained; 8 for 6 s where ``quick``."""
    report = Report(
        "density",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        "8 cameras for 6 s, even phases alone" if quick else "a minute for each number of cameras",
    )
    shared = shared_folder()
    if shared is None or not (shared / "video").is_dir():
        report.notes.append("no clips here, so no figure: want ../shared/video")
        return report
    sources = stages(shared / "video")[:2]
    goals = {"cameras_sustained": 64} if quick else {"cameras_sustained": 64, "cameras_sustained_random": 48}
    trials = {name: _climb(report, sources, name, quick, workdir) for name in goals}
    for name, goal in goals.items():
        held = [load.cameras for load in trials[name] if load.sustained]
        report.figures[name] = Figure(max(held, default=0), "cameras", "higher", None if quick else goal)
    _against(report, "cv2_loop", report.figures["cameras_sustained"].value, shared / "models", sources, quick)
    loads = [load for each in trials.values() for load in each]
    report.figures["frames_unaccounted"] = Figure(max(load.unaccounted for load in loads), "frames", "lower", 0)
    small, large = min(loads, key=lambda load: load.cameras), max(loads, key=lambda load: load.cameras)
    if large.cameras > small.cameras:
        slope = (large.rss_mb - small.rss_mb) / (large.cameras - small.cameras)
        report.figures["rss_mb_per_camera"] = Figure(round(slope, 1), "MB", "lower", 12)
    if not quick:
        name = "cameras_sustained_yolov8n"
        store = _imported(shared / "models" / f"{YOLOV8}.onnx", workdir / "models")
        held = [load.cameras for load in _climb(report, sources, name, quick, workdir, store) if load.sustained]
        report.figures[name] = Figure(max(held, default=0), "cameras", "higher")
        _against(report, "ultralytics", report.figures[name].value, shared / "models", sources, quick)
    return report


def _climb(
    report: Report,
    sources: tuple[StagedSource, ...],
    name: str,
    quick: bool,
    workdir: Path,
    model: ModelSettings | None = None,
) -> list[Load]:
    """Trials with more and more cameras, until one is not sustained."""
    generator = random.Random(1)
    minute = sources[0].seconds
    loads: list[Load] = []
    for count in (8,) if quick else STEPS[name]:
        even = name != "cameras_sustained_random"
        phases = [index * minute / count if even else generator.uniform(0, minute) for index in range(count)]
        load = _try(sources, phases, quick, workdir / f"{name}-{count}", model)
        loads.append(load)
        report.samples[f"{name} {count}: kept of each camera's promise"] = list(load.shares)
        report.notes.append(
            f"{name}: {count}: worst {load.worst:.2f}, all {load.kept:.3f} of what was promised, shed {load.shed}, "
            f"{load.workers} workers, {load.cpu_cores:.2f} cores, {load.rss_mb:.0f} MB"
        )
        if not load.sustained:
            break
    return loads


def _imported(file: Path, store: Path) -> ModelSettings:
    """The model in a store of its own, brought there as a user does."""
    command = [sys.executable, "-m", "xueliang.cli", "models", "import", str(file), "--id", file.stem]
    subprocess.run([*command, "--store", str(store)], check=True, cwd=ROOT, capture_output=True)
    return ModelSettings(id=file.stem, store=store)


def _against(
    report: Report, name: str, ours: float, models: Path, sources: tuple[StagedSource, ...], quick: bool
) -> None:
    """How many cameras the peer carries on the same footage with the same model, and how many times that is ours."""
    carried, model = 0, models / f"{YOLOX if name == 'cv2_loop' else YOLOV8}.onnx"
    try:
        peer: Loop = cv2_loop if name == "cv2_loop" else ultralytics_loop(quick)
        for count in (2,) if quick else PEER_STEPS[name]:
            if not _carries(report, name, peer, model, sources, count, 4.0 if quick else PEER_S):
                break
            carried = count
    except PeerUnavailableError as error:
        report.notes.append(f"no {name}, so no ratio: {error}")
        return
    report.figures[f"cameras_{name}"] = Figure(carried, "cameras", "higher")
    if carried and not quick:
        report.figures[f"cameras_ratio_vs_{name}"] = Figure(round(ours / carried, 2), "x", "higher", 5)


def _carries(
    report: Report, name: str, peer: Loop, model: Path, sources: tuple[StagedSource, ...], count: int, seconds: float
) -> bool:
    simulated = [
        SimCamera(f"P{index}", sources[index % len(sources)], phase_s=index * 60 / count) for index in range(count)
    ]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        urls = [simulator.url(each.id, "main") for each in simulated]
        told = peer(model, urls, seconds, fps=PROMISED_FPS)
    kept = min(each["analysed"] for each in told["cameras"]) / told["seconds"] / PROMISED_FPS
    lags = [each["lag_s"]["last"] for each in told["cameras"] if each["lag_s"]]
    behind = f"at most {max(lags):.1f} s behind" if lags else "its lag cannot be told"
    report.notes.append(f"{name}: {count}: worst {kept:.2f} of what was promised, {behind}")
    return kept >= LEAST and max(lags, default=0.0) <= 1


def _try(
    sources: tuple[StagedSource, ...],
    phases: list[float],
    quick: bool,
    workdir: Path,
    model: ModelSettings | None = None,
) -> Load:
    simulated = [
        SimCamera(f"D{index}", sources[index % len(sources)], phase_s=phase) for index, phase in enumerate(phases)
    ]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        watched = tuple(camera_of(each.id, simulator.url(each.id, "main"), gated=True) for each in simulated)
        with running.node(watched, workdir, model) as node:
            control, workers = node.control(), node.workers()
            time.sleep(QUICK_LEARNING_S if quick else LEARNING_S)
            before, cpu, since = running.frames_by_camera(control), running.cpu_s(workers), time.monotonic()
            time.sleep(QUICK_S if quick else sources[0].seconds)
            after = running.frames_by_camera(control)
            cores = (running.cpu_s(workers) - cpu) / (time.monotonic() - since)
            rss = running.memory_mb(workers)
    shares, analysed, promised, shed = [], 0, 0.0, 0
    for name, now in after.items():
        one = now - before[name]
        owed = (one.received - one.dropped.get("gated", 0)) * PROMISED_FPS / STREAM_FPS
        analysed, promised, shed = analysed + one.analysed, promised + owed, shed + one.dropped.get("shed", 0)
        if owed >= PROMISED_FPS:
            shares.append(one.analysed / owed)
    return Load(
        cameras=len(phases),
        worst=min(shares, default=0.0),
        kept=analysed / promised if promised else 0.0,
        shed=shed,
        shares=tuple(shares),
        unaccounted=sum(after.values(), running.Frames()).unaccounted,
        rss_mb=rss,
        workers=len(workers),
        cpu_cores=cores,
    )


DENSITY = Case("density", "how many 1080p25 cameras this machine carries with every promised rate kept", run)
