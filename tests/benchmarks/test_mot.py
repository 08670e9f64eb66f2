from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.mot import Footage, follow, truth
from detect.detection import Detections


def test_truth_is_read_by_frame_as_corners_without_what_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    file.write_text("1,7,10,20,30,40,1,-1,-1,-1\n3,8,0,0,5.5,6,1,-1,-1,-1\n3,9,1,1,2,2,0,-1,-1,-1\n", "utf-8")
    frames = truth(file, 4)
    assert [frame.ids.tolist() for frame in frames] == [[7], [], [8], []]
    assert frames[0].boxes.tolist() == [[10, 20, 40, 60]]
    assert frames[2].boxes.tolist() == [[0, 0, 5.5, 6]]


def test_tracks_come_back_in_pixels_for_the_frames_that_are_analysed() -> None:
    box = np.array([[100, 60, 140, 180]], np.float32)
    seen = Detections(box, np.array([0.9], np.float32), np.zeros(1, np.int16), 640, 480)
    tracks = follow(Footage("street", 25.0, (seen,) * 20, ()), range(2, 20, 5))
    assert [track.ids.tolist() for track in tracks] == [[], [1], [1], [1]]
    np.testing.assert_allclose(tracks[-1].boxes, box, atol=0.1)
