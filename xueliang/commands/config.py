"""``xueliang config``: the revisions of a node's settings, from the command line.

Exit codes: 0 done, 1 it could not be done and one line says why, 2 the settings are wrong.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alerts.storage.database import open_engine
from alerts.storage.revisions import Outdated, RevisionStore
from configs.loader import SettingsFaults, load
from configs.revision import as_yaml, imported
from configs.schema import Settings
from xueliang.known_classes import known_classes
from xueliang.preflight import CannotStart
from xueliang.processes.storage import opening
from xueliang.revised import import_file
from xueliang.surroundings import database_url

app = typer.Typer(no_args_is_help=True, help="Settings: apply a file, list the revisions, export the newest.")

Config = Annotated[Path, typer.Option("--config", metavar="FILE", help="Settings file that the node is started with.")]


@app.command("apply")
def apply(
    config: Config,
    why: Annotated[str, typer.Option("--why", help="Stands in the list of revisions.")] = "",
) -> None:
    """Make the file the newest revision; a running node follows within seconds, what it touches alone."""
    with _store(config) as (store, _):
        tree = imported(config.read_text("utf-8"), config.parent)
        newest = store.last()
        if newest is not None and newest.tree == tree:
            typer.echo(f"revision {newest.number} says the same already")
            return
        try:
            made = import_file(store, tree, why or config.name)
        except Outdated as error:
            typer.echo(f"xueliang config apply: {error}: try again", err=True)
            raise typer.Exit(1) from None
        typer.echo(f"revision {made.number}")


@app.command("list")
def show(
    config: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")] = False,
) -> None:
    """The newest revisions: who made them, when and why."""
    with _store(config) as (store, settings):
        notes = store.notes()
        if as_json:
            rows = [{"number": each.number, "at": each.at, "by": each.by_name, "why": each.why} for each in notes]
            typer.echo(json.dumps({"revisions": rows}, ensure_ascii=False))
            return
        for each in notes:
            at = datetime.fromtimestamp(each.at, ZoneInfo(settings.timezone)).isoformat(" ", "seconds")
            typer.echo(f"{each.number:>5}  {at}  {each.by_name:<12} {each.kind:<8} {each.why}")


@app.command("export")
def export(config: Config) -> None:
    """Print the newest revision as YAML; no password stands in it."""
    with _store(config) as (store, _):
        newest = store.last()
        if newest is None:
            typer.echo("xueliang config export: the node has no revision yet: start it once", err=True)
            raise typer.Exit(1)
        typer.echo(as_yaml(newest.tree, f"Revision {newest.number}."), nl=False)


@contextmanager
def _store(config: Path) -> Iterator[tuple[RevisionStore, Settings]]:
    try:
        settings = load(config, os.environ, known_classes)
        engine = open_engine(database_url(settings))
        try:
            with opening(settings):
                settings.state_dir.mkdir(parents=True, exist_ok=True)
                store = RevisionStore(engine)
                store.migrate()
                yield store, settings
        finally:
            engine.dispose()
    except SettingsFaults as faults:
        typer.echo(str(faults), err=True)
        raise typer.Exit(2) from None
    except CannotStart as error:
        typer.echo(f"xueliang config: {error}", err=True)
        raise typer.Exit(1) from None
