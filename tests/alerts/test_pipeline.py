"""A camera's rules together: from tracks and states to candidates."""

from __future__ import annotations

from datetime import UTC
from itertools import count

import numpy as np
import pytest

from alerts.pipeline import CameraRules
from configs.schedule import Calendar
from configs.schema import Camera
from detect.detection import Tracks
from ingest.state import Fault, Phase, StreamState

CAMERA = Camera.model_validate(
    {
        "id": "gate-1",
        "site": "gate",
        "name": "大门",
        "main": {"url": "rtsp://127.0.0.1/main"},
        "zones": [{"id": "yard", "name": "院内", "polygon": [(0, 0.5), (1, 0.5), (1, 1), (0, 1)]}],
        "lines": [{"id": "yard", "name": "门线", "a": (0, 0.5), "b": (1, 0.5)}],
        "rules": [
            {"id": "in", "name": "入侵", "kind": "intrusion", "zone": "yard", "severity": "high", "rearm_s": 45},
            {"id": "over", "name": "越线", "kind": "line_crossing", "line": "yard"},
            {"id": "off", "name": "离线", "kind": "camera_offline", "after_s": 5},
        ],
    }
)


def rules(camera: Camera = CAMERA) -> CameraRules:
    numbers = count()
    return CameraRules(
        camera,
        region_id="village-1",
        calendar=Calendar(UTC),
        model_id="m1",
        new_id=lambda: f"id{next(numbers)}",
        clock=lambda: 999.0,
    )


def tracks(at: float, y: float, camera_id: str = "gate-1") -> Tracks:
    box = np.array([[0.4, y - 0.2, 0.5, y]], np.float32)
    return Tracks(camera_id, at, at, np.array([7]), box, np.array([0.8], np.float32), ("person",))


def test_a_walk_becomes_events_with_everything_a_page_needs() -> None:
    running = rules()
    found = [candidate for second, y in enumerate((0.4, 0.6, 0.65)) for candidate in running.observe(tracks(second, y))]
    over, entered = found
    assert (over.dedup_key, over.window_s, over.event.direction) == ("gate-1:over:forward", 30.0, "forward")
    assert (entered.dedup_key, entered.window_s) == ("gate-1:in", 45.0)
    event = entered.event
    assert (event.id, event.kind, event.severity, event.rule_name) == ("id1", "intrusion", "high", "入侵")
    assert (event.camera_id, event.site_id, event.region_id) == ("gate-1", "gate", "village-1")
    assert (event.place_id, event.place_name, event.model_id) == ("yard", "院内", "m1")
    assert (event.occurred_at, event.detected_at) == (2.0, 999.0)
    assert [(seen.track_id, seen.label) for seen in event.objects] == [(7, "person")]
    assert running.alarmed == {7}
    # A zone and a line may bear the same id: the picture shows the rule's own.
    assert (running.place(event), running.place(over.event)) == (CAMERA.zones[0], CAMERA.lines[0])


def test_an_outage_becomes_an_event_without_place_or_model() -> None:
    running = rules()
    state = StreamState("gate-1", "sub", Phase.OFFLINE, Fault.UNREACHABLE, 100.0, 100.0, 3, "", last_picture_at=98.0)
    assert running.observe_state(state, 102.9) == []
    (candidate,) = running.observe_state(state, 103.0)
    event = candidate.event
    assert (event.kind, event.fault, event.occurred_at, event.measured) == ("camera_offline", "unreachable", 98.0, 5.0)
    assert (event.place_id, event.model_id, event.objects, running.place(event)) == (None, None, (), None)
    assert candidate.dedup_key == "gate-1:off"


def test_a_restarted_worker_finds_the_same_window() -> None:
    keys = []
    for _ in range(2):
        running = rules()
        found = [c for second in range(3) for c in running.observe(tracks(second, 0.6))]
        keys.append([candidate.dedup_key for candidate in found])
    assert keys[0] == keys[1] == ["gate-1:in"]


def test_neighbours_of_one_site_share_a_happening_by_configuration() -> None:
    entrance = CAMERA.rules[0].model_copy(update={"shared": "entrance"})
    cameras = [
        CAMERA.model_copy(update={"id": name, "site": site, "rules": (entrance.model_copy(update={"id": rule}),)})
        for name, site, rule in (("gate-1", "gate", "in"), ("gate-2", "gate", "inside"), ("far", "square", "in"))
    ]
    keys = []
    for camera in cameras:
        running = rules(camera)
        (candidate,) = [c for second in range(3) for c in running.observe(tracks(second, 0.6, camera.id))]
        assert set(running.ongoing) == {candidate.dedup_key}
        keys.append(candidate.dedup_key)
    assert keys == ["@gate:entrance", "@gate:entrance", "@square:entrance"]


def test_tracks_of_another_camera_are_refused() -> None:
    with pytest.raises(ValueError, match="tracks of camera other given to the rules of gate-1"):
        rules().observe(tracks(0, 0.5, "other"))


def test_a_rule_over_nothing_is_refused_at_the_start() -> None:
    broken = CAMERA.model_copy(update={"zones": ()})
    with pytest.raises(ValueError, match="rule in: no zone 'yard'"):
        CameraRules(broken, region_id="r", calendar=Calendar(UTC), model_id=None, new_id=str, clock=float)


def test_rules_that_count_tell_how_many_and_others_nothing() -> None:
    crowd = {"id": "crowd", "name": "聚集", "kind": "crowding", "zone": "yard", "limit": 9}
    running = rules(Camera.model_validate({**CAMERA.model_dump(), "rules": [*CAMERA.model_dump()["rules"], crowd]}))
    assert running.numbers_inside == {"crowd": 0}
    running.observe(tracks(0.0, 0.6))
    assert running.numbers_inside == {"crowd": 1}
