"""``ingest``: what a 1080p25 camera costs with and without its packet gate, and what the gate misses.

Cost: a worker's CPU time while it reads cameras with one stream each, 1080p at 25 a second, in which something moves
for a tenth of the time, spread so that it is about one camera in ten at every instant; detection at 5 a second while
active is included. Misses: the same footage replayed without a clock through full and through gated analysis.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import running
from benchmarks.material import PROFILES, StagedSource, stages
from benchmarks.replay import Happening, compare, replay, units
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from configs.loader import load
from configs.schema import (
    Camera,
    CameraDetection,
    IntrusionRule,
    Line,
    LineCrossingRule,
    ModelSettings,
    Severity,
    StreamSettings,
    Zone,
)
from detect.factory import open_store, plan_detector
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import cached_files, prepare
from xueliang.surroundings import shared_folder, shared_models

GATED, FULL = 10, 3
TOLERANCE_S = 5.0
OBJECTS = ("person", "bicycle", "motorcycle", "car", "truck", "bus")
ZONE = Zone(id="all", name="all", polygon=((0.15, 0.03), (0.97, 0.03), (0.97, 0.99), (0.15, 0.99)))
LINE = Line(id="middle", name="middle", a=(0.5, 0.99), b=(0.5, 0.03))


def run(quick: bool, workdir: Path) -> Report:
    """60 s of cost each and three turns of every stage; 12 s and one turn of two stages where ``quick``."""
    seconds, turns = (12, 1) if quick else (60, 3)
    report = Report(
        "ingest",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{GATED} gated cameras, then {FULL} in full, {seconds} s each; footage replayed {turns} times",
    )
    shared = shared_folder()
    if shared is None or not (shared / "video").is_dir():
        report.notes.append("no clips here, so no figure: want ../shared/video")
        return report
    sources = stages(shared / "video")
    _misses(report, sources[:2] if quick else sources, turns, workdir)
    for gated in (True, False):
        name = "cpu_pct_per_camera_" + ("gated" if gated else "full")
        value = cost(sources[:3], GATED if gated else FULL, seconds, workdir / name, gated=gated)
        report.figures[name] = Figure(round(value, 2), "% core", "lower", 3.0 if gated else None)
    return report


def cost(sources: tuple[StagedSource, ...], cameras: int, seconds: float, workdir: Path, *, gated: bool) -> float:
    """Percent of a core that the worker uses for each of so many cameras, once it has learnt their calm."""
    simulated = [
        SimCamera(f"I{index}", sources[index % len(sources)], phase_s=index * sources[0].seconds / cameras)
        for index in range(cameras)
    ]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        watched = tuple(camera_of(each.id, simulator.url(each.id, "main"), gated=gated) for each in simulated)
        with running.node(watched, workdir) as node:
            node.control()
            workers = node.workers()
            time.sleep(20)  # learning
            cpu, since = running.cpu_s(workers), time.monotonic()
            time.sleep(seconds)
            return (running.cpu_s(workers) - cpu) / (time.monotonic() - since) / cameras * 100


def camera_of(name: str, url: str, *, gated: bool) -> Camera:
    """A camera with one stream, whose whole picture is watched by two rules."""
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    shared_rule = {"severity": Severity.MEDIUM, "rearm_s": 15, "classes": OBJECTS}
    return Camera(
        id=name,
        site=county.sites[0].id,
        name=name,
        main=StreamSettings(url=url),
        detection=CameraDetection(fps=5, gated=gated, stream="main"),
        zones=(ZONE,),
        lines=(LINE,),
        rules=(
            IntrusionRule(id="in", kind="intrusion", name="in", zone=ZONE.id, dwell_s=1, **shared_rule),
            LineCrossingRule(id="over", kind="line_crossing", name="over", line=LINE.id, **shared_rule),
        ),
    )


def _misses(report: Report, sources: tuple[StagedSource, ...], turns: int, workdir: Path) -> None:
    settings = ModelSettings()
    store = open_store(settings, environ=os.environ, home=Path.home(), also=shared_models(shared_folder()))
    plan = plan_detector(settings, store, cores=1)
    if plan.mode != "model":
        report.notes.append(f"no detector, so no recall: {plan.reason}")
        return
    county = load(ROOT / "configs" / "examples" / "county.yaml", {})
    detectors = plan.open()
    found, wanted = 0, 0
    delays: list[float] = []
    for source in sources:
        prepare(source, PROFILES, CACHE)
        footage, _ = cached_files(source, PROFILES, CACHE)
        told: dict[bool, tuple[Happening, ...]] = {}
        for gated in (False, True):
            camera = camera_of("I", "rtsp://127.0.0.1/main", gated=gated)
            result = replay(units(footage, turns), camera, county, detectors, workdir, gated=gated)
            told[gated] = result.happenings
        hits, late = compare(told[False], told[True], TOLERANCE_S)
        found, wanted, delays = found + hits, wanted + len(told[False]), delays + late
        report.notes.append(f"{source.title}, noise {source.noise:g}: {hits} of {len(told[False])} events")
    if wanted:
        report.figures["event_recall_gated"] = Figure(round(found / wanted, 4), "", "higher", 0.99)
    report.percentiles("event_start_delay_s", delays, "s", {99: 1.0})


INGEST = Case("ingest", "a 1080p25 camera's cost with and without its packet gate, and what the gate misses", run)
