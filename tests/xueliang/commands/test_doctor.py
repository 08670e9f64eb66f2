"""``xueliang doctor`` as it is typed: every check runs on this machine, and nothing is left behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xueliang.cli import app
from xueliang.commands import doctor
from xueliang.doctor.finding import Check, Finding, Level, Node, ok, warning


def test_every_check_looks_and_none_changes_anything(tmp_path: Path) -> None:
    file = tmp_path / "node.yaml"
    file.write_text(f"state_dir: {tmp_path / 'state'}\nlisten: {{port: 0}}\nmodel: {{id: motion}}\n", "utf-8")
    result = CliRunner().invoke(app, ["doctor", "--config", str(file), "--json"])
    told = json.loads(result.stdout)
    findings = told["findings"]
    assert told["config"] == str(file)
    assert [each for each in findings if "broke" in each["text"]] == []
    assert {"settings", "Python", "av", "onnxruntime", "Redis", "database", "model", "port"} <= {
        each["subject"] for each in findings
    }
    assert all(each["level"] in ("ok", "warning", "fault") for each in findings)
    assert all(each["action"] for each in findings if each["level"] != "ok")
    faults = [each for each in findings if each["level"] == "fault"]
    assert result.exit_code == (1 if faults else 0)
    assert [each["subject"] for each in faults if each["subject"] != "wall"] == [], "only the wall may be unbuilt here"
    assert list(tmp_path.iterdir()) == [file]


def test_a_check_that_breaks_is_a_fault_by_name_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(_node: Node) -> Iterable[Finding]:
        raise ZeroDivisionError("redis://:secret@host")

    checks = (Check("first", breaks), Check("second", lambda _: [ok("second", "fine")]))
    assert doctor.run(None, {}, as_json=False, checks=checks) == 1
    shown = capsys.readouterr().out
    assert "fault    first     the check itself broke: ZeroDivisionError in test_doctor.py, line" in shown
    assert "ok       second    fine" in shown
    assert "secret" not in shown


def test_warnings_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    checks = (Check("clock", lambda _: [warning("clock", "alone", "apt-get install chrony")]),)
    assert doctor.run(None, {}, as_json=False, checks=checks) == 0
    shown = capsys.readouterr().out
    assert "→ apt-get install chrony" in shown
    assert "no --config" in shown


def test_bad_settings_are_all_told_and_what_needs_them_is_not_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "node.yaml"
    file.write_text("timezone: Nowhere/Land\nlisten: {port: 99999}\n", "utf-8")
    asked: list[str] = []

    def note(name: str) -> Check:
        def look(_node: Node) -> list[Finding]:
            asked.append(name)
            return []

        return Check(name, look, of_settings=name == "disk")

    assert doctor.run(file, {}, as_json=True, checks=(note("disk"), note("Python"))) == 2
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [each["level"] for each in findings] == [Level.FAULT, Level.FAULT]
    assert "timezone" in findings[0]["text"]
    assert asked == ["Python"]


def test_what_the_environment_sets_is_looked_at_too(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Node] = []

    def look(node: Node) -> list[Finding]:
        seen.append(node)
        return []

    environ = {**os.environ, "XUELIANG_LISTEN__PORT": "9000"}
    assert doctor.run(None, environ, as_json=False, checks=(Check("port", look),)) == 0
    assert seen[0].settings.listen.port == 9000
    assert doctor.run(None, {"XUELIANG_LISTEN__PORT": "x"}, as_json=False, checks=()) == 2
    assert "XUELIANG_LISTEN__PORT" in capsys.readouterr().out
