"""Runs in the peer's environment: ``trackers_mot.py ASKED ANSWER``, two JSON files; see :func:`benchmarks.mot.compare`.

The peer is ByteTrack of the package ``trackers``, as it comes, told the analysed rate; and once more with the two score
thresholds of our tracker, since its own leave out much of what a small detector finds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import supervision
import trackers
from numpy.typing import NDArray
from trackeval.metrics import CLEAR, HOTA, Identity

PEERS: Mapping[str, Mapping[str, float]] = {
    "as it comes": {},
    "with our thresholds": {"track_activation_threshold": 0.4, "high_conf_det_threshold": 0.4},
}
Frames = Sequence[tuple[Sequence[int], Sequence[Sequence[float]]]]
"""For each frame ids and boxes x1 y1 x2 y2 px."""


def main(asked: Path, answer: Path) -> None:
    """Score every run."""
    runs = json.loads(asked.read_text("utf-8"))
    with redirect_stdout(sys.stderr):  # the metrics print their settings
        answer.write_text(json.dumps([_scores(run) for run in runs]), "utf-8")


def _scores(run: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found = {"ours": score(run["there"], run["ours"])}
    for name, settings in PEERS.items():
        found[name] = score(run["there"], _follow(run["seen"], run["fps"], settings))
    return found


def _follow(seen: Sequence[Any], fps: float, settings: Mapping[str, float]) -> Frames:
    tracker = trackers.ByteTrackTracker(frame_rate=fps, **settings)
    tracks: list[tuple[Sequence[int], Sequence[Sequence[float]]]] = []
    for boxes, scores in seen:
        detections = supervision.Detections(
            _boxes(boxes), confidence=np.array(scores, np.float64), class_id=np.zeros(len(scores), np.int64)
        )
        result = tracker.update(detections)
        confirmed = result.tracker_id >= 0
        tracks.append((result.tracker_id[confirmed].tolist(), result.xyxy[confirmed].tolist()))
    return tracks


def score(there: Frames, tracks: Frames) -> dict[str, float]:
    """HOTA (mean over its 19 thresholds), MOTA, IDF1 and identity switches of one sequence."""
    truths, mine = _numbering(there), _numbering(tracks)
    data = {
        "num_timesteps": len(there),
        "num_gt_ids": len(truths),
        "num_tracker_ids": len(mine),
        "num_gt_dets": sum(len(ids) for ids, _ in there),
        "num_tracker_dets": sum(len(ids) for ids, _ in tracks),
        "gt_ids": [np.array([truths[one] for one in ids], np.int64) for ids, _ in there],
        "tracker_ids": [np.array([mine[one] for one in ids], np.int64) for ids, _ in tracks],
        "similarity_scores": [
            supervision.box_iou_batch(_boxes(want), _boxes(have))
            for (_, want), (_, have) in zip(there, tracks, strict=True)
        ],
    }
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return {
        "hota": float(np.mean(HOTA().eval_sequence(data)["HOTA"])),
        "mota": float(clear["MOTA"]),
        "idf1": float(identity["IDF1"]),
        "switches": float(clear["IDSW"]),
    }


def _numbering(frames: Frames) -> dict[int, int]:
    return {one: number for number, one in enumerate(sorted({one for ids, _ in frames for one in ids}))}


def _boxes(boxes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.array(boxes, np.float64).reshape(-1, 4)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
