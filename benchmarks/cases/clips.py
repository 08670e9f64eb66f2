"""``clips``: how long does the clip of an alarm take, and does each one play and show its moment?

Cameras of 2 Mb/s, 1080p25, are recorded as a worker does; while that goes on, clips of 15 s are cut around random
moments, each written with its sha256, flushed to the disk and renamed. Then every clip is decoded from start to end.
"""

from __future__ import annotations

import hashlib
import random
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import av

from alerts.event_id import new_event_id
from alerts.recording.clip_file import Clip, write_clip
from alerts.recording.recordings import Recordings
from benchmarks.cases.recording import PICTURE_S, footage, recorded_camera
from benchmarks.material import PROFILES
from benchmarks.report import Case, Figure, Report
from benchmarks.running import CACHE, ROOT
from configs.loader import load
from ingest.camera import CameraIngest
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.watch import Watch

CAMERAS = 4
PRE_S, POST_S = 5.0, 10.0


def run(quick: bool, workdir: Path) -> Report:
    """100 clips of a minute's recordings, or 10 of 22 s where ``quick``."""
    seconds, count = (22.0, 10) if quick else (60.0, 100)
    report = Report(
        "clips",
        datetime.now(UTC).isoformat(timespec="seconds"),
        quick,
        f"{CAMERAS} cameras for {seconds:g} s, then {count} clips of {PRE_S + POST_S:g} s while they go on",
    )
    simulated = [SimCamera(f"C{index}", footage(), phase_s=index * 2.3) for index in range(CAMERAS)]
    with SimulatorThread(simulated, CACHE, profiles=PROFILES) as simulator:
        cameras = tuple(recorded_camera(each.id, simulator.url(each.id, "main"), recorded=True) for each in simulated)
        settings = load(ROOT / "configs" / "examples" / "county.yaml", {}).model_copy(update={"cameras": cameras})
        recordings = Recordings(settings, cameras, folder=workdir / "recordings", evidence=workdir, sink=lambda _: None)
        ledger, watch = FrameLedger([each.id for each in cameras]), Watch()
        mailboxes = Mailboxes([each.id for each in cameras], ledger)
        ingests = [
            CameraIngest(each, ledger=ledger, frames=mailboxes, watch=watch, taps=recordings.taps(each.id))
            for each in cameras
        ]
        recordings.start()
        for ingest in ingests:
            ingest.start()
        began = time.time() + 2
        time.sleep(seconds)
        cut = _cut(recordings, [each.id for each in cameras], began, count, workdir)
        for ingest in ingests:
            ingest.stop()
        mailboxes.close()
        recordings.stop()
    report.percentiles("clip_write_ms", [took_ms for took_ms, *_ in cut], "ms", {50: 50, 95: 50})
    sizes = [clip.bytes for _, _, clip, _ in cut]
    report.notes.append(f"a clip has {sum(sizes) / len(sizes) / 1e6:.1f} MB on average; fsync included")
    broken = sum(not _whole(moment, clip, path) for _, moment, clip, path in cut)
    report.figures["clips_broken"] = Figure(broken, f"of {len(cut)}", "lower", 0)
    return report


def _cut(
    recordings: Recordings, names: list[str], began: float, count: int, workdir: Path
) -> list[tuple[float, float, Clip, Path]]:
    chance = random.Random(1)
    cut = []
    for _ in range(count):
        # The clip's end is on disk: its last GOP, 2 s, has been written.
        moment = chance.uniform(began + PRE_S, time.time() - POST_S - 3)
        path = workdir / "clips" / f"{new_event_id()}.mp4"
        since = time.perf_counter()
        clip = write_clip(recordings.archive, chance.choice(names), (moment - PRE_S, moment + POST_S), moment, path)
        cut.append(((time.perf_counter() - since) * 1000, moment, clip, path))
        time.sleep(0.02)
    return cut


def _whole(moment: float, clip: Clip, path: Path) -> bool:
    """Whether every picture decodes, from before the moment's pre-roll to after its post-roll, without a hole."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != clip.sha256 or path.stat().st_size != clip.bytes:
        return False
    try:
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            frames = [(frame.time, frame.is_corrupt) for frame in container.decode(video=0)]
    except av.FFmpegError:
        return False
    times = [at for at, _ in frames]
    steps = [later - earlier for earlier, later in pairwise(times)]
    covers = clip.begins_at <= moment - PRE_S + 0.1 and clip.begins_at + times[-1] + PICTURE_S >= moment + POST_S - 0.1
    return covers and not any(bad for _, bad in frames) and max(steps) < PICTURE_S * 1.5


CLIPS = Case("clips", "how long the clip of an alarm takes, and whether each one plays and shows its moment", run)
