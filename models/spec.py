"""A verified model: what a detector needs to know, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.labels import LABELS
from models.manifest import ModelEntry, ModelInput


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """``path`` held the bytes of ``sha256`` when it was looked at; whoever loads it looks again."""

    id: str
    path: Path
    sha256: str
    licence: str
    input: ModelInput
    labels: tuple[str, ...]
    head: str


def spec_of(entry: ModelEntry, path: Path) -> ModelSpec:
    """The entry's model as the file at ``path``."""
    return ModelSpec(
        id=entry.id,
        path=path,
        sha256=entry.sha256,
        licence=entry.licence,
        input=entry.input,
        labels=LABELS[entry.labels] if isinstance(entry.labels, str) else entry.labels,
        head=entry.head,
    )
