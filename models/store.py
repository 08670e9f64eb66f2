"""Where model files lie, and the only way to one: each file is checked against its sha256 before it is named.

Search order: the path given, the store, the further folders, what comes with the product, then a pull into the store.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models.errors import ModelFileError, ModelUnavailableError
from models.fetch import FetchError, Opener
from models.manifest import Manifest, ModelEntry, dump_manifest, load_manifest
from models.spec import ModelSpec, spec_of

_CHUNK = 1 << 20
USER_MANIFEST = "manifest.yaml"
BUILT_IN = Path(__file__).parent / "builtin"
"""The folder of the models that come with the product."""

Probe = Callable[[ModelSpec], None]
"""Raises :class:`models.errors.NotADetectorError` when the file does not work as the spec says."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A model of the manifest. ``path``: its file, ``None`` where there is none; ``fault``: what is wrong with it."""

    entry: ModelEntry
    path: Path | None
    fault: str | None


def user_store(environ: Mapping[str, str], home: Path) -> Path:
    """The user's data folder for models (XDG Base Directory Specification 0.8: ``XDG_DATA_HOME``)."""
    base = environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else home / ".local" / "share") / "xueliang" / "models"


class ModelStore:
    """A folder ``home`` that is written, and folders ``also`` that are only read. ``opener=None`` never pulls.

    Files are named ``<id>.onnx``. What was imported under an id of its owner's stands in ``home/manifest.yaml``.
    """

    def __init__(self, home: Path, manifest: Manifest, *, also: Sequence[Path] = (), opener: Opener | None) -> None:
        self._home = home
        self._shipped = manifest
        self._also = tuple(also)
        self._opener = opener

    @property
    def home(self) -> Path:
        """The folder that pulls and imports go to."""
        return self._home

    def manifest(self) -> Manifest:
        """The shipped entries and the imported ones. Raises :class:`ManifestError`."""
        return self._shipped.with_entries(load_manifest(self._home / USER_MANIFEST))

    def listings(self) -> list[Listing]:
        """Every model of the manifest, with the file that would be used and what is wrong with it."""
        return [self._look(entry) for entry in self.manifest().models]

    def resolve(self, model_id: str, *, path: Path | None = None) -> ModelSpec:
        """The model's verified file, by the search order.

        A file that is found and is not the right one is refused, not passed over: its owner believes that it runs.
        Raises :class:`ManifestError`, :class:`ModelFileError` or :class:`ModelUnavailableError`.
        """
        entry = self.manifest().entry(model_id)
        found = self._find(entry) if path is None else path
        if found is None:
            return self.pull(model_id)
        check_file(found, entry)
        return spec_of(entry, found)

    def pull(self, model_id: str) -> ModelSpec:
        """Fetches the model into the store, over whatever lies there under its name.

        What comes with the product needs no fetching: it is looked at where it lies.
        """
        entry = self.manifest().entry(model_id)
        if entry.source is None:
            if (BUILT_IN / f"{entry.id}.onnx").is_file():
                return self.resolve(model_id)
            raise ModelUnavailableError(
                entry.id, "no file on this machine, and the manifest names no source", "run `xueliang models import`"
            )
        if self._opener is None:
            raise ModelUnavailableError(
                entry.id,
                "no file on this machine, and pulling is switched off",
                f"fetch {entry.source} elsewhere and run `xueliang models import FILE --id {entry.id}`",
            )
        target = self._home / f"{entry.id}.onnx"
        try:
            with self._replacing(target) as out, self._opener(entry.source) as chunks:
                self._receive(entry, chunks, out, entry.source, "try again")
        except (FetchError, ModelFileError) as error:
            # A wrong download is nobody's file: it is discarded, and the model is as absent as before.
            fault = error.fault if isinstance(error, ModelFileError) else str(error)
            raise ModelUnavailableError(
                entry.id,
                f"cannot be fetched from {entry.source}: {fault}",
                f"check the network, or fetch it elsewhere and run `xueliang models import FILE --id {entry.id}`",
            ) from None
        return spec_of(entry, target)

    def import_file(self, file: Path, entry: ModelEntry, probe: Probe) -> ModelSpec:
        """Copies a file into the store under ``entry``, which is added to the store's manifest if it is not known.

        Raises any of the family, ``probe``'s included; then nothing has changed.
        """
        manifest = self.manifest().with_entries(Manifest(models=(entry,)))
        check_file(file, entry)
        probe(spec_of(entry, file))
        target = self._home / f"{entry.id}.onnx"
        with self._replacing(target) as out, file.open("rb") as source:
            self._receive(entry, iter(lambda: source.read(_CHUNK), b""), out, file, "leave the file alone meanwhile")
        own = Manifest(models=tuple(e for e in manifest.models if e not in self._shipped.models))
        if own.models:
            with self._replacing(self._home / USER_MANIFEST) as out:
                out.write(dump_manifest(own).encode())
        return spec_of(entry, target)

    def _find(self, entry: ModelEntry) -> Path | None:
        candidates = (folder / f"{entry.id}.onnx" for folder in (self._home, *self._also, BUILT_IN))
        return next((path for path in candidates if path.is_file()), None)

    def _look(self, entry: ModelEntry) -> Listing:
        path = self._find(entry)
        if path is None:
            return Listing(entry, None, None)
        try:
            check_file(path, entry)
        except ModelFileError as error:
            return Listing(entry, path, error.fault)
        return Listing(entry, path, None)

    @staticmethod
    def _receive(entry: ModelEntry, chunks: Iterable[bytes], out: BinaryIO, subject: object, action: str) -> None:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            size += len(chunk)
            if size > entry.size:
                break
            digest.update(chunk)
            out.write(chunk)
        _judge(subject, entry, size, digest.hexdigest(), action)

    @contextmanager
    def _replacing(self, target: Path) -> Iterator[BinaryIO]:
        """A new file that takes ``target``'s name when the block ends well, and vanishes otherwise."""
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=self._home)
        except OSError as error:
            raise self._unwritable(error) from None
        os.close(handle)
        part = Path(name)
        try:
            with part.open("wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            part.chmod(0o644)
            part.replace(target)
        except OSError as error:
            raise self._unwritable(error) from None
        finally:
            with suppress(FileNotFoundError):
                part.unlink()

    def _unwritable(self, error: OSError) -> ModelUnavailableError:
        return ModelUnavailableError(
            self._home, f"the store cannot be written: {error.strerror}", "free space or name another folder"
        )


def hash_file(path: Path) -> tuple[str, int]:
    """``(sha256 in hex, size in bytes)``. Raises :class:`ModelFileError` when the file cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise ModelFileError(path, f"cannot be read: {error.strerror}", "name a readable file") from None
    return digest.hexdigest(), size


def check_file(path: Path, entry: ModelEntry) -> None:
    """Raises :class:`ModelFileError` saying whether the file is truncated or another one."""
    sha256, size = hash_file(path)
    _judge(path, entry, size, sha256, f"delete it, or run `xueliang models pull {entry.id}`")


def _judge(subject: object, entry: ModelEntry, size: int, sha256: str, action: str) -> None:
    if size < entry.size:
        fault = f"truncated: {size} of {entry.size} bytes of {entry.id}"
    elif size > entry.size:
        fault = f"not {entry.id}: longer than its {entry.size} bytes"
    elif sha256 != entry.sha256:
        fault = f"not {entry.id}: sha256 {sha256}, want {entry.sha256}"
    else:
        return
    raise ModelFileError(subject, fault, action)
