"""``density``: how many 1080p25 cameras does this machine carry, simulator included, every promised rate kept?

Each camera shows activity for a tenth of its minute. *Staggered*: camera ``i`` of ``n`` begins at ``i * 60 / n`` s, so
that at most ``ceil(n / 10)`` are active at once; *random*: phases drawn from a seeded generator. Promised are 5
analysed frames a second while a camera's gate is open, and a look every 30 s while it is shut.

A number of cameras is sustained when over a whole minute, after the calm was learnt, no camera got less than 90 % of
what was promised for the frames that its gate let through, those among them that were shed included, and all together
at least 98 %. The OpenCV loop, which knows no gate, carries so many as it analyses at 5 a second, at most a second
behind, and at least 90 % of them.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import running
from benchmarks.cases.detect import YOLOX, cv2_loop
from benchmarks.cases.ingest import camera_of
from benchmarks.material import PROFILES, StagedSource, stages
from benchmarks.peers.environment import PeerUnavailableError
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from xueliang.surroundings import shared_folder

STEPS = {"cameras_sustained": (16, 48, 56, 64, 72, 80), "cameras_sustained_random": (40, 48, 56, 64)}
PEER_STEPS, PEER_S = (4, 6, 8, 10, 12, 14), 12.0
LEARNING_S = 40.0
STREAM_FPS, PROMISED_FPS = 25, 5
LEAST, LEAST_OF_ALL = 0.90, 0.98


@dataclass(frozen=True, slots=True)
class Load:
    """One trial. ``kept``: analysed ÷ promised, of the camera served worst and of all together."""

    cameras: int
    worst: float
    kept: float
    shed: int
    unaccounted: int
    rss_mb: float
    cpu_cores: float

    @property
    def sustained(self) -> bool:
        """Whether every promise was kept."""
        return self.worst >= LEAST and self.kept >= LEAST_OF_ALL


def run(quick: bool, workdir: Path) -> Report:
    """A minute for each number of cameras, upwards until one is not sustained; 8 for 10 s where ``quick``."""
    report = Report(
        "density",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        "8 cameras for 10 s" if quick else "a minute for each number of cameras",
    )
    shared = shared_folder()
    if shared is None or not (shared / "video").is_dir():
        report.notes.append("no clips here, so no figure: want ../shared/video")
        return report
    sources = stages(shared / "video")[:2]
    seconds = 10.0 if quick else float(sources[0].seconds)
    generator = random.Random(1)
    trials: dict[str, list[Load]] = {"cameras_sustained": [], "cameras_sustained_random": []}
    for name, loads in trials.items():
        for count in (8,) if quick else STEPS[name]:
            minute = sources[0].seconds
            even = name == "cameras_sustained"
            phases = [index * minute / count if even else generator.uniform(0, minute) for index in range(count)]
            load = _try(sources, phases, seconds, workdir / f"{name}-{count}")
            loads.append(load)
            report.notes.append(
                f"{name}: {count}: worst {load.worst:.2f}, all {load.kept:.3f} of what was promised, shed {load.shed}, "
                f"{load.cpu_cores:.2f} cores, {load.rss_mb:.0f} MB"
            )
            if not load.sustained:
                break
        held = [load.cameras for load in loads if load.sustained]
        goal = None if quick else 64 if name == "cameras_sustained" else 48
        report.figures[name] = Figure(max(held, default=0), "cameras", "higher", goal)
    _against_cv2(report, shared, sources, quick)
    loads = [load for each in trials.values() for load in each]
    report.figures["frames_unaccounted"] = Figure(max(load.unaccounted for load in loads), "frames", "lower", 0)
    small, large = min(loads, key=lambda load: load.cameras), max(loads, key=lambda load: load.cameras)
    if large.cameras > small.cameras:
        slope = (large.rss_mb - small.rss_mb) / (large.cameras - small.cameras)
        report.figures["rss_mb_per_camera"] = Figure(round(slope, 1), "MB", "lower", 12)
    return report


def _against_cv2(report: Report, shared: Path, sources: tuple[StagedSource, ...], quick: bool) -> None:
    """How many cameras the OpenCV loop carries on the same footage with the same model."""
    model, carried = shared / "models" / f"{YOLOX}.onnx", 0
    for count in (2,) if quick else PEER_STEPS:
        simulated = [
            SimCamera(f"P{index}", sources[index % len(sources)], phase_s=index * 60 / count) for index in range(count)
        ]
        with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
            urls = [simulator.url(each.id, "main") for each in simulated]
            try:
                told = cv2_loop(model, urls, 4.0 if quick else PEER_S, fps=PROMISED_FPS)
            except PeerUnavailableError as error:
                report.notes.append(f"no peer, so no ratio: {error}")
                return
        kept = min(each["analysed"] for each in told["cameras"]) / told["seconds"] / PROMISED_FPS
        lag_s = max((each["lag_s"] or {"last": 0.0})["last"] for each in told["cameras"])
        report.notes.append(f"cv2 loop: {count}: worst {kept:.2f} of what was promised, at most {lag_s:.1f} s behind")
        if kept < LEAST or lag_s > 1:
            break
        carried = count
    report.figures["cameras_cv2_loop"] = Figure(carried, "cameras", "higher")
    if carried and not quick:
        ratio = report.figures["cameras_sustained"].value / carried
        report.figures["cameras_ratio_vs_cv2_loop"] = Figure(round(ratio, 2), "x", "higher", 5)


def _try(sources: tuple[StagedSource, ...], phases: list[float], seconds: float, workdir: Path) -> Load:
    simulated = [
        SimCamera(f"D{index}", sources[index % len(sources)], phase_s=phase) for index, phase in enumerate(phases)
    ]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        watched = tuple(camera_of(each.id, simulator.url(each.id, "main"), gated=True) for each in simulated)
        with running.node(watched, workdir) as node:
            control, workers = node.control(), node.workers()
            time.sleep(LEARNING_S)
            before, cpu, since = running.frames_by_camera(control), running.cpu_s(workers), time.monotonic()
            time.sleep(seconds)
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
        unaccounted=sum(after.values(), running.Frames()).unaccounted,
        rss_mb=rss,
        cpu_cores=cores,
    )


DENSITY = Case("density", "how many 1080p25 cameras this machine carries with every promised rate kept", run)
