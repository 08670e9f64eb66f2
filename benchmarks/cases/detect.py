"""``detect``: how near does detection come to what ONNX Runtime alone can do, and how far ahead is it of usual loops?

Three comparisons, each interleaved with its counterpart: decoded 1080p pictures through the pool against bare ONNX
Runtime on a fixed tensor; our reading and detecting against an OpenCV loop on the same RTSP streams (YOLOX-nano); and
against Ultralytics' stream loop with the same ONNX file (YOLOv8n). More pictures come than the loops can analyse; what
counts is how many are. Every loop runs in a process of its own, the simulator in this one. Figures that end in ``_cpu``
count by processor time: other work on the machine disturbs them less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np

from benchmarks.efficiency import FITTED, WHOLE, Comparison, Slice
from benchmarks.material import StagedSource
from benchmarks.peers import environment
from benchmarks.peers.environment import PeerUnavailableError
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles, cached_files, prepare
from ingest.simulator.source import Source, scenes
from xueliang.node import WORKER_MEMORY
from xueliang.surroundings import shared_folder

YOLOX, YOLOV8 = "yolox_nano_416", "yolov8n_int8_qdq_640"
CORES = os.cpu_count() or 1
CAMERAS = {"cv2_loop": 5 * CORES // 2, "ultralytics": CORES}
"""To begin with, at 25 pictures a second each: what is decoded and not analysed is lost to both, so there are no more
than it takes to keep ours busy."""
MOST_CAMERAS = 6 * CORES
PROFILES = Profiles(main=Profile(1920, 1080, Fraction(25), 2_000_000))
FPS, ALL, PROBE_S = 25, 0.97, 3.0
_PEER_S = 180.0  # a loop that has not ended by then never will


@dataclass(frozen=True, slots=True)
class Scale:
    """``rounds`` of the loops by turns, ``seconds`` measured in each; ``slices`` of the pool."""

    rounds: int
    seconds: float
    slices: int


QUICK, FULL = Scale(1, 3.0, 4), Scale(3, 10.0, 20)


def run(quick: bool, workdir: Path) -> Report:  # noqa: ARG001 - what it keeps lies in the cache
    """About 3 min, and minutes more where Ultralytics' environment is made; 40 s where ``quick``."""
    scale = QUICK if quick else FULL
    report = Report(
        "detect",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"1080p25 cameras, {scale.rounds} x {scale.seconds:g} s each loop, {scale.slices} slices",
    )
    shared = shared_folder()
    if shared is None:
        report.notes.append("no models here, so no figure: want ../shared/models")
        return report
    source = source_of(shared, report)
    prepare(source, PROFILES, CACHE)
    _efficiency(report, shared / "models" / f"{YOLOX}.onnx", source, scale)
    simulated = [SimCamera(f"D{index}", source, phase_s=index * 2.3) for index in range(MOST_CAMERAS)]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        urls = [simulator.url(camera.id, "main") for camera in simulated]
        try:
            _against(report, "cv2_loop", 1.5, scale, cv2_loop, shared / "models" / f"{YOLOX}.onnx", urls)
        except PeerUnavailableError as error:
            report.notes.append(f"speedup_vs_cv2_loop: no figure: {error}")
        _limit(report, cached_files(source, PROFILES, CACHE)[0])
        try:
            _against(
                report, "ultralytics", 1.35, scale, ultralytics_loop(quick), shared / "models" / f"{YOLOV8}.onnx", urls
            )
        except PeerUnavailableError as error:
            report.notes.append(f"speedup_vs_ultralytics: no figure: {error}")
    return report


def source_of(shared: Path, report: Report) -> Source:
    """A real clip where there is one, else a drawn scene, and a note."""
    clip = shared / "video" / "ken_pedestrian.mp4"
    if not clip.is_file():
        report.notes.append("no clips here: a drawn scene")
        return scenes(1)[0]
    return StagedSource(clip, calm=(1.0, 3.5), from_s=4.0, seconds=10, starts=(0.0,), active_s=10.0)


