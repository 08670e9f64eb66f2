"""Multi-object tracking on labelled footage: our tracks, a peer's on the same detections, and what both are worth.

Measures are those of MOTChallenge: HOTA (Luiten et al. 2020, arXiv:2009.07736), MOTA and IDF1, by ``trackeval``. It
and the peer want another build of OpenCV than the product's, so they live in an environment of their own, made at first
use.
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from detect.detection import Detections
from detect.detector import Detector
from detect.tracker import Tracker
from ingest.pictures import DecodedPicture

PERSON = "person"
_PEER = Path(__file__).parent / "peers" / "trackers_mot.py"
_REQUIREMENTS = _PEER.with_name("requirements-trackers.txt")
_SECONDS_FOR_PEER = 120


@dataclass(frozen=True, slots=True)
class Labelled:
    """Ids, and float64 boxes ``(n, 4)`` x1 y1 x2 y2 in px."""

    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip: persons found and persons there, frame by frame. Times are ``frame / fps``."""

    name: str
    fps: float
    seen: tuple[Detections, ...]
    there: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares; MOTA may be below zero. ``switches`` is the count of identities changed."""

    hota: float
    mota: float
    idf1: float
    switches: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One clip at one rate: ours, and the peer in each of its settings by name."""

    ours: Score
    peers: dict[str, Score]


def truth(file: Path, frames: int) -> tuple[Labelled, ...]:
    """MOT15 ground truth: rows of frame (from 1), id, left, top, width, height, whether it counts."""
    rows: defaultdict[int, list[tuple[int, float, float, float, float]]] = defaultdict(list)
    with file.open() as lines:
        for row in csv.reader(lines):
            left, top, width, height, counts = (float(cell) for cell in row[2:7])
            if counts:
                rows[int(row[0])].append((int(row[1]), left, top, left + width, top + height))
    return tuple(_labelled(rows[frame]) for frame in range(1, frames + 1))


def _labelled(rows: Sequence[tuple[int, float, float, float, float]]) -> Labelled:
    numbers = np.array(rows, np.float64).reshape(-1, 5)
    return Labelled(numbers[:, 0].astype(np.int64), numbers[:, 1:])


def footage(clip: Path, labels: Path, detector: Detector) -> Footage:
    """The clip through the detector, persons only, since only they are labelled. Raises ``ValueError``: no rate."""
    person = detector.labels.index(PERSON)
    seen = []
    with av.open(str(clip)) as container:
        rate = container.streams.video[0].average_rate
        if rate is None:
            raise ValueError(f"{clip.name}: tells no rate")
        for frame in container.decode(video=0):
            found = detector.detect(DecodedPicture(frame))
            of = found.classes == person
            boxes, scores = found.boxes[of], found.scores[of]
            seen.append(Detections(boxes, scores, np.zeros(len(scores), np.int16), found.width, found.height))
    return Footage(clip.stem, float(rate), tuple(seen), truth(labels, len(seen)))


def follow(clip: Footage, frames: range) -> list[Labelled]:
    """Our tracker on those frames."""
    tracker, tracks = Tracker(clip.name, (PERSON,)), []
    for frame in frames:
        found = clip.seen[frame]
        at = frame / clip.fps
        result = tracker.update(found, at, at)
        size = np.array([found.width, found.height] * 2, np.float64)
        tracks.append(Labelled(result.ids, result.boxes * size))
    return tracks


def compare(clips: Sequence[Footage], step: int, starts: int, interpreter: Path, workdir: Path) -> dict[str, Outcome]:
    """Each clip by name with every ``step``-th frame analysed, the mean over the first ``starts`` ways to begin.

    Only analysed frames are judged. Raises ``CalledProcessError`` or ``TimeoutExpired`` where the peer fails.
    """
    runs = [(clip, range(start, len(clip.seen), step)) for clip in clips for start in range(starts)]
    asked, answer = workdir / f"mot.{step}.json", workdir / f"mot.{step}.scores.json"
    asked.write_text(json.dumps([_run(clip, frames, clip.fps / step) for clip, frames in runs]), "utf-8")
    subprocess.run([interpreter, _PEER, asked, answer], check=True, timeout=_SECONDS_FOR_PEER)
    scores: defaultdict[str, list[dict[str, dict[str, float]]]] = defaultdict(list)
    for (clip, _), score in zip(runs, json.loads(answer.read_text("utf-8")), strict=True):
        scores[clip.name].append(score)
    outcomes = {}
    for name, found in scores.items():
        means = {who: _mean([score[who] for score in found]) for who in found[0]}
        outcomes[name] = Outcome(means.pop("ours"), means)
    return outcomes


def _run(clip: Footage, frames: range, fps: float) -> dict[str, Any]:
    return {
        "fps": fps,
        "there": [_plain(clip.there[frame]) for frame in frames],
        "seen": [[clip.seen[frame].boxes.tolist(), clip.seen[frame].scores.tolist()] for frame in frames],
        "ours": [_plain(tracks) for tracks in follow(clip, frames)],
    }


def _plain(labelled: Labelled) -> list[Any]:
    return [labelled.ids.tolist(), labelled.boxes.tolist()]


def _mean(scores: Sequence[dict[str, float]]) -> Score:
    return Score(**{name: float(np.mean([score[name] for score in scores])) for name in scores[0]})


def environment(folder: Path) -> Path:
    """The interpreter of the peer's environment in ``folder``, made there at first use (some 500 MB).

    Its OpenCV is the headless build in place of the one that ``trackers`` and ``trackeval`` ask for, which needs libGL.
    Raises ``CalledProcessError`` where it cannot be made.
    """
    interpreter, made_from = folder / "bin" / "python", folder / "made-from"
    recipe = f"{sys.version_info[:2]} {hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()}"
    if made_from.is_file() and made_from.read_text("utf-8") == recipe:
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*install, "--python", str(interpreter), "-r", str(_REQUIREMENTS)], check=True)
    made_from.write_text(recipe, "utf-8")
    return interpreter
