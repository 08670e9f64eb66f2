"""Rules that can never tell anything, zones that are none, and classes that nobody finds, each at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.loader import SettingsFaults, load_text
from configs.schema import ModelSettings
from xueliang.known_classes import known_classes

HEAD = """\
regions: [{id: h, name: h, level: county}]
sites: [{id: s, name: s, region: h, location: {lat: 31, lon: 118}}]
cameras:
  - id: C1
    site: s
    name: c
    main: {url: "rtsp://192.0.2.1/main"}
    zones:
      - {id: yard, name: y, polygon: [[0.1, 0.5], [0.9, 0.5], [0.9, 0.9]]}
      - {id: dot, name: d, polygon: [[0.5, 0.5], [0.504, 0.5], [0.502, 0.504]]}
      - {id: sky, name: k, polygon: [[0, 0], [1, 0], [1, 0.08], [0, 0.08]]}
      - {id: lane, name: l, polygon: [[0.1, 0.5], [0.9, 0.5], [0.9, 0.9]], area_m2: 40, way: [[0.1, 0.5], [0.9, 0.5]]}
    rules:
      - """
LINE = len(HEAD.splitlines())


def told(rule: str, more: str = "") -> list[str]:
    try:
        load_text(f"{HEAD}{{id: r, name: r, {rule}}}\n{more}", Path("x.yaml"), {}, known_classes)
    except SettingsFaults as faults:
        return [line.removeprefix(f"x.yaml:{LINE}: cameras[0].rules[0]") for line in faults.report()]
    return []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (
            "kind: intrusion, zone: yard, classes: [persn]",
            "finds nothing that it calls 'persn'; did you mean 'person'?",
        ),
        ("kind: intrusion, zone: yard, classes: [dragon]", "finds nothing that it calls 'dragon'"),
        ("kind: intrusion, zone: yard, classes: []", "it is about no class"),
        ("kind: intrusion, zone: yard, schedule: []", "it holds no time; left out, it watches always"),
        ("kind: intrusion, zone: yard, schedule: [{days: []}]", "it holds no time"),
        ("kind: intrusion, zone: yard, schedule: [{days: [holiday]}]", "no day is listed under holidays"),
        ("kind: intrusion, zone: dot", "smaller than the footprint of the smallest object that counts (0.02"),
        ("kind: loitering, zone: sky, min_height: 0.1", "no room for the smallest object that counts (0.1"),
        ("kind: wrong_way, zone: yard", "zone 'yard' has no way"),
        ("kind: crowding, zone: yard, density: 2", "zone 'yard' has no area_m2"),
        ("kind: crowding, zone: yard, limit: 2, plan: [{density: 2}]", "zone 'yard' has no area_m2"),
        ("kind: camera_offline, schedule: []", "it holds no time"),
        ("kind: camera_fault, faults: []", "it is about no fault"),
        ("kind: camera_fault, faults: [gone]", "Input should be 'frozen'"),
        ("kind: intrusion, zone: yard, schedule: [{hours: 8-18}]", "want hours as HH:MM-HH:MM"),
    ],
)
def test_a_rule_that_can_never_tell_anything_is_named_at_its_line(rule: str, fault: str) -> None:
    lines = told(rule)
    assert len(lines) == 1, lines
    assert fault in lines[0]


@pytest.mark.parametrize(
    "rule",
    [
        "kind: intrusion, zone: yard, classes: [person, dog], schedule: [{days: [sat, holiday]}]",
        "kind: wrong_way, zone: lane",
        "kind: crowding, zone: lane, density: 2",
        "kind: loitering, zone: sky, min_height: 0.05",
    ],
)
def test_what_can_tell_something_is_good(rule: str) -> None:
    assert told(rule) == []


def test_holidays_make_a_schedule_of_holidays_good() -> None:
    rule = "kind: intrusion, zone: yard, schedule: [{days: [holiday]}]"
    assert told(rule, "holidays: [2026-10-01]\n") == []


@pytest.mark.parametrize(
    ("polygon", "fault"),
    [
        ("[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]", "sides 1 and 3 cross"),
        ("[[0.1, 0.1], [1.2, 0.1], [0.9, 0.9]]", "1.2 lies outside the picture, which goes from 0 to 1"),
    ],
)
def test_zones_that_cross_themselves_or_leave_the_picture_are_named(polygon: str, fault: str) -> None:
    text = HEAD.replace("[[0.1, 0.5], [0.9, 0.5], [0.9, 0.9]]}", f"{polygon}}}", 1).replace("    rules:\n      - ", "")
    with pytest.raises(SettingsFaults) as caught:
        load_text(text, Path("x.yaml"), {})
    assert fault in str(caught.value)
    assert ":9: cameras[0].zones[0].polygon" in str(caught.value)


def test_an_unknown_model_is_taken_to_find_what_ours_find(tmp_path: Path) -> None:
    assert "zebra" in known_classes(ModelSettings(id="theirs", store=tmp_path))
    assert "zebra" not in known_classes(ModelSettings(id="xueliang_scenes", store=tmp_path))
