from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from detect.detection import Detections
from detect.detector import CameraDetectors
from detect.stage import DetectionFailedError
from ingest.frame import Frame
from ingest.ledger import DropCause
from tests.detect.stage_bench import DEADLINE_S, Bench, Scripted


def test_results_come_in_order_and_every_frame_is_accounted(bench: Callable[[str], Bench]) -> None:
    it = bench("abcd")
    inside: dict[str, int] = defaultdict(int)
    overlaps: list[str] = []

    def action(camera_id: str) -> None:
        inside[camera_id] += 1
        if inside[camera_id] > 1:
            overlaps.append(camera_id)
        threading.Event().wait(0.001)
        inside[camera_id] -= 1

    stage = it.stage(action, sessions=3)
    stage.start()
    for sequence in range(100):
        for camera_id in "abcd":
            it.offer(camera_id, sequence)
        if sequence % 10 == 0:
            it.until(lambda: all(account.in_flight == 0 for account in it.ledger.snapshot().values()))
    it.until(lambda: all(account.in_flight == 0 for account in it.ledger.snapshot().values()))
    assert overlaps == []
    for camera_id in "abcd":
        mine = [sequence for camera, sequence in it.results if camera == camera_id]
        assert mine == sorted(set(mine))
        assert mine[-1] == 99, "the newest frame is never the one that is dropped"
        account = it.ledger.account(camera_id)
        assert account.analysed == len(mine)
        assert account.analysed + account.dropped.get(DropCause.SUPERSEDED, 0) == 100
    assert stage.metrics().analysed == len(it.results)


def test_a_busy_camera_does_not_hold_up_the_others(bench: Callable[[str], Bench]) -> None:
    it = bench("ab")
    entered, release = threading.Event(), threading.Event()

    def action(camera_id: str) -> None:
        if camera_id == "a":
            entered.set()
            assert release.wait(DEADLINE_S)

    it.stage(action, sessions=2).start()
    it.offer("a", 0)
    assert entered.wait(DEADLINE_S)
    it.offer("a", 1)
    it.offer("b", 0)
    it.until(lambda: ("b", 0) in it.results)
    assert it.results == [("b", 0)], "the second frame of a busy camera waits for the first"
    release.set()
    it.until(lambda: len(it.results) == 3)
    assert [result for result in it.results if result[0] == "a"] == [("a", 0), ("a", 1)]


def test_a_failure_is_counted_and_never_looks_like_an_empty_street(bench: Callable[[str], Bench]) -> None:
    it = bench("ab")

    def action(camera_id: str) -> None:
        if camera_id == "a":
            raise FloatingPointError("scores are not finite")

    stage = it.stage(action)
    with capture_logs() as logs:
        stage.start()
        for sequence in range(5):
            it.offer("a", sequence)
            it.until_closed("a", sequence + 1)
        during = stage.health
        it.offer("b", 0)
        it.until_closed("b", 1)
    assert it.results == [("b", 0)]
    assert it.ledger.account("a").dropped == {DropCause.DETECTOR_ERROR: 5}
    assert stage.metrics().errors == {"detect": 5, "result": 0}
    assert during.phase == "failing"
    assert "scores are not finite" in (during.error or "")
    assert stage.health.phase == "running", "one camera's trouble is not the detector's"
    told = [log for log in logs if log["event"] == "frame_failed"]
    assert [(log["camera_id"], log["step"]) for log in told] == [("a", "detect")], "repeats are coalesced"


def test_a_result_that_cannot_be_handed_on_is_not_analysed_and_tells_no_secret(bench: Callable[[str], Bench]) -> None:
    it = bench("a")

    def on_result(frame: Frame, detections: Detections) -> None:
        raise ConnectionError("redis://:hunter2@10.0.0.1")

    stage = it.stage(on_result=on_result)
    with capture_logs() as logs:
        stage.start()
        it.offer("a", 0)
        it.until_closed("a", 1)
    assert it.ledger.account("a").analysed == 0
    assert stage.metrics().errors == {"detect": 0, "result": 1}
    assert "ConnectionError" in str(logs)
    assert "hunter2" not in str(logs) + str(stage.health)


