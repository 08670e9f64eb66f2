"""What set-up sends and is told. Passwords come in and never go out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from alerts.storage.revisions import Kind
from configs.places import Line, Zone
from configs.recording import CameraRecording
from configs.rules import Rule
from configs.schema import Camera, CameraDetection, StreamSettings
from configs.section import Identifier, Name
from dashboard.messages import Message

Why = Annotated[str, Field(max_length=200)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=256, json_schema_extra={"writeOnly": True})]
Username = Annotated[str, Field(min_length=1, max_length=128)]


class CameraDraft(Message):
    """A camera as it shall be. ``password``: left out, the one that is kept stays; without a ``username`` there is
    none. Places are normalised to the picture."""

    id: Identifier
    site: Identifier
    name: Name
    name_en: Name | None = None
    main: StreamSettings
    sub: StreamSettings | None = None
    username: Username | None = None
    password: Secret | None = None
    detection: CameraDetection = CameraDetection()
    recording: CameraRecording | None = None
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()


class CameraSetup(Message):
    """A camera as it stands in the newest revision."""

    id: str
    site: str
    name: str
    name_en: str | None
    main: StreamSettings
    sub: StreamSettings | None
    username: str | None
    has_password: bool
    detection: CameraDetection
    recording: CameraRecording | None
    zones: tuple[Zone, ...]
    lines: tuple[Line, ...]
    rules: tuple[Rule, ...]


class RevisionInfo(Message):
    """``at``: UTC epoch s. ``by_name``: ``-`` for one that came from a file."""

    number: int
    base: int
    at: float
    by_name: str
    kind: Kind
    why: str


class SetupState(Message):
    """``applied``: the revision that every worker runs by, 0 where none tells. ``networks``: where cameras may be."""

    revision: int
    applied: int
    networks: tuple[str, ...]
    cameras: tuple[CameraSetup, ...]


class RevisionPage(Message):
    """Newest first."""

    revisions: tuple[RevisionInfo, ...]


class Saving(Message):
    """``base``: the revision that the page has read."""

    base: Annotated[int, Field(ge=0)]
    why: Why = ""
    camera: CameraDraft


class Restoring(Message):
    base: Annotated[int, Field(ge=0)]
    why: Why = ""


class Saved(Message):
    """``restart``: sections that changed and wait for the node's next start."""

    revision: RevisionInfo
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    restart: tuple[str, ...]


class Probing(Message):
    """One stream to try. Without a password, with ``camera``: the one that is kept for that camera."""

    stream: StreamSettings
    username: Username | None = None
    password: Secret | None = None
    camera: Identifier | None = None


ProbeFault = Literal[
    "unknown_host",
    "nothing_listens",
    "no_answer",
    "no_stream",
    "refused",
    "no_video",
    "codec",
    "frozen",
    "garbled",
    "unreachable",
]


class ProbeReport(Message):
    """What a stream is. ``fault`` in a word, ``detail`` in an English sentence without address or secret; sizes px,
    ``bit_rate`` bit/s. ``picture``: a JPEG as a data URL."""

    fault: ProbeFault | None
    detail: str
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    gop_s: float | None = None
    bit_rate: float | None = None
    b_frames: bool | None = None
    audio: tuple[str, ...] | None = None
    opened_s: float | None = None
    picture: str | None = None


class Rehearsing(Message):
    """A camera whose rules are tried, unsaved, on what it shows now."""

    camera: CameraDraft


Column = Literal["id", "site", "name", "name_en", "main_url", "sub_url", "username", "password"]
"""Of a table of cameras."""

CellCode = Literal[
    "missing", "too_long", "id", "url", "invalid", "twice", "unknown_site", "beyond_region", "address_not_allowed"
]


class CellFault(Message):
    """What is wrong in a cell: a word, of which the page makes a sentence. ``value``: of ``twice`` the row that was
    first, of ``unknown_site`` the name, of ``address_not_allowed`` the address."""

    column: Column
    code: CellCode
    value: str = ""


class ImportRow(Message):
    """``row`` as a spreadsheet counts. ``new``: the camera is not there yet. ``fault``: why the row is left out."""

    row: int
    id: str
    name: str
    new: bool
    fault: CellFault | None


class ImportReport(Message):
    """``saved``: the revision that holds the rows without a fault; ``None`` while nothing is applied."""

    rows: tuple[ImportRow, ...]
    good: int
    bad: int
    saved: Saved | None = None


def draft_of(camera: Camera) -> CameraDraft:
    """The camera as it could be saved again."""
    kept = camera.model_dump(exclude={"credentials"})
    return CameraDraft(**kept, username=None if camera.credentials is None else camera.credentials.username)


def told(camera: Camera) -> CameraSetup:
    """Without its password and where that lies."""
    credentials = camera.credentials
    return CameraSetup(
        id=camera.id,
        site=camera.site,
        name=camera.name,
        name_en=camera.name_en,
        main=camera.main,
        sub=camera.sub,
        username=None if credentials is None else credentials.username,
        has_password=credentials is not None,
        detection=camera.detection,
        recording=camera.recording,
        zones=camera.zones,
        lines=camera.lines,
        rules=camera.rules,
    )
