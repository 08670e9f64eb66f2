"""``xueliang models``: list, pull, import, export and verify model files.

Exit codes: 0 done, 1 a model is missing or wrong, 2 the command itself is wrong.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError

from configs.schema import ModelSettings
from detect.factory import open_store, probe
from detect.heads.registry import HEADS
from detect.inspection import Finding, Inspection, Source, Wishes, inspect
from models.errors import ManifestError, ModelError
from models.export import export_checkpoint
from models.labels import LABELS
from models.manifest import Fit, ModelEntry, ModelId, Triple
from models.store import Listing, ModelStore, hash_file
from xueliang.surroundings import shared_folder, shared_models

app = typer.Typer(no_args_is_help=True, help="Model files: list, pull, import (air-gapped), export and verify.")

StoreOption = Annotated[
    Path | None, typer.Option("--store", help="Folder of model files. Default: the user's data folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
_SOURCES: dict[Source, str] = {
    "graph": "by the file's shapes",
    "metadata": "by the file's own words",
    "given": "as you say",
    "assumed": "assumed, as is usual",
}
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
    model_id: Annotated[
        str | None, typer.Option("--id", help="A known id, or a new one. Default: the file's name.")
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", help=f"Family of its output: {', '.join(HEADS)}. Default: by its shapes.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="FILE|LIST", help=f"A text file, a label a line, or {', '.join(LABELS)}."),
    ] = None,
    fit: Annotated[Fit | None, typer.Option("--fit", help="How pictures are brought to its size.")] = None,
    colour: Annotated[
        Literal["bgr", "rgb"] | None, typer.Option("--colour", help="Order of its colour planes.")
    ] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="A byte times this, first.")] = None,
    mean: Annotated[str | None, typer.Option("--mean", metavar="A,B,C", help="Then less this, by plane.")] = None,
    std: Annotated[str | None, typer.Option("--std", metavar="A,B,C", help="Then divided by this, by plane.")] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="PX|WxH", help="Of its input, where the file leaves it free.")
    ] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Its SPDX expression.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Takes a detector into the store, on a machine without a network too. Nothing changes unless it works.

    For a file that is not in the manifest it tells what it found and what it assumes; options say otherwise.
    """
    try:
        target = _store(store)
        name = _id(file.stem if model_id is None else model_id)
        wishes = Wishes(
            head=head,
            labels=_label_list(labels),
            fit=fit,
            colour=colour,
            scale=scale,
            mean=_triple("--mean", mean),
            std=_triple("--std", std),
            size=_size(size),
        )
        findings: tuple[Finding, ...] = ()
        if all(entry.id != name for entry in target.manifest().models):
            found = _inspected(file, wishes)
            entry, findings = _entry(file, name, found, licence), found.findings
        elif wishes == Wishes() and licence is None:
            entry = target.manifest().entry(name)
        else:
            raise ManifestError(name, "is known, and its entry says all", "leave the options out, or give another --id")
        spec = target.import_file(file, entry, probe)
    except ModelError as error:
        _fail(error, as_json)
    result = {"id": spec.id, "path": str(spec.path), "sha256": spec.sha256}
    told = [f"{finding.name:<8} {finding.value}  ({_SOURCES[finding.source]})" for finding in findings]
    _done(
        result | {"found": [finding._asdict() for finding in findings], "entry": entry.model_dump(mode="json")},
        "\n".join([*told, f"{spec.id}: {spec.path}"]),
        as_json,
    )


@app.command("export")
def export_model(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT.pt", exists=True, dir_okay=False, help="Of ultralytics. It is run.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="The ONNX file. Default: beside the checkpoint.")] = None,
    python: Annotated[
        Path, typer.Option("--python", help="Interpreter with ultralytics (AGPL-3.0, not part of this product).")
    ] = Path(sys.executable),
    size: Annotated[int, typer.Option("--size", min=32, max=4096, help="Side of the input, px.")] = 640,
    half: Annotated[bool, typer.Option("--half", help="Half precision: for accelerators.")] = False,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="A free batch axis: for accelerators.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Makes an ONNX file of an ultralytics checkpoint that you trust, in an interpreter that has ultralytics."""
    try:
        target = export_checkpoint(
            checkpoint, out or checkpoint.with_suffix(".onnx"), python=python, size=size, half=half, dynamic=dynamic
        )
        found = inspect(target)
    except ModelError as error:
        _fail(error, as_json)
    line = f"{target}: {found.head}; now run `xueliang models import {target}`"
    _done({"path": str(target), "head": found.head, "licence": found.licence}, line, as_json)


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


def _inspected(file: Path, wishes: Wishes) -> Inspection:
    try:
        return inspect(file, wishes)
    except ValidationError as error:  # an option that no input can have
        raise _wrong(file.name, error) from None


def _entry(file: Path, model_id: str, found: Inspection, licence: str | None) -> ModelEntry:
    sha256, length = hash_file(file)
    assumed = [finding.name for finding in found.findings if finding.source == "assumed"]
    try:
        return ModelEntry(
            id=model_id,
            sha256=sha256,
            size=length,
            licence=licence or found.licence or "NOASSERTION",
            input=found.input,
            head=found.head,
            labels=found.labels,
            notes=f"From {file.name}. Assumed, as is usual for {found.head}: {', '.join(assumed) or 'nothing'}.",
        )
    except ValidationError as error:
        raise _wrong(model_id, error) from None


def _wrong(subject: str, error: ValidationError) -> ManifestError:
    first = error.errors()[0]
    fault = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return ManifestError(subject, fault, "correct the option or the file")


def _id(text: str) -> str:
    try:
        return TypeAdapter[str](ModelId).validate_python(text)
    except ValidationError:
        raise ManifestError(
            text, "not an id (letters, digits, and . _ - after the first)", "choose another with --id"
        ) from None


def _label_list(text: str | None) -> str | tuple[str, ...] | None:
    if text is None or text in LABELS:
        return text
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError("--labels", f"{text} cannot be read: {error}", "name a UTF-8 text file") from None
    return tuple(line.strip() for line in lines if line.strip())


def _triple(option: str, text: str | None) -> Triple | None:
    if text is None:
        return None
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        raise ManifestError(option, f"{text!r} is not three numbers", "write for example 0.5,0.5,0.5") from None
    return first, second, third


def _size(text: str | None) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{2,4})(?:x(\d{2,4}))?", text or "")
    if text is None or match is not None:
        return None if match is None else (int(match[1]), int(match[2] or match[1]))
    raise ManifestError("--size", f"{text!r} is no size", "write for example 640 or 640x384")


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
