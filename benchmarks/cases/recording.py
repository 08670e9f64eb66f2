"""``recording``: what continuous recording costs, and what a killed worker loses of it.

Cost: the workers' CPU time while 1080p25 cameras of 2 Mb/s and one stream each are read and recorded, minus that while
they are only read, by turns; nothing is analysed. (A camera that is analysed on its sub stream and recorded on main has
a second stream open, which costs what reading it costs.)

Loss: the worker is killed with SIGKILL while it records. A hole is a picture that lasts longer than its stream's
pictures do, or time between two fragments; what lies between a kill and the first fragment after it belongs to the
restart. Lost are the GOPs that had begun before the kill and are not on disk; a picture is known to be whole when the
next one has come, so the last :data:`IN_FLIGHT_S` before the kill do not count.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import psutil

from alerts.recording.archive import Archive, Found
from benchmarks import running
from benchmarks.cases.ingest import camera_of
from benchmarks.material import PROFILES, stages
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE
from configs.recording import CameraRecording
from configs.schema import Camera, CameraDetection
from ingest.fragments import read_head
from ingest.packet import TIMESCALE
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.source import Source, scenes
from xueliang.surroundings import recordings_dir, shared_folder

CAMERAS, KILLED_CAMERAS = 12, 4
IN_FLIGHT_S = 0.15
PICTURE_S = float(1 / PROFILES.main.fps)


def run(quick: bool, workdir: Path) -> Report:
    """Three turns of 30 s each way and 10 minutes with two kills; one turn of 7 s and 16 s with one where ``quick``."""
    turns, seconds = (1, 7.0) if quick else (3, 30.0)
    kills, between = (1, 8.0) if quick else (2, 200.0)
    report = Report(
        "recording",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{CAMERAS} cameras, {turns} turns of {seconds:g} s with and without; {KILLED_CAMERAS} cameras for "
        f"{(kills + 1) * between:g} s, the worker killed {kills} times",
    )
    simulated = [SimCamera(f"R{index}", footage(), phase_s=index * 2.3) for index in range(CAMERAS)]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        urls = {each.id: simulator.url(each.id, "main") for each in simulated}
        costs: dict[bool, list[float]] = {False: [], True: []}
        for turn in range(turns):
            # What drifts meets both alike.
            for recorded in (False, True) if turn % 2 == 0 else (True, False):
                cameras = tuple(recorded_camera(name, url, recorded=recorded) for name, url in urls.items())
                costs[recorded].append(_cost(cameras, seconds, workdir / f"{turn}-{recorded}"))
        added = [on - off for on, off in zip(costs[True], costs[False], strict=True)]
        report.samples["cpu_pct_per_camera"] = added
        report.figures["cpu_pct_per_camera"] = Figure(round(sum(added) / len(added), 3), "% core", "lower", 0.5)
        report.notes.append(
            "percent of a core a camera, read and recorded against read: "
            + ", ".join(f"{on:.2f} / {off:.2f}" for on, off in zip(costs[True], costs[False], strict=True))
        )
        names = [each.id for each in simulated[:KILLED_CAMERAS]]
        cameras = tuple(recorded_camera(name, urls[name], recorded=True) for name in names)
        _survive(report, cameras, kills, between, workdir / "killed")
    return report


def footage() -> Source:
    """A clip with a sensor's noise, else a drawn scene."""
    shared = shared_folder()
    if shared is not None and (shared / "video").is_dir():
        return stages(shared / "video")[0]
    return next(iter(scenes(1)))


def recorded_camera(name: str, url: str, *, recorded: bool) -> Camera:
    """A camera with one stream, which nobody analyses."""
    camera = camera_of(name, url, gated=True)
    mode = CameraRecording(mode="continuous") if recorded else CameraRecording()
    return camera.model_copy(update={"detection": CameraDetection(enabled=False), "rules": (), "recording": mode})


def _cost(cameras: tuple[Camera, ...], seconds: float, workdir: Path) -> float:
    """Percent of a core a camera."""
    with running.node(cameras, workdir) as node:
        node.control()
        workers = node.workers()
        time.sleep(4)  # sessions are open, and what a start costs is over
        cpu, since = running.cpu_s(workers), time.monotonic()
        time.sleep(seconds)
        return (running.cpu_s(workers) - cpu) / (time.monotonic() - since) / len(cameras) * 100


def _survive(report: Report, cameras: tuple[Camera, ...], kills: int, between: float, workdir: Path) -> None:
    with running.node(cameras, workdir) as node:
        node.control()
        workers = node.workers()
        since = time.time() + 4
        killed = []
        for _ in range(kills):
            time.sleep(between)
            killed.append(time.time())
            for worker in workers:
                worker.kill()
            workers = _new_workers(node, {worker.pid for worker in workers})
        time.sleep(between)
        archive = Archive(recordings_dir(node.settings))
    # The node has stopped in order: what was in the making is written.
    judged = [_judge(archive, camera.id, since, killed) for camera in cameras]
    report.figures["gap_ms_max"] = Figure(round(max(one.hole_ms for one in judged), 1), "ms", "lower", 0)
    lost = max(max(one.lost) for one in judged)
    report.figures["fragments_lost_on_kill"] = Figure(lost, "a camera", "lower", 1)
    away = [each for one in judged for each in one.away_s]
    report.samples["restart_gap_s"] = away
    report.notes.append(f"not recorded around a kill: {max(away):.1f} s at most, with the restart of the worker")


def _new_workers(node: running.NodeUnderTest, former: set[int]) -> tuple[psutil.Process, ...]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            workers = node.workers()
        except psutil.NoSuchProcess:
            workers = ()
        if workers and not former & {worker.pid for worker in workers}:
            return workers
        time.sleep(0.05)
    raise running.NodeFailedError("the killed worker did not come back")


@dataclass(frozen=True, slots=True)
class _Judged:
    hole_ms: float
    lost: list[int]
    away_s: list[float]


def _judge(archive: Archive, camera_id: str, since: float, killed: list[float]) -> _Judged:
    found = archive.find(camera_id, 0, math.inf)
    pictures = [each for file in found for each in _pictures(file)]
    lost, away = [], []
    for at in killed:
        before = max(end for _, end in pictures if end <= at + 0.5)
        after = min(begin for begin, _ in pictures if begin > at)
        lost.append(max(0, math.ceil((at - IN_FLIGHT_S - before) / PROFILES.main.gop_s)))
        away.append(after - before)
    holes = [
        (later - earlier - PICTURE_S) * 1000
        for (earlier, _), (later, _) in pairwise(pictures)
        if earlier > since and not any(earlier <= at + 0.5 and later > at - 0.5 for at in killed)
    ]
    # Less than half a picture is the jitter of the time stamps, not a picture that is missing.
    return _Judged(max((hole for hole in holes if hole > PICTURE_S * 500), default=0.0), lost, away)


def _pictures(found: Found) -> list[tuple[float, float]]:
    """When each picture of a file begins and ends, UTC epoch s, by the first capture time of its fragment."""
    told = []
    with found.file.path.open("rb") as media:
        for fragment in found.fragments:
            at = fragment.begins_at
            for duration, *_ in read_head(media, fragment.offset).rows:
                told.append((at, at + PICTURE_S))
                at += duration / TIMESCALE
    return told


RECORDING = Case("recording", "what continuous recording costs, and what a killed worker loses of it", run)
