"""When a camera's pictures arrive and nobody looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from alerts.health import Unanalysed
from configs.schema import CameraDetection
from ingest.gating.level import Level
from xueliang.worker.coverage import Coverage, Gap

FPS = 12


@dataclass
class Watched:
    """A camera of 12 frames a second, looked at each second; what became of the frames is said second by second."""

    coverage: Coverage = field(default_factory=lambda: Coverage(CameraDetection(fps=5, min_fps=1, look_every_s=30)))
    now: float = 1000.0
    received: int = 0
    analysed: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    until: float | None = None

    def second(
        self,
        *,
        analysed: int = 0,
        late_s: float = 0.05,
        live: bool = True,
        level: Level = Level.FULL,
        received: int = FPS,
        dropped: dict[str, int] | None = None,
    ) -> Gap | None:
        self.now += 1
        self.received += received
        self.analysed += analysed
        for cause, count in (dropped or {}).items():
            self.dropped[cause] = self.dropped.get(cause, 0) + count
        if analysed:
            self.until = self.now - late_s
        return self.coverage.look(
            self.now,
            live=live,
            level=level,
            received=self.received,
            analysed=self.analysed,
            dropped=self.dropped,
            analysed_until=self.until,
        )


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        pytest.param({"rate": 7, "detector_error": 5}, Unanalysed.DETECTOR_ERROR, id="the detector throws"),
        pytest.param({"rate": 7, "superseded": 4}, Unanalysed.LATE, id="the detector does not answer"),
        pytest.param({"undecodable": 12}, Unanalysed.UNDECODABLE, id="no picture can be decoded"),
        pytest.param({"shed": 12}, Unanalysed.SHED, id="others come first"),
    ],
)
def test_pictures_that_nobody_looks_at_are_told_after_some_seconds_with_the_cause(
    what: dict[str, int], cause: Unanalysed
) -> None:
    camera = Watched()
    assert [camera.second(analysed=5, dropped={"rate": 7}) for _ in range(2)] == [None] * 2
    seen_until = camera.until
    told = [camera.second(dropped=what) for _ in range(6)]
    assert told[:3] == [None] * 3
    assert seen_until is not None
    assert told[4:] == [Gap(cause, seen_until)] * 2
    assert camera.second(analysed=5, dropped={"rate": 7}) is None


def test_a_detector_that_answers_long_after_is_told_although_it_answers() -> None:
    camera = Watched()
    told = [camera.second(analysed=1, late_s=8, dropped={"superseded": 11}) for _ in range(10)]
    assert told[-1] is not None
    assert told[-1].cause is Unanalysed.LATE


def test_a_camera_that_rests_at_its_gate_is_not_unanalysed() -> None:
    camera = Watched()
    camera.second(analysed=5, dropped={"rate": 7})
    camera.second(analysed=2, dropped={"rate": 3, "gated": 6, "superseded": 1})
    assert [camera.second(dropped={"gated": FPS}) for _ in range(40)] == [None] * 40


def test_a_resting_camera_whose_looks_fail_is_told_until_one_succeeds() -> None:
    camera = Watched()
    camera.second(analysed=5, dropped={"rate": 7})
    camera.second(dropped={"gated": FPS})
    camera.second(dropped={"gated": FPS - 1, "detector_error": 1})
    told = [camera.second(dropped={"gated": FPS}) for _ in range(8)]
    assert told[-1] is not None
    assert told[-1].cause is Unanalysed.DETECTOR_ERROR
    assert camera.second(analysed=1, dropped={"gated": FPS - 1}) is None
    assert [camera.second(dropped={"gated": FPS}) for _ in range(8)] == [None] * 8


def test_a_camera_that_is_promised_a_look_now_and_then_is_not_told_between_two() -> None:
    camera = Watched()
    camera.second(analysed=5, dropped={"rate": 7})
    assert [camera.second(level=Level.FLOOR, dropped={"shed": FPS}) for _ in range(30)] == [None] * 30
    assert [camera.second(level=Level.FLOOR, dropped={"shed": FPS}) for _ in range(8)][-1] is not None


def test_without_a_live_picture_or_without_detection_there_is_nothing_to_look_at() -> None:
    camera = Watched()
    camera.second(analysed=5, dropped={"rate": 7})
    assert [camera.second(live=False, received=0) for _ in range(20)] == [None] * 20
    assert [camera.second(dropped={"superseded": FPS}) for _ in range(3)] == [None] * 3  # from here on it is

    off = Watched(Coverage(CameraDetection(enabled=False)))
    assert [off.second() for _ in range(20)] == [None] * 20
