"""The manifest: which models there are, where each comes from, and how each is to be fed.

The product's own manifest lies beside this module; a store may hold another with what its owner imported.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from models.errors import ManifestError
from models.labels import LABELS, identity_labels

ModelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Triple = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fit(StrEnum):
    """How a picture is brought to the input's size."""

    TOP_LEFT = "letterbox_top_left"
    CENTRED = "letterbox_centred"
    STRETCH = "stretch"


class ModelInput(_Entry):
    """The picture input, float32 or float16 as the file says.

    A pixel becomes ``(pixel * scale - mean) / std`` by channel, ``mean`` and ``std`` in the order of ``colour``.
    """

    name: str
    width: int = Field(ge=32, le=4096, description="px")
    height: int = Field(ge=32, le=4096, description="px")
    layout: Literal["nchw"] = "nchw"
    colour: Literal["bgr", "rgb"]
    fit: Fit
    pad: int = Field(default=114, ge=0, le=255, description="value of the letterbox's border, before scale and mean")
    scale: float = Field(default=1.0, gt=0)
    mean: Triple = (0.0, 0.0, 0.0)
    std: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)


class ModelEntry(_Entry):
    """One model. ``source`` is where a pull gets it; without one it can only be imported."""

    id: ModelId
    source: Annotated[str, StringConstraints(pattern=r"^https://[^\s@]+$")] | None = None
    sha256: Sha256
    size: int = Field(gt=0, le=2**31, description="bytes")
    licence: Annotated[str, StringConstraints(min_length=1)] = Field(description="SPDX expression")
    input: ModelInput
    head: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")] = Field(description="family of the output")
    labels: str | tuple[Label, ...] = Field(description="id of a list in models.labels, or the list itself")
    notes: str = ""

    @field_validator("labels")
    @classmethod
    def _known_labels(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(value, str):
            if value not in LABELS:
                raise ValueError(f"no label list {value!r}; known: {', '.join(LABELS)}")
            return value
        if not value or len(set(value)) != len(value):
            raise ValueError("want at least one label, each once")
        if identity_labels(value):
            raise ValueError(f"{identity_labels(value)[0]!r} is of identities; want kinds of objects")
        return value


class Manifest(_Entry):
    """Entries by unique id."""

    v: Literal[1] = 1
    models: tuple[ModelEntry, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Manifest:
        seen: set[str] = set()
        for entry in self.models:
            if entry.id in seen:
                raise ValueError(f"id {entry.id!r} stands twice")
            seen.add(entry.id)
        return self

    def entry(self, model_id: str) -> ModelEntry:
        """Raises :class:`ManifestError` when there is none of that id."""
        for entry in self.models:
            if entry.id == model_id:
                return entry
        known = ", ".join(entry.id for entry in self.models) or "none"
        raise ManifestError(
            model_id, f"no model of that id (known: {known})", "correct the id or run `xueliang models import`"
        )

    def with_entries(self, more: Manifest) -> Manifest:
        """Both manifests as one. Raises :class:`ManifestError` where an id names two different files."""
        mine = {entry.id: entry for entry in self.models}
        for entry in more.models:
            held = mine.setdefault(entry.id, entry)
            if held.sha256 != entry.sha256:
                raise ManifestError(entry.id, "the id names two different files", "import one of them under another id")
        return Manifest(models=tuple(mine.values()))


def read_manifest(text: str, subject: str) -> Manifest:
    """Parses YAML. Raises :class:`ManifestError` naming ``subject`` and every fault."""
    try:
        return Manifest.model_validate(YAML(typ="safe", pure=True).load(StringIO(text)) or {})
    except YAMLError as error:
        raise ManifestError(subject, f"not YAML: {error}", "correct the file") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ManifestError(subject, faults, "correct the file") from None


def load_manifest(path: Path) -> Manifest:
    """The manifest at ``path``; an empty one where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Manifest()
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(path, f"cannot be read: {error}", "make it a readable UTF-8 file") from None
    return read_manifest(text, str(path))


def shipped_manifest() -> Manifest:
    """The manifest that comes with the product."""
    return read_manifest(files("models").joinpath("manifest.yaml").read_text(encoding="utf-8"), "models/manifest.yaml")


def dump_manifest(manifest: Manifest) -> str:
    """YAML that :func:`read_manifest` reads back to an equal manifest."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = False  # escapes: a bare U+0085 would be read back as a line break
    yaml.width = sys.maxsize  # no folding: a fold beside an escape loses the space it stands at
    out = StringIO()
    yaml.dump(manifest.model_dump(mode="json"), out)
    return out.getvalue()
