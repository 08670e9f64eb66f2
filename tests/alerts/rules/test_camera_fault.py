"""Camera faults: words of a stream's state, told by when they are found."""

from __future__ import annotations

import pytest

from alerts.rules.base import Ongoing
from alerts.rules.camera_fault import CameraFault
from configs.rules import CameraFaultRule
from ingest.state import Fault, Phase, StreamState


def rule(**fields: object) -> CameraFault:
    base = {"id": "r", "name": "n", "kind": "camera_fault", "faults": ["dark", "moved"], "after_s": 3, "clear_s": 2}
    return CameraFault(CameraFaultRule.model_validate({**base, **fields}))


def state(fault: Fault | None, since: float) -> StreamState:
    return StreamState("gate-1", "sub", Phase.LIVE, fault, since, since, 1, "")


WORDS = {"d": Fault.DARK, "m": Fault.MOVED, "l": Fault.LOSSY, "-": None}


@pytest.mark.parametrize(
    ("told", "found", "reason"),
    [
        ("dddddd", [(3, "dark")], "after its time, once"),
        ("llllll", [], "a fault that is not listed"),
        ("dd----dd", [], "over in time"),
        ("d-dd", [(3, "dark")], "a second without it does not end it"),
        ("dddd---dddd", [(3, "dark"), (10, "dark")], "over for longer: armed again"),
        ("ddddmmmmm", [(3, "dark"), (7, "moved")], "each word is a happening of its own"),
    ],
)
def test_a_fault_is_found_once_and_in_time(told: str, found: list[tuple[int, str]], reason: str) -> None:
    running, since, got = rule(), 0, []
    for second, word in enumerate(told):
        if second and told[second - 1] != word:
            since = second
        for finding in running.observe_state(state(WORDS[word], float(since)), float(second)):
            got.append((second, finding.fault))
            assert finding.key == (finding.fault,)
    assert got == found, reason


def test_the_finding_begins_with_the_fault() -> None:
    running = rule()
    assert running.observe_state(state(Fault.DARK, 100.0), 101.0) == []
    (finding,) = running.observe_state(state(Fault.DARK, 100.0), 104.0)
    assert (finding.occurred_at, finding.measured, finding.limit, finding.unit) == (100.0, 4.0, 3.0, "s")
    assert running.ongoing == (Ongoing(("dark",), 4.0, frozenset()),)
