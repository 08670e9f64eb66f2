"""Every rule of the settings runs, and every word of a rule is a word of an event."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter

from alerts.event import EventKind
from alerts.rules.base import StateRule
from alerts.rules.registry import build
from configs.schema import Camera, CrowdingRule, IntrusionRule, LineCrossingRule, OfflineRule, Rule

CAMERA = Camera.model_validate(
    {
        "id": "c",
        "site": "s",
        "name": "n",
        "main": {"url": "rtsp://127.0.0.1/main"},
        "zones": [{"id": "z", "name": "z", "polygon": [(0, 0), (1, 0), (1, 1)]}],
        "lines": [{"id": "l", "name": "l", "a": (0, 0), "b": (1, 1)}],
    }
)
RULES: dict[str, dict[str, object]] = {
    "intrusion": {"zone": "z"},
    "line_crossing": {"line": "l"},
    "crowding": {"zone": "z", "limit": 2},
    "camera_offline": {},
}
parse = TypeAdapter[IntrusionRule | LineCrossingRule | CrowdingRule | OfflineRule](Rule).validate_python


def test_the_table_here_knows_every_kind() -> None:
    classes = get_args(get_args(Rule)[0])
    kinds = {get_args(one.model_fields["kind"].annotation)[0] for one in classes}
    assert kinds == set(get_args(EventKind)) == set(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_every_kind_is_built(kind: str) -> None:
    running = build(parse({"id": "r", "name": "n", "kind": kind, **RULES[kind]}), CAMERA)
    assert isinstance(running, StateRule) is (kind == "camera_offline")


@pytest.mark.parametrize(("kind", "place"), [("intrusion", "zone"), ("line_crossing", "line"), ("crowding", "zone")])
def test_a_place_that_is_not_drawn_is_named(kind: str, place: str) -> None:
    rule = parse({"id": "r7", "name": "n", "kind": kind, **RULES[kind], place: "elsewhere"})
    with pytest.raises(ValueError, match=f"camera c, rule r7: no {place} 'elsewhere'"):
        build(rule, CAMERA)