def test_a_dead_detector_stops_the_stage_and_says_so(bench: Callable[[str], Bench]) -> None:
    it = bench("a")

    def action(camera_id: str) -> None:
        raise RuntimeError("device lost")

    stage = it.stage(action, sessions=2, failure_limit=3)
    with capture_logs() as logs:
        stage.start()
        stage.check()
        for sequence in range(3):
            it.offer("a", sequence)
            it.until_closed("a", sequence + 1)
        it.until(lambda: stage.health.phase == "failed")
    with pytest.raises(DetectionFailedError, match=r"3 frames in a row failed.*device lost"):
        stage.check()
    assert [log["event"] for log in logs].count("detection_failed") == 1
    it.offer("a", 3)
    assert stage.stop(DEADLINE_S)
    it.source.close()
    assert it.ledger.account("a").dropped == {DropCause.DETECTOR_ERROR: 3, DropCause.SHUTDOWN: 1}


def test_stopping_lets_the_frame_in_hand_end(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    entered, release = threading.Event(), threading.Event()

    def action(camera_id: str) -> None:
        entered.set()
        assert release.wait(DEADLINE_S)

    stage = it.stage(action)
    assert stage.health.phase == "stopped"
    stage.start()
    it.offer("a", 0)
    assert entered.wait(DEADLINE_S)
    with capture_logs() as logs:
        assert not stage.stop(0.01)
    assert [log["event"] for log in logs] == ["detection_stop_timed_out"]
    release.set()
    assert stage.stop(DEADLINE_S)
    assert it.results == [("a", 0)]
    assert it.ledger.account("a").analysed == 1


def test_the_closed_source_ends_the_threads(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    stage = it.stage(sessions=3)
    stage.start()
    it.source.close()
    it.until(lambda: stage.health.phase == "stopped")


def test_nothing_runs_when_a_session_cannot_be_opened(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    opened = 0

    def opener() -> CameraDetectors:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise MemoryError("no room for a second session")
        return Scripted(lambda camera_id: None)

    stage = it.stage(opener=opener, sessions=2)
    with pytest.raises(MemoryError):
        stage.start()
    assert stage.health.phase == "stopped"


def test_waiting_is_measured_from_the_capture(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    stage = it.stage()
    stage.start()
    it.offer("a", 0)
    it.until(lambda: stage.metrics().analysed == 1)
    wait = stage.metrics().wait
    assert wait.sum_s == pytest.approx(0.5)
    assert wait.counts[wait.bounds_s.index(0.5)] == 1
    assert sum(stage.metrics().inference.counts) == 1


def test_more_sessions_take_part_and_fewer_end_their_frame(bench: Callable[[str], Bench]) -> None:
    it = bench("ab")
    entered, release = threading.Semaphore(0), threading.Event()

    def action(camera_id: str) -> None:
        entered.release()
        assert release.wait(DEADLINE_S)

    stage = it.stage(action)
    stage.start()
    it.offer("a", 0)
    it.offer("b", 0)
    assert entered.acquire(timeout=DEADLINE_S)
    stage.resize(2)
    assert entered.acquire(timeout=DEADLINE_S), "the second camera waits for no first"
    stage.resize(1)
    release.set()
    it.until_closed("a", 1)
    it.until_closed("b", 1)
    it.offer("a", 1)
    it.until_closed("a", 2)
    assert stage.metrics().sessions == 1
    assert stage.health.phase == "running"


def test_nothing_is_taken_while_it_rests(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    stage = it.stage()
    stage.start()
    with stage.at_rest():
        it.offer("a", 0)
        it.offer("a", 1)
        assert it.source.waiting() == 1
    it.until_closed("a", 2)
    assert it.results == [("a", 1)]


def test_how_long_frames_waited_is_told_for_the_last_while(bench: Callable[[str], Bench]) -> None:
    it = bench("a")
    stage = it.stage()
    stage.start()
    before = stage.metrics()
    assert before.wait.quantile_since(before.wait, 0.9) is None
    it.offer("a", 0)
    it.until(lambda: stage.metrics().analysed == 1)
    now = stage.metrics()
    assert now.wait.quantile_since(before.wait, 0.9) == 0.5
    assert now.busy_s > before.busy_s
