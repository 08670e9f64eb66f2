"""Camera offline: outages by the states of a stream."""

from __future__ import annotations

import pytest

from alerts.rules.offline import CameraOffline
from configs.schema import OfflineRule
from ingest.state import Fault, Phase, StreamState


def offline(after_s: float = 10.0) -> CameraOffline:
    rule = {"id": "r", "name": "n", "kind": "camera_offline", "after_s": after_s}
    return CameraOffline(OfflineRule.model_validate(rule))


def state(phase: Phase, since: float, fault: Fault | None = None, last_picture_at: float | None = None) -> StreamState:
    return StreamState("gate-1", "sub", phase, fault, since, since, 1, "", last_picture_at=last_picture_at)


def test_an_outage_counts_from_the_last_picture_through_all_phases() -> None:
    rule = offline()
    assert rule.observe_state(state(Phase.LIVE, 0, last_picture_at=100.0), 100.0) == []
    assert rule.observe_state(state(Phase.STALE, 102, Fault.FROZEN, 100.0), 102.0) == []
    assert rule.observe_state(state(Phase.CONNECTING, 105, None, 100.0), 105.0) == []
    (finding,) = rule.observe_state(state(Phase.OFFLINE, 108, Fault.UNREACHABLE, 100.0), 110.5)
    assert (finding.occurred_at, finding.measured, finding.limit, finding.unit) == (100.0, 10.5, 10.0, "s")
    assert finding.fault == "unreachable"
    assert rule.observe_state(state(Phase.OFFLINE, 108, Fault.UNREACHABLE, 100.0), 200.0) == [], "one an outage"


def test_a_camera_that_never_showed_a_picture_is_offline_too() -> None:
    rule = offline()
    assert rule.observe_state(state(Phase.CONNECTING, 50), 50.0) == []
    assert rule.observe_state(state(Phase.OFFLINE, 55, Fault.UNREACHABLE), 59.0) == []
    (finding,) = rule.observe_state(state(Phase.CONNECTING, 59), 60.0)
    assert (finding.occurred_at, finding.fault) == (50.0, None)


@pytest.mark.parametrize(("back_at", "findings"), [(105.0, 0), (115.0, 1)])
def test_a_picture_ends_the_outage_and_arms_the_rule(back_at: float, findings: int) -> None:
    rule = offline()
    lost = state(Phase.OFFLINE, 100, Fault.UNREACHABLE, 100.0)
    got = [f for now in range(100, int(back_at)) for f in rule.observe_state(lost, float(now))]
    assert len(got) == findings
    rule.observe_state(state(Phase.LIVE, back_at, last_picture_at=back_at), back_at)
    again = state(Phase.REFUSED, 200, Fault.REFUSED, 200.0)
    assert rule.observe_state(again, 209.0) == []
    assert [f.fault for f in rule.observe_state(again, 210.0)] == ["refused"]