def _efficiency(report: Report, model: Path, source: Source, scale: Scale) -> None:
    """Both sides at the file's size of the input, then both at the size that a 16:9 picture needs."""
    video = cached_files(source, PROFILES, CACHE)[0]
    for size, suffix in ((WHOLE, ""), (FITTED, "_fitted")):
        told = _compared(model, video, scale.slices, size)
        goal = 0.90 if size == WHOLE else None
        ratio, by_cpu = told.ratio(lambda one: one.rate), 1 / told.ratio(lambda one: one.cost_ms)
        report.figures[f"efficiency_vs_bare{suffix}"] = Figure(round(ratio, 3), "x", "higher", goal)
        report.figures[f"efficiency_vs_bare{suffix}_cpu"] = Figure(round(by_cpu, 3), "x", "higher")
        for name, slices in (("pool", told.pool), ("bare", told.bare)):
            rates = [one.rate for one in slices]
            report.samples[f"{name}{suffix}_rate"] = rates
            report.samples[f"{name}{suffix}_cost_ms"] = [one.cost_ms for one in slices]
            report.figures[f"{name}{suffix}_rate"] = Figure(round(float(np.median(rates)), 1), "1/s", "higher")
    report.notes.append(
        f"pool and bare: {CORES} sessions of one thread, {YOLOX}, in one process with a worker's memory; fitted: both "
        "without the padding that a 16:9 picture leaves in the model's input"
    )


def _compared(model: Path, video: Path, rounds: int, size: str) -> Comparison:
    command = [sys.executable, "-m", "benchmarks.efficiency", str(model), str(video), str(CORES), str(rounds), size]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **WORKER_MEMORY}, check=False
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks.efficiency ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    told = json.loads(done.stdout)
    return Comparison(*([Slice(**one) for one in told[name]] for name in ("pool", "bare")))


def _limit(report: Report, video: Path) -> None:
    """``limit_vs_cv2_loop_cpu``: the ratio by processor time if ours did nothing but decode what it analyses, as the
    product decodes, and run the model."""
    peers = report.samples.get("cv2_loop:cv2_loop:analysed_per_cpu_s")
    if not peers:
        return
    decode_ms, infer_ms = _decoding_ms(video), float(np.median(report.samples["bare_fitted_cost_ms"]))
    report.figures["decode_cost_ms"] = Figure(round(decode_ms, 2), "ms", "lower")
    limit = 1000 / float(np.median(peers)) / (decode_ms + infer_ms)
    report.figures["limit_vs_cv2_loop_cpu"] = Figure(round(limit, 2), "x", "higher")
    report.notes.append(
        f"limit: the OpenCV loop takes {1000 / float(np.median(peers)):.1f} ms of a core a picture, decoding alone "
        f"{decode_ms:.1f} and the bare model without padding {infer_ms:.1f}"
    )


def _decoding_ms(video: Path) -> float:
    """Processor time a picture, by one thread without the loop filter, as the product decodes; after a first turn."""
    pictures, began = 0, 0.0
    for turn in range(4):
        if turn == 1:
            pictures, began = 0, time.process_time()
        with av.open(str(video)) as container:
            context = container.streams.video[0].codec_context
            context.thread_count = 1
            context.options = {"skip_loop_filter": "all"}
            pictures += sum(1 for _ in container.decode(video=0))
    return (time.process_time() - began) / pictures * 1000


class Loop(Protocol):
    """Cameras, a model and so many seconds; what it tells. ``fps``: of each camera; ``None``: all that it can."""

    def __call__(self, model: Path, urls: list[str], seconds: float, *, fps: float | None = None) -> dict[str, Any]:
        """Raises :class:`PeerUnavailableError` where it fails."""


