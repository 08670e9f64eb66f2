"""docs/rules.md says what is so: every kind has its section, picture, settings, and an example that loads and finds."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML

from alerts.event import EventKind
from configs.loader import load_text
from configs.rules import ObjectRule, Rule, RuleBase
from xueliang.known_classes import known_classes

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "rules.md").read_text("utf-8")
KINDS = {get_args(one.model_fields["kind"].annotation)[0]: one for one in get_args(get_args(Rule)[0])}
SECTIONS = {kind: part for part in TEXT.split("\n## ") for kind in KINDS if f"(`{kind}`)" in part.split("\n")[0]}
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
NODE = """\
regions: [{id: h, name: h, level: county}]
sites: [{id: s, name: s, region: h, location: {lat: 31, lon: 118}}]
holidays: [2026-10-01]
cameras:
"""


def test_every_kind_of_event_has_its_section_and_example() -> None:
    assert set(SECTIONS) == set(KINDS) == set(get_args(EventKind))
    assert [kind for kind, part in SECTIONS.items() if f"kind: {kind}" not in part] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str) -> None:
    camera: dict[str, Any] = {"id": "C", "site": "s", "name": "c", "main": {"url": "rtsp://192.0.2.1/main"}}
    camera |= YAML(typ="safe", pure=True).load(example)
    out = StringIO()
    YAML().dump([camera], out)
    load_text(NODE + "".join(f"  {line}\n" for line in out.getvalue().splitlines()), Path("x.yaml"), {}, known_classes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_named(kind: str) -> None:
    common = {*RuleBase.model_fields, *ObjectRule.model_fields, "kind"}
    own = [name for name in KINDS[kind].model_fields if name not in common]
    assert [name for name in own if f"`{name}`" not in SECTIONS[kind]] == []
    general = TEXT.split("\n## ")[1]
    assert [name for name in common - {"kind"} if f"`{name}`" not in general] == []


def test_the_commented_defaults_name_every_setting_of_a_rule() -> None:
    text = (ROOT / "configs" / "default.yaml").read_text("utf-8")
    names = {name for rule in KINDS.values() for name in rule.model_fields}
    assert [name for name in sorted(names) if f"{name}:" not in text and f"{name} " not in text] == []


def test_pictures_are_there_and_small() -> None:
    named = re.findall(r"!\[[^\]]+\]\((rules/\w+\.jpg)\)", TEXT)
    assert len(named) == 8
    assert [name for name in named if not 0 < (ROOT / "docs" / name).stat().st_size < 40_000] == []
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
