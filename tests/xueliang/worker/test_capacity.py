"""Promises against the machine, and a stage that is given what is best for it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect.detection import Detections
from detect.detector import Detector
from detect.factory import DetectorPlan
from detect.stage import DetectionStage
from ingest.frame import Picture
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from xueliang.worker.capacity import Capacity, CapacityFinder, Promise, assess
from xueliang.worker.share import MachineShare

TWO_CORES = Capacity(sessions=2, fps=70.0, core_s=2 / 70)


def test_a_county_is_too_much_at_once_and_not_on_a_usual_day() -> None:
    told = assess([Promise(5.0, 0.03, gated=True)] * 64, TWO_CORES, MachineShare(2))
    assert (told.promised_fps, told.capacity_fps) == (320.0, 70.0)
    assert told.load_all == pytest.approx((320 * 2 / 70 + 64 * 0.03) / 2, abs=0.01)
    assert told.load_tenth == pytest.approx(told.load_all / 10, abs=0.01)


def test_who_has_no_gate_never_rests() -> None:
    told = assess([Promise(5.0, 0.03, gated=False)] * 20, TWO_CORES, MachineShare(2))
    assert told.load_tenth == told.load_all > 1


@given(
    st.lists(st.builds(Promise, st.floats(0.1, 30), st.floats(0, 1), st.booleans()), max_size=20),
    st.integers(1, 64),
)
def test_more_promises_are_more_load(promises: list[Promise], cores: int) -> None:
    told = [assess(promises[:count], TWO_CORES, MachineShare(cores)) for count in range(len(promises) + 1)]
    assert all(before.load_all <= after.load_all for before, after in pairwise(told))
    assert all(each.load_tenth <= each.load_all for each in told)


class Quick:
    """A detector of no work, which counts how often it was opened."""

    labels = ("person",)
    model_id = "quick"
    opened = 0

    def __init__(self) -> None:
        Quick.opened += 1

    def for_camera(self, camera_id: str) -> Detector:
        return self

    def detect(self, picture: Picture) -> Detections:
        return Detections.empty(picture.width, picture.height)


def test_the_next_start_does_not_measure_again(tmp_path: Path) -> None:
    plan = DetectorPlan("model", "quick", ("person",), 1, None, Quick, sha256="00" * 32)
    ledger = FrameLedger("a")
    source = Mailboxes("a", ledger)
    stage = DetectionStage(plan.open, source, ledger, lambda frame, detections: None, sessions=1)
    stage.start()
    finder = CapacityFinder(plan, stage, MachineShare(2), tmp_path)
    assert finder.kept() is None
    measured = finder.measured()
    assert measured is not None
    assert stage.metrics().sessions == measured.sessions
    opened = Quick.opened
    kept = CapacityFinder(plan, stage, MachineShare(2), tmp_path).kept()
    assert kept is not None
    assert kept.fps == pytest.approx(measured.fps, abs=0.01)
    assert Quick.opened == opened
    assert CapacityFinder(plan, stage, MachineShare(4), tmp_path).kept() is None, "another machine"
    source.close()
    assert stage.stop()


def test_motion_has_nothing_to_measure(tmp_path: Path) -> None:
    plan = DetectorPlan("motion", "motion", ("moving",), 1, "asked for", Quick)
    ledger = FrameLedger("a")
    stage = DetectionStage(plan.open, Mailboxes("a", ledger), ledger, lambda frame, detections: None)
    assert CapacityFinder(plan, stage, MachineShare(2), tmp_path).measured() is None