def _against(report: Report, peer: str, goal: float, scale: Scale, loop: Loop, model: Path, urls: list[str]) -> None:
    """``speedup_vs_PEER``: ratio of the medians of pictures analysed a second; ``_cpu``: a second of processor time."""
    told: dict[str, list[dict[str, Any]]] = {"xueliang": [], peer: []}
    cameras = _enough(model, urls, CAMERAS[peer])
    for _ in range(scale.rounds):
        for name, each in (("xueliang", _ours), (peer, loop)):
            told[name].append(each(model, urls[:cameras], scale.seconds))
    ratios = []
    for measure in ("analysed_per_s", "analysed_per_cpu_s"):
        rates = {name: [float(one[measure]) for one in results] for name, results in told.items()}
        report.samples |= {f"{peer}:{name}:{measure}": values for name, values in rates.items()}
        ours, theirs = (float(np.median(values)) for values in rates.values())
        if theirs <= 0:
            report.notes.append(f"speedup_vs_{peer}: no figure: the peer analysed nothing")
            return
        ratios.append(round(ours / theirs, 2))
        if measure == "analysed_per_s":
            report.figures[f"rate_{peer}"] = Figure(round(theirs, 1), "1/s", "higher")
            report.figures[f"rate_beside_{peer}"] = Figure(round(ours, 1), "1/s", "higher")
    report.figures[f"speedup_vs_{peer}"] = Figure(ratios[0], "x", "higher", goal)
    report.figures[f"speedup_vs_{peer}_cpu"] = Figure(ratios[1], "x", "higher")
    versions = {**told["xueliang"][0]["versions"], **told[peer][0]["versions"]}
    report.notes.append(
        f"{peer}: {cameras} cameras, {model.stem}; "
        + ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    )
    for name, results in told.items():
        lags = [camera["lag_s"]["last"] for camera in results[-1]["cameras"] if camera["lag_s"]]
        behind = f"{max(lags):g} s behind its cameras" if lags else "its lag cannot be told"
        report.notes.append(f"{peer} comparison: {name} at the end of a round: {behind}")


def _enough(model: Path, urls: list[str], cameras: int) -> int:
    """The fewest cameras, ``cameras`` or more, that send more than ours analyses."""
    while cameras < len(urls) and _ours(model, urls[:cameras], PROBE_S)["analysed_per_s"] > ALL * FPS * cameras:
        cameras += 1
    return cameras


def _ours(model: Path, urls: list[str], seconds: float, *, fps: float | None = None) -> dict[str, Any]:
    try:
        return _loop([sys.executable, "-m", "benchmarks.peers.worker_loop"], model, urls, seconds, fps, WORKER_MEMORY)
    except PeerUnavailableError as error:
        raise RuntimeError(f"our own loop failed: {error}") from None  # no reason to leave a figure out


def cv2_loop(model: Path, urls: list[str], seconds: float, *, fps: float | None = None) -> dict[str, Any]:
    """What the OpenCV loop tells of so many seconds. Raises :class:`PeerUnavailableError` where it fails."""
    return _loop([sys.executable, "-m", "benchmarks.peers.cv2_loop"], model, urls, seconds, fps)


def ultralytics_loop(quick: bool) -> Loop:
    """Its loop, in an environment that is made where it is not ``quick``. Raises :class:`PeerUnavailableError`."""
    python = environment.ready(CACHE) if quick else environment.make(CACHE)
    if python is None:
        raise PeerUnavailableError("its environment is not made yet; `python -m benchmarks detect` makes it")
    script = str(Path(environment.__file__).with_name("ultralytics_loop.py"))

    def loop(model: Path, urls: list[str], seconds: float, *, fps: float | None = None) -> dict[str, Any]:
        return _loop([str(python), script], model, urls, seconds, fps, environment.settings(CACHE))

    return loop


def _loop(
    command: list[str],
    model: Path,
    urls: list[str],
    seconds: float,
    fps: float | None,
    extra: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the loop tells in its last line. Raises :class:`PeerUnavailableError` where it fails."""
    rate = [] if fps is None else ["--fps", str(fps)]
    called = [*command, "--model", str(model), "--seconds", str(seconds), *rate, *urls]
    try:
        done = subprocess.run(
            called,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(extra or {})},
            timeout=_PEER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PeerUnavailableError(f"{command[-1]} did not end within {_PEER_S:g} s") from None
    if done.returncode or not done.stdout.strip():
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise PeerUnavailableError(f"{command[-1]} ended with {done.returncode}: {last[:200]}")
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


DETECT = Case(
    "detect", "pictures a second: against bare ONNX Runtime, an OpenCV loop and Ultralytics' stream loop", run
)
