"""``xueliang doctor``: everything that must be so for a node to run on this machine, one line each.

Exit codes: 0 no fault (there may be warnings), 1 a fault, 2 the settings are wrong. Nothing is started, pulled or made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from configs.loader import SettingsFaults, load, load_text
from configs.schema import Settings
from xueliang.doctor import machine, software
from xueliang.doctor.finding import Check, Finding, Level, Node, examine, fault, ok


# The packages behind these are loaded by the check that asks them: one that is missing breaks that check alone.
def _look_at_folder(node: Node) -> list[Finding]:
    from xueliang.doctor import storage

    return storage.look_at_folder(node)


def _look_at_database(node: Node) -> list[Finding]:
    from xueliang.doctor import storage

    return storage.look_at_database(node)


def _look_at_redis(node: Node) -> list[Finding]:
    from xueliang.doctor import services

    return services.look_at_redis(node)


def _look_at_model(node: Node) -> list[Finding]:
    from xueliang.doctor import services

    return services.look_at_model(node)


def _look_at_port(node: Node) -> list[Finding]:
    from xueliang.doctor import services

    return services.look_at_port(node)


CHECKS = (
    Check("Python", software.look_at_python, of_settings=False),
    Check("packages", software.look_at_packages, of_settings=False),
    Check("native packages", software.look_at_native, of_settings=False),
    Check("wall", software.look_at_wall, of_settings=False),
    Check("clock", machine.look_at_clock, of_settings=False),
    Check("CPU", machine.look_at_cpu),
    Check("open files", machine.look_at_open_files),
    Check("state folder", _look_at_folder),
    Check("database", _look_at_database),
    Check("Redis", _look_at_redis),
    Check("model", _look_at_model),
    Check("port", _look_at_port),
    Check("tools for tests", machine.look_at_test_tools, of_settings=False),
)


def run(config: Path | None, environ: Mapping[str, str], *, as_json: bool, checks: Sequence[Check] = CHECKS) -> int:
    """Examine, print, and return the exit code. Without ``config``: the defaults, and what the environment sets."""
    bad_settings = False
    settings = Settings()
    try:
        settings = load(config, environ) if config is not None else load_text("", Path("(defaults)"), environ)
        first = [ok("settings", _described(config, settings))]
    except SettingsFaults as faults:
        bad_settings = True
        remedy = "correct it; xueliang check FILE tells the same" if config is not None else "correct the environment"
        first = [fault("settings", line, remedy) for line in faults.report()]
        checks = [check for check in checks if not check.of_settings]
    findings = [*first, *examine(checks, Node(settings, environ, Path.home()))]
    if as_json:
        told = {"config": None if config is None else str(config), "findings": [asdict(each) for each in findings]}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(report(findings)))
    if bad_settings:
        return 2
    return int(any(each.level is Level.FAULT for each in findings))


def report(findings: Sequence[Finding]) -> list[str]:
    """One line each, below it what to do, and last a line that sums up."""
    width = max(len(each.subject) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{each.level.value:<8} {each.subject:<{width}}  {each.text}")
        if each.action is not None:
            lines.append(f"{'':<{width + 11}}→ {each.action}")
    warnings = sum(each.level is Level.WARNING for each in findings)
    faults = sum(each.level is Level.FAULT for each in findings)
    verdict = "a node can run here" if not faults else "a node cannot run here as it should"
    return [*lines, f"{verdict}; faults: {faults}, warnings: {warnings}, looked at: {len(findings)}"]


def _described(config: Path | None, settings: Settings) -> str:
    if config is None:
        return "no --config: the defaults are looked at, with what the environment sets"
    return f"{config}: good: {len(settings.sites)} sites, {len(settings.cameras)} cameras"
