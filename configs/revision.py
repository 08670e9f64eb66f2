"""A revision of the settings: the whole document as plain data, without what belongs to one machine. Pure.

Where a node keeps its state and where it listens stays in the file that it is started with: a revision may be read
before any of it, and an exported one holds no address of a database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from configs.document import parse
from configs.schema import Camera, Settings

OF_THE_MACHINE = ("state_dir", "listen", "redis_url", "database_url")
"""Keys that no revision holds."""

APPLIED = frozenset({"cameras", "sites", "regions", "desks", "screens", "alarms", "setup", "title", "title_en"})
"""Sections of which a change is applied while the node runs; any other waits for its next start."""

Tree = dict[str, Any]
"""The document as plain data: mappings, lists, texts, numbers."""


def imported(text: str, folder: Path) -> Tree:
    """What a settings file in ``folder`` says, as a revision's document; files that it names by their absolute path.

    Raises :class:`configs.document.NotReadable`.
    """
    data: Tree = json.loads(json.dumps(parse(text, {}).data, default=_plain))
    for key in OF_THE_MACHINE:
        data.pop(key, None)
    for camera in _mappings(data.get("cameras")):
        credentials = camera.get("credentials")
        if isinstance(credentials, dict) and isinstance(secret := credentials.get("password_file"), str):
            credentials["password_file"] = str((folder / secret).absolute())
    drawn = data.get("map")
    if isinstance(drawn, dict) and isinstance(outlines := drawn.get("outlines"), str):
        drawn["outlines"] = str((folder / outlines).absolute())
    return data


def camera_tree(camera: Camera) -> Tree:
    """The camera as it stands in a document: what it leaves to the defaults is left out, and so is its password."""
    told: Tree = camera.model_dump(mode="json", exclude_defaults=True)
    return told


def with_cameras(tree: Tree, cameras: Sequence[Mapping[str, Any]]) -> Tree:
    """``tree`` with these cameras: each in the place of the one with its id, new ones at the end."""
    new = {str(camera["id"]): dict(camera) for camera in cameras}
    kept = [new.pop(str(each.get("id")), each) for each in _mappings(tree.get("cameras"))]
    return {**tree, "cameras": [*kept, *new.values()]}


def without_camera(tree: Tree, camera_id: str) -> Tree:
    """``tree`` without the camera. Raises ``KeyError`` where there is none."""
    cameras = _mappings(tree.get("cameras"))
    kept = [camera for camera in cameras if camera.get("id") != camera_id]
    if len(kept) == len(cameras):
        raise KeyError(camera_id)
    return {**tree, "cameras": kept}


def as_yaml(tree: Tree, head: str) -> str:
    """The document as the YAML that the loader reads, with ``head`` as its first comment."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 120
    out = StringIO()
    out.write("".join(f"# {line}\n" for line in head.splitlines()))
    yaml.dump(tree, out)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Changes:
    """Between two settings: camera ids, and the other sections that differ."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    sections: tuple[str, ...]

    @property
    def restart(self) -> tuple[str, ...]:
        """Sections that a running node does not follow."""
        return tuple(name for name in self.sections if name not in APPLIED)

    @property
    def cameras(self) -> tuple[str, ...]:
        """All that are touched."""
        return (*self.added, *self.changed, *self.removed)


def changes(before: Settings, after: Settings) -> Changes:
    """What a change of the settings touches."""
    old = {camera.id: camera for camera in before.cameras}
    new = {camera.id: camera for camera in after.cameras}
    other = set(Settings.model_fields) - {"cameras"} - set(OF_THE_MACHINE)
    return Changes(
        added=tuple(name for name in new if name not in old),
        changed=tuple(name for name in new if name in old and old[name] != new[name]),
        removed=tuple(name for name in old if name not in new),
        sections=tuple(sorted(name for name in other if getattr(before, name) != getattr(after, name))),
    )


def _mappings(found: Any) -> list[Tree]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in settings")
