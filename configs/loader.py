"""From a settings file to :class:`configs.schema.Settings`, or every fault of it at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from configs import outlines, plausible, references
from configs.document import Document, Fault, NotReadable, of_data, parse
from configs.schema import ModelSettings, Settings, region_ids


class SettingsFaults(Exception):
    """The file cannot be used. ``faults`` is never empty; ``str()`` is the report, one fault a line."""

    def __init__(self, file: Path, faults: tuple[Fault, ...]) -> None:
        self.file = file
        self.faults = faults
        super().__init__("\n".join(self.report()))

    def report(self) -> list[str]:
        """``FILE:LINE: PATH: what is wrong``, in the order of the file."""
        ordered = sorted(self.faults, key=lambda fault: (fault.line is None, fault.line or 0, fault.path))
        return [f"{self.file}:{fault.line or '-'}: {fault.path}: {fault.message}" for fault in ordered]


Classes = Callable[[ModelSettings], Collection[str]]
"""Which classes the model of these settings finds."""


def load(file: Path, environ: Mapping[str, str], classes: Classes | None = None) -> Settings:
    """Read, check and resolve a settings file; with ``classes`` also whether the rules' classes can be found at all.

    Passwords are taken from the environment or from secret files (relative to the settings file, as the outlines are),
    and so is ``state_dir`` made absolute against the working folder. Raises :class:`SettingsFaults` with every fault.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsFaults(file, (Fault("(document)", None, f"cannot be read: {reason}"),)) from None
    if file.suffix == ".json":
        try:
            return load_data(json.loads(text), file, environ, classes)
        except json.JSONDecodeError as error:
            raise SettingsFaults(file, (Fault("(document)", error.lineno, "not JSON"),)) from None
    return load_text(text, file, environ, classes)


def load_text(text: str, file: Path, environ: Mapping[str, str], classes: Classes | None = None) -> Settings:
    """As :func:`load`, for a text that stands for ``file``."""
    try:
        document = parse(text, environ)
    except NotReadable as error:
        raise SettingsFaults(file, (error.fault,)) from None
    return _checked(document, file, environ, classes)


def load_data(
    data: Mapping[str, Any], file: Path, environ: Mapping[str, str], classes: Classes | None = None
) -> Settings:
    """As :func:`load`, for plain data that stands for ``file``."""
    return _checked(of_data(data, environ), file, environ, classes)


def _checked(document: Document, file: Path, environ: Mapping[str, str], classes: Classes | None) -> Settings:
    faults = references.check(document)
    passwords = _passwords(document, file.parent, environ, faults)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        faults += [_fault(document, item) for item in error.errors(include_url=False, include_input=False)]
    if settings is not None:
        faults += plausible.check(document, settings, None if classes is None else classes(settings.model))
        settings, wrong = _with_outlines(document, settings, file.parent)
        faults += wrong
    if faults or settings is None:
        raise SettingsFaults(file, tuple(faults))
    cameras = tuple(
        camera.model_copy(update={"credentials": camera.credentials.model_copy(update={"password": passwords[index]})})
        if camera.credentials is not None
        else camera
        for index, camera in enumerate(settings.cameras)
    )
    return settings.model_copy(update={"cameras": cameras, "state_dir": settings.state_dir.absolute()})


def _with_outlines(document: Document, settings: Settings, folder: Path) -> tuple[Settings, list[Fault]]:
    """The settings with the path of the outlines made absolute, and what is wrong with that file."""
    if settings.map.outlines is None:
        return settings, []
    file = (folder / settings.map.outlines).absolute()
    resolved = settings.model_copy(update={"map": settings.map.model_copy(update={"outlines": file})})
    try:
        outlines.read(file, region_ids(settings.regions))
    except outlines.BadOutlines as error:
        path = ("map", "outlines")
        return resolved, [document.fault(path, f"{settings.map.outlines}: {fault}") for fault in error.faults]
    return resolved, []


def _fault(document: Document, error: Any) -> Fault:
    # pydantic puts the discriminator's value and the word of a validator into the location; neither is in the file.
    path: list[str | int] = []
    node: Any = document.data
    for key in error["loc"]:
        if isinstance(node, dict) and isinstance(key, str):
            if key not in node and path and error["type"] not in {"missing", "extra_forbidden"}:
                continue
            if key not in node and node.get("kind") == key:
                continue
            node = node.get(key)
        elif isinstance(node, list) and isinstance(key, int) and key < len(node):
            node = node[key]
        else:
            continue
        path.append(key)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "no such key"
    elif error["type"] == "missing":
        message = "is missing"
    return document.fault(tuple(path), message)


def _passwords(
    document: Document, folder: Path, environ: Mapping[str, str], faults: list[Fault]
) -> dict[int, SecretStr]:
    """The cameras' passwords by the camera's place in the list, from where the document says they are."""
    passwords: dict[int, SecretStr] = {}
    cameras = document.data.get("cameras")
    for index, camera in enumerate(cameras if isinstance(cameras, list) else []):
        credentials = camera.get("credentials") if isinstance(camera, dict) else None
        if not isinstance(credentials, dict):
            continue
        path = ("cameras", index, "credentials")
        variable, secret = credentials.get("password_env"), credentials.get("password_file")
        if isinstance(variable, str):
            if variable in environ:
                passwords[index] = SecretStr(environ[variable])
            else:
                faults.append(
                    document.fault((*path, "password_env"), f"the environment variable {variable} is not set")
                )
        elif isinstance(secret, str):
            try:
                passwords[index] = SecretStr((folder / secret).read_text("utf-8").rstrip("\r\n"))
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
                faults.append(
                    document.fault((*path, "password_file"), f"secret file {folder / secret} cannot be read: {reason}")
                )
    return passwords
