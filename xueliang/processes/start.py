"""How each process of a node begins: settings, JSON logs, and one plain line when it cannot start."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from configs.loader import SettingsFaults, load
from configs.schema import Settings
from xueliang import logs
from xueliang.preflight import CannotStart

MOST_FILES = 65_536


def arguments(name: str) -> argparse.ArgumentParser:
    """What every process takes."""
    parser = argparse.ArgumentParser(prog=f"xueliang {name}")
    parser.add_argument("--config", type=Path, required=True)
    return parser


def run(name: str, config: Path, body: Callable[[Settings], None]) -> int:
    """Run ``body`` with the settings of ``config``; returns the exit code. ``name`` stands in each line of its log.

    The last line on standard error is what the supervisor tells when the process ends early, so a reason to not start
    is one plain line and no traceback.
    """
    logs.configure(name)
    _open_as_many_files_as_allowed()
    try:
        body(load(config, os.environ))
    except (SettingsFaults, CannotStart) as error:
        sys.stderr.write(logs.redact(str(error)) + "\n")
        return 1
    return 0


def _open_as_many_files_as_allowed() -> None:
    """A thousand walls are a thousand sockets and more; the usual soft limit, 1024, is for programs that ``select``."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
