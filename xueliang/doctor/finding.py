"""What the doctor finds, and how its checks are run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from configs.schema import Settings


class Level(StrEnum):
    """``fault``: a node does not run, or loses what it should keep. ``warning``: it runs, less well than it could."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``action``: what to do, a command where one helps. Holds no secret and no URL."""

    level: Level
    subject: str
    text: str
    action: str | None = None


def ok(subject: str, text: str, action: str | None = None) -> Finding:
    """Nothing to do; an action only says how to have more."""
    return Finding(Level.OK, subject, text, action)


def warning(subject: str, text: str, action: str) -> Finding:
    """See :class:`Level`."""
    return Finding(Level.WARNING, subject, text, action)


def fault(subject: str, text: str, action: str) -> Finding:
    """See :class:`Level`."""
    return Finding(Level.FAULT, subject, text, action)


@dataclass(frozen=True, slots=True)
class Node:
    """What is examined: a node of these settings, for this account on this machine."""

    settings: Settings
    environ: Mapping[str, str]
    home: Path


@dataclass(frozen=True, slots=True)
class Check:
    """``look`` gathers facts and judges them. ``of_settings``: it asks the settings, and is idle while they are bad."""

    subject: str
    look: Callable[[Node], Iterable[Finding]]
    of_settings: bool = True


def examine(checks: Iterable[Check], node: Node) -> list[Finding]:
    """The findings of all checks, in order. A check that breaks is a fault under its name, never a silence."""
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check.look(node)
        except Exception as error:  # noqa: BLE001  # the supervisor of the checks: told by name and place, goes on
            # Not the error's own text: a library's may hold an address with its password.
            last = traceback.extract_tb(error.__traceback__)[-1]
            text = f"the check itself broke: {type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
            findings.append(fault(check.subject, text, "report this line; the other findings stand"))
    return findings
