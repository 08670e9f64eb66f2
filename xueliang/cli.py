"""The product's command line. Commands import what they need when they run: ``--help`` loads no model code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from configs.loader import SettingsFaults, load
from xueliang import logs
from xueliang.preflight import CannotStart

app = typer.Typer(
    name="xueliang",
    help="Video analytics and command centre: objects and events, never identities.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Option("--config", help="Settings file (YAML).")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Settings file (YAML).")],
    as_json: AsJson = False,
) -> None:
    """Tell every fault of a settings file at once; exit code 2 where there is one."""
    try:
        settings = load(file, os.environ)
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
def up(config: Config, as_json: AsJson = False) -> None:
    """Run a node in the foreground: worker, historian, dashboard and, unless REDIS_URL is set, a Redis server."""
    from xueliang.commands import up as command

    logs.configure("supervisor")
    command.run(config, as_json=as_json)


@app.command()
def demo() -> None:
    """Run the whole system on simulated cameras; PORT, STATE_DIR and VIDEO change it."""
    from xueliang.commands import demo as command

    command.run(os.environ)


def _mount(argv: list[str]) -> None:
    # Each group is mounted only when it is called for, or for help: models and simulate load pixels.
    groups = {
        "simulate": "Simulated RTSP cameras with scenes, clips and faults.",
        "models": "The store of detectors: list, pull, import, verify.",
        "accounts": "People who may log in.",
    }
    wanted = next((word for word in argv if not word.startswith("-")), None)
    for name, text in groups.items():
        if wanted == name:
            from importlib import import_module

            app.add_typer(import_module(f"xueliang.commands.{name}").app, name=name, help=text)
        else:
            app.add_typer(typer.Typer(help=text), name=name, help=text)


def main() -> None:
    """The entry point; one line and exit code 1 for what stands in the way of a start, 2 for faults in settings."""
    _mount(sys.argv[1:])
    try:
        app()
    except SettingsFaults as faults:
        typer.echo(str(faults), err=True)
        sys.exit(2)
    except CannotStart as error:
        typer.echo(f"xueliang: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
