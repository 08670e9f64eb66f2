"""``xueliang models``: list, pull, import and verify model files.

Exit codes: 0 done, 1 a model is missing or wrong, 2 the command itself is wrong.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from configs.schema import ModelSettings
from detect.factory import open_store, probe
from models.errors import ManifestError, ModelError
from models.manifest import ModelEntry
from models.store import Listing, ModelStore, hash_file
from xueliang.surroundings import shared_folder, shared_models

app = typer.Typer(no_args_is_help=True, help="Model files: list, pull, import (air-gapped) and verify.")

StoreOption = Annotated[
    Path | None, typer.Option("--store", help="Folder of model files. Default: the user's data folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="A model's id, as `xueliang models list` names it.")]


@app.command("list")
def list_models(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Lists the known models, and where each lies on this machine."""
    try:
        listings = _store(store).listings()
    except ModelError as error:
        _fail(error, as_json)
    if as_json:
        _print_json([_listed(listing) for listing in listings])
        return
    for listing in listings:
        typer.echo(f"{listing.entry.id}  {listing.entry.licence}  {listing.entry.size} bytes  {_where(listing)}")


@app.command("pull")
def pull_model(model_id: IdArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Fetches a model from its source, checks its sha256 and that it detects, and keeps it in the store."""
    try:
        spec = _store(store).pull(model_id)
        probe(spec)
    except ModelError as error:
        _fail(error, as_json)
    _done({"id": spec.id, "path": str(spec.path), "sha256": spec.sha256}, f"{spec.id}: {spec.path}", as_json)


@app.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="An ONNX file.")],
    model_id: Annotated[str, typer.Option("--id", help="A known id, or a new one for a model of your own.")],
    like: Annotated[
        str, typer.Option("--like", help="For a new id: the known model with its input, head and labels.")
    ] = "yolox_nano_416",
    size: Annotated[
        int | None, typer.Option("--size", min=32, max=4096, help="For a new id: side of its square input, px.")
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="For a new id: its SPDX expression.")] = "NOASSERTION",
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Takes a file into the store, on a machine without a network too. Nothing changes unless it works."""
    try:
        target = _store(store)
        entry = _entry(target, file, model_id, like=like, size=size, licence=licence)
        spec = target.import_file(file, entry, probe)
    except ModelError as error:
        _fail(error, as_json)
    _done({"id": spec.id, "path": str(spec.path), "sha256": spec.sha256}, f"{spec.id}: {spec.path}", as_json)


@app.command("verify")
def verify_models(
    model_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Default: every model on this machine.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Checks the hash of model files, and runs each once to see that it detects."""
    try:
        source = _store(store)
        chosen = source.listings()
        if model_id is not None:
            wanted = source.manifest().entry(model_id)
            chosen = [listing for listing in chosen if listing.entry == wanted]
    except ModelError as error:
        _fail(error, as_json)
    results = [_verified(source, listing) for listing in chosen if listing.path is not None or model_id is not None]
    if as_json:
        _print_json(results)
    for result in results if not as_json else []:
        typer.echo(f"{result['id']}: {result['fault'] or 'good'}")
    if not results and not as_json:
        typer.echo("no model file on this machine: run `xueliang models pull ID`", err=True)
    if not results or any(result["fault"] for result in results):
        raise typer.Exit(1)


def _store(folder: Path | None) -> ModelStore:
    also = shared_models(shared_folder())
    return open_store(ModelSettings(store=folder), environ=os.environ, home=Path.home(), also=also)


def _entry(store: ModelStore, file: Path, model_id: str, *, like: str, size: int | None, licence: str) -> ModelEntry:
    manifest = store.manifest()
    if any(entry.id == model_id for entry in manifest.models):
        return manifest.entry(model_id)
    template = manifest.entry(like)
    sha256, length = hash_file(file)
    model_input = template.input if size is None else template.input.model_copy(update={"width": size, "height": size})
    fields = template.model_dump() | {
        "id": model_id,
        "source": None,
        "sha256": sha256,
        "size": length,
        "licence": licence,
        "input": model_input.model_dump(),
        "notes": f"imported from {file.name}",
    }
    try:
        return ModelEntry.model_validate(fields)
    except ValueError:
        raise ManifestError(
            model_id, "not an id (letters, digits, and . _ - after the first), or an empty file", "choose another id"
        ) from None


def _verified(store: ModelStore, listing: Listing) -> dict[str, Any]:
    try:
        if listing.path is None:
            fault: str | None = "no file on this machine"
        else:
            probe(store.resolve(listing.entry.id, path=listing.path))
            fault = None
    except ModelError as error:
        fault = f"{error.fault}; {error.action}"
    return {"id": listing.entry.id, "path": str(listing.path) if listing.path else None, "fault": fault}


def _listed(listing: Listing) -> dict[str, Any]:
    entry = listing.entry.model_dump(mode="json")
    return entry | {"path": str(listing.path) if listing.path else None, "fault": listing.fault}


def _where(listing: Listing) -> str:
    if listing.path is None:
        return "not on this machine"
    return str(listing.path) if listing.fault is None else f"{listing.path}: {listing.fault}"


def _done(result: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        _print_json(result)
    else:
        typer.echo(line)


def _fail(error: ModelError, as_json: bool) -> NoReturn:
    if as_json:
        _print_json({"error": {"code": error.kind, "message": str(error), "action": error.action}})
    else:
        typer.echo(str(error), err=True)
    raise typer.Exit(2 if isinstance(error, ManifestError) else 1)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
