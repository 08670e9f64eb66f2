"""What the demo watches for is what happens in its scenes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from alerts.rules.geometry import crossing, inside
from configs.schema import CrowdingRule, IntrusionRule, Line, LineCrossingRule, ObjectRule, Zone
from ingest.simulator.source import SceneSource, scenes
from xueliang.demo.scenes import watch

Feet = dict[int, tuple[float, float]]


def feet(source: SceneSource, rule: ObjectRule) -> list[Feet]:
    """Where those stand that the rule is about, four times a second through one turn."""
    scene = source.scene(Fraction(4))
    return [
        {
            one.id: ((one.box[0] + one.box[2]) / 2, one.box[3])
            for one, share in scene.seen(index)
            if one.label in rule.classes and one.id > 0 and share > 0.5
        }
        for index in range(scene.frame_count)
    ]


def happens(rule: ObjectRule, place: Zone | Line, seen: list[Feet]) -> int:
    """How many moments of the turn complete the rule."""
    if isinstance(place, Line):
        steps = [(before[who], after[who]) for before, after in pairwise(seen) for who in before.keys() & after.keys()]
        return sum(crossing(start, end, place.a, place.b) != 0 for start, end in steps)
    limit = (rule.limit or 1) if isinstance(rule, CrowdingRule) else 1
    return sum(sum(inside(foot, place.polygon) for foot in now.values()) >= limit for now in seen)


@pytest.mark.parametrize("source", scenes(9), ids=lambda source: source.title)
def test_each_scene_meets_its_rule_in_every_turn(source: SceneSource) -> None:
    source = replace(source, width=320, height=180)  # the same scene, drawn quickly
    rule, zones, lines = watch(source)
    assert isinstance(rule, IntrusionRule | CrowdingRule | LineCrossingRule)
    place = zones[0] if zones else lines[0]
    moments = happens(rule, place, feet(source, rule))
    assert moments >= (1 if lines else 8)  # two seconds of a zone
