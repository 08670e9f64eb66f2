"""A camera that is away for a night fills no log."""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from ingest.rtsp.failures import FailureLog
from ingest.state import Fault


def test_the_same_failure_is_said_at_powers_of_two_and_recovery_once() -> None:
    with capture_logs() as lines:
        log = FailureLog(structlog.get_logger())
        log.picture()
        for _ in range(1000):
            log.failed(Fault.UNREACHABLE, "nothing listens", 3.0, settled=False)
        log.failed(Fault.REFUSED, "401", 600.0, settled=False)
        log.picture()
        log.picture()
    said = [(line["event"], line["attempts"]) for line in lines]
    failed = [("ingest.session_failed", 2**power) for power in range(10)]
    assert said == [*failed, ("ingest.session_failed", 1), ("ingest.session_recovered", 1001)]
    assert {line["log_level"] for line in lines[:-1]} == {"warning"}


def test_a_flapping_camera_is_one_failure_and_a_settled_session_ends_it() -> None:
    with capture_logs() as lines:
        log = FailureLog(structlog.get_logger())
        for _ in range(8):
            log.failed(Fault.FLAPPING, "camera breaks the connection", 1.0, settled=False)
            log.picture()
        log.failed(Fault.FLAPPING, "camera breaks the connection", 1.0, settled=True)
    failed = [line["attempts"] for line in lines if line["event"] == "ingest.session_failed"]
    assert failed == [1, 2, 4, 8, 1]
