"""``xueliang accounts`` as an administrator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xueliang.commands.accounts import app

SETTINGS = """
regions:
  - {id: county, name: 县, level: county}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEW_PASSWORD", "a long password")
    file = tmp_path / "node.yaml"
    file.write_text(SETTINGS + f"state_dir: {tmp_path / 'state'}\n", "utf-8")
    return str(file)


def test_an_account_from_add_to_disable(config: str) -> None:
    run = CliRunner()
    add = [
        "add",
        "ann",
        "--config",
        config,
        "--role",
        "operator",
        "--region",
        "county",
        "--password-env",
        "NEW_PASSWORD",
    ]
    added = run.invoke(app, add)
    assert added.exit_code == 0, added.output
    assert "long password" not in added.output
    again = run.invoke(app, add)
    assert (again.exit_code, "already exists" in again.output or "exists already" in again.output) == (1, True)
    asked = run.invoke(app, ["passwd", "ann", "--config", config], input="another password\nanother password\n")
    assert asked.exit_code == 0, asked.output
    run.invoke(app, ["disable", "ann", "--config", config])
    listed = json.loads(run.invoke(app, ["list", "--config", config, "--json"]).output)
    assert listed == [
        {"username": "ann", "display_name": "ann", "role": "operator", "regions": ["county"], "disabled": True}
    ]


def test_what_is_wrong_is_one_line(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = CliRunner()
    base = ["add", "bob", "--config", config, "--role", "operator"]
    assert "no region nowhere" in run.invoke(app, [*base, "--region", "nowhere"]).output
    assert run.invoke(app, [*base, "--password-env", "UNSET"]).exit_code == 2
    monkeypatch.setenv("NEW_PASSWORD", "short")
    short = run.invoke(app, [*base, "--password-env", "NEW_PASSWORD"])
    assert (short.exit_code, "at least 10" in short.output) == (1, True)
    unknown = run.invoke(app, ["disable", "carol", "--config", config])
    assert (unknown.exit_code, "carol" in unknown.output) == (1, True)
