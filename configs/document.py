"""A YAML document that remembers on which line each value stands, and the overrides from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

PREFIX = "XUELIANG_"
"""``XUELIANG_LISTEN__PORT=9000`` sets ``listen.port``; two underscores go one level down."""

PLAIN_NAMES = {"REDIS_URL": ("redis_url",), "DATABASE_URL": ("database_url",)}
"""Names that hosting environments set by convention."""

Key = str | int
Path = tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where in the document (``cameras[2].site``), on which line (None: not in the file), and what."""

    path: str
    line: int | None
    message: str


class NotReadable(Exception):
    """The text is not YAML, or not a mapping; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data with, for each path, where it came from."""

    data: dict[str, Any]
    lines: Mapping[Path, int]
    variables: Mapping[Path, str]

    def fault(self, path: Path, message: str) -> Fault:
        """A fault at ``path``, placed on the line of the nearest part of it that stands in the document."""
        for end in range(len(path), 0, -1):
            if (variable := self.variables.get(path[:end])) is not None:
                return Fault(spell(path), None, f"{message} (set by the environment variable {variable})")
            if (line := self.lines.get(path[:end])) is not None:
                return Fault(spell(path), line, message)
        return Fault(spell(path) or "(document)", 1, message)


def of_data(data: Mapping[str, Any], environ: Mapping[str, str]) -> Document:
    """Plain data that stands on no line, with the environment laid over it; ``data`` itself stays as it is."""
    own = {**data}
    return Document(own, {}, _overlay(own, environ))


def spell(path: Path) -> str:
    """``("cameras", 2, "site")`` → ``cameras[2].site``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def parse(text: str, environ: Mapping[str, str]) -> Document:
    """Read YAML 1.2 and lay the environment over it. Raises :class:`NotReadable`."""
    try:
        tree = YAML(typ="rt").load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else None
        raise NotReadable(Fault("(document)", line, f"not YAML: {error.problem or error.context}")) from None
    except YAMLError as error:
        raise NotReadable(Fault("(document)", None, f"not YAML: {error}")) from None
    if tree is None:
        tree = CommentedMap()
    if not isinstance(tree, CommentedMap):
        raise NotReadable(Fault("(document)", 1, f"want a mapping of sections, got {type(tree).__name__}"))
    lines: dict[Path, int] = {}
    data = _plain(tree, (), lines)
    variables = _overlay(data, environ)
    return Document(data, lines, variables)


def _plain(node: Any, path: Path, lines: dict[Path, int]) -> Any:
    if isinstance(node, CommentedMap):
        result: dict[str, Any] = {}
        for key, value in node.items():
            below = (*path, str(key))
            lines[below] = node.lc.key(key)[0] + 1
            result[str(key)] = _plain(value, below, lines)
        return result
    if isinstance(node, CommentedSeq):
        items = []
        for index, value in enumerate(node):
            below = (*path, index)
            lines[below] = node.lc.item(index)[0] + 1
            items.append(_plain(value, below, lines))
        return items
    if isinstance(node, float):
        return float(node)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    return str(node) if isinstance(node, str) else node


def _overlay(data: dict[str, Any], environ: Mapping[str, str]) -> dict[Path, str]:
    """Write overrides into ``data``; returns which variable set which path. Only mappings can be reached, not lists."""
    variables: dict[Path, str] = {}
    for name in sorted(environ):
        if name in PLAIN_NAMES:
            path: Path = PLAIN_NAMES[name]
        elif name.startswith(PREFIX):
            path = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        else:
            continue
        section = data
        for key in path[:-1]:
            below = section.get(str(key))
            inner: dict[str, Any] = {**below} if isinstance(below, dict) else {}  # who gave the data keeps it as it was
            section[str(key)] = inner
            section = inner
        section[str(path[-1])] = environ[name]
        variables[path] = name
    return variables
