"""The product's command line. A command imports what it needs when it runs: ``--help`` and completion load nothing.

Exit codes of every command: 0 done, 1 it could not be done and one line says why, 2 the command or the settings are
wrong.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

GROUPS = {
    "config": "Settings: apply a file, list the revisions, export the newest.",
    "cameras": "Cameras: open their streams and say what is wrong with them (probe).",
    "models": "Detectors on this machine: list, pull, import without a network, export, verify.",
    "rules": "Rules: try them on a recorded clip (test).",
    "simulate": "Simulated RTSP cameras with scenes, clips and faults.",
    "accounts": "People who may log in: add, list, disable, change a password.",
}
"""Modules of :mod:`xueliang.commands` with a Typer ``app`` of several commands each."""

app = typer.Typer(
    name="xueliang",
    help="Video analytics and command centre: objects and events, never identities.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="Settings file (YAML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"xueliang {version('xueliang')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Settings file (YAML).")],
    as_json: AsJson = False,
) -> None:
    """Tell every fault of a settings file at once; exit code 2 where there is one."""
    from configs.loader import SettingsFaults, load
    from xueliang.known_classes import known_classes

    try:
        settings = load(file, os.environ, known_classes)
    except SettingsFaults as faults:
        if as_json:
            rows = [{"line": fault.line, "path": fault.path, "message": fault.message} for fault in faults.faults]
            typer.echo(json.dumps({"faults": rows}, ensure_ascii=False))
        else:
            typer.echo(str(faults), err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"faults": []}))
    else:
        typer.echo(f"{file}: good: {len(settings.sites)} sites, {len(settings.cameras)} cameras")


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings file (YAML); default: the defaults.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything that must be so for a node to run on this machine, and say what to do."""
    from xueliang.commands import doctor as command

    raise typer.Exit(command.run(config, os.environ, as_json=as_json))


@app.command()
def up(config: Config, as_json: AsJson = False) -> None:
    """Run a node in the foreground: worker, historian, dashboard and, unless REDIS_URL is set, a Redis server."""
    with _told_in_one_line():
        from xueliang import logs
        from xueliang.commands import up as command

        logs.configure("supervisor")
        command.run(config, as_json=as_json)


@app.command()
def demo() -> None:
    """Run the whole system on simulated cameras; PORT, STATE_DIR and VIDEO change it."""
    with _told_in_one_line():
        from xueliang.commands import demo as command

        command.run(os.environ)


@contextmanager
def _told_in_one_line() -> Iterator[None]:
    """What stands in the way of a start is one line and exit code 1; faults in settings are listed, exit code 2."""
    from configs.loader import SettingsFaults
    from xueliang.preflight import CannotStart

    try:
        yield
    except SettingsFaults as faults:
        typer.echo(str(faults), err=True)
        raise typer.Exit(2) from None
    except CannotStart as error:
        typer.echo(f"xueliang: {error}", err=True)
        raise typer.Exit(1) from None


def mount(words: Sequence[str]) -> None:
    """Put the groups under the command; the one that ``words`` name is loaded, the others only show their line.

    Loading them all would bring FFmpeg, OpenCV and ONNX Runtime into every ``--help``.
    """
    named = next((word for word in words if not word.startswith("-")), None)
    for name, text in GROUPS.items():
        group = import_module(f"xueliang.commands.{name}").app if name == named else typer.Typer(help=text)
        app.add_typer(group, name=name, help=text)


def typed_words(argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The words after the program's name: typed, or, during completion, those that the shell says stand there."""
    if "_XUELIANG_COMPLETE" not in environ:
        return list(argv)
    # bash tells them in COMP_WORDS, zsh, fish and PowerShell in _TYPER_COMPLETE_ARGS (typer/_completion_classes.py).
    return (environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS", "")).split()[1:]


def main() -> None:
    """The entry point."""
    mount(typed_words(sys.argv[1:], os.environ))
    app(prog_name="xueliang")


if __name__ == "__main__":
    main()
