"""Every rule of the settings runs, and every word of a rule is a word of an event."""

from __future__ import annotations

from datetime import UTC
from typing import get_args

import pytest
from pydantic import TypeAdapter

from alerts.event import EventKind
from alerts.rules.base import StateRule
from alerts.rules.registry import build
from configs.rules import FaultWord, Rule
from configs.schedule import Calendar
from configs.schema import Camera
from ingest.state import Fault

CAMERA = Camera.model_validate(
    {
        "id": "c",
        "site": "s",
        "name": "n",
        "main": {"url": "rtsp://127.0.0.1/main"},
        "zones": [{"id": "z", "name": "z", "polygon": [(0, 0), (1, 0), (1, 1)], "way": [(0, 0), (1, 0)]}],
        "lines": [{"id": "l", "name": "l", "a": (0, 0), "b": (1, 1)}],
    }
)
RULES: dict[str, dict[str, object]] = {
    "intrusion": {"zone": "z"},
    "line_crossing": {"line": "l"},
    "crowding": {"zone": "z", "limit": 2},
    "loitering": {"zone": "z"},
    "unattended": {"zone": "z"},
    "wrong_way": {"zone": "z"},
    "stopped_vehicle": {"zone": "z"},
    "camera_offline": {},
    "camera_fault": {"faults": ["dark"]},
}
ALWAYS: list[dict[str, object]] = [{}]
CALENDAR = Calendar(UTC)
parse = TypeAdapter[Rule](Rule).validate_python


def test_the_table_here_knows_every_kind() -> None:
    classes = get_args(get_args(Rule)[0])
    kinds = {get_args(one.model_fields["kind"].annotation)[0] for one in classes}
    assert kinds == set(get_args(EventKind)) == set(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_every_kind_is_built(kind: str) -> None:
    for schedule in (None, ALWAYS):
        rule = parse({"id": "r", "name": "n", "kind": kind, "schedule": schedule, **RULES[kind]})
        assert isinstance(build(rule, CAMERA, CALENDAR), StateRule) is kind.startswith("camera_")


def test_the_settings_know_every_word_of_a_fault() -> None:
    assert set(get_args(FaultWord)) == set(Fault)


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, next(iter(fields))) for kind, fields in RULES.items() if {"zone", "line"} & fields.keys()],
)
def test_a_place_that_is_not_drawn_is_named(kind: str, place: str) -> None:
    rule = parse({"id": "r7", "name": "n", "kind": kind, **RULES[kind], place: "elsewhere"})
    with pytest.raises(ValueError, match=f"camera c, rule r7: no {place} 'elsewhere'"):
        build(rule, CAMERA, CALENDAR)
