"""What crosses to the page, beyond the alerts' own records: bodies of the API, messages of the feed and of live tiles.

Everything here is described in the OpenAPI schema, so that the page's types are generated from it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alerts.alarms.life import AlarmState, Do
from alerts.event import Box, SituationUpdate
from alerts.health import Admission, CameraHealth, Fallback
from alerts.records import AlarmChange, EventRow, HistogramBucket
from alerts.situation_store import Correction
from configs.schema import Identifier, Line, RegionLevel, Zone
from dashboard.patrol.rotation import Rotation
from dashboard.policy import Action, Role
from dashboard.scenes.sending import Sending
from dashboard.screens.messages import ScreenStatus


class Message(BaseModel):
    """Frozen plain data."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- bodies of the API


class Login(Message):
    username: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=1024, json_schema_extra={"format": "password"})]


class Me(Message):
    """The account that is logged in. ``regions``: ``["*"]`` is everywhere. ``screen``: whose wall screen it is."""

    id: str
    username: str
    display_name: str
    role: Role
    regions: tuple[str, ...]
    screen: str | None
    actions: tuple[Action, ...]


class Done(Message):
    status: Literal["ok"] = "ok"


class Health(Message):
    """``checks``: part → ``ok`` or what is wrong with it."""

    status: Literal["ok", "degraded"]
    checks: dict[str, str]


class DetectorInfo(Message):
    """``mode``: a model, one for drawn scenes only, motion only, or unknown as long as no worker has reported."""

    id: str
    mode: Literal["model", "scenes", "motion", "unknown"]


class RegionInfo(Message):
    id: str
    name: str
    name_en: str | None
    level: RegionLevel
    children: tuple[RegionInfo, ...] = ()


class SiteInfo(Message):
    """WGS 84, degrees."""

    id: str
    name: str
    name_en: str | None
    region_id: str
    lat: float
    lon: float


class CameraInfo(Message):
    """A camera without its addresses. ``number`` counts from 1 in file order."""

    id: str
    number: int
    site_id: str
    region_id: str
    name: str
    name_en: str | None
    zones: tuple[Zone, ...]
    lines: tuple[Line, ...]
    streams: tuple[Literal["sub", "main"], ...]
    detection: bool


class Node(Message):
    """``admission``: of all workers together; ``None`` until one of them knows.

    ``fallbacks``: what workers run elsewhere than their settings ask for. ``alarm_steps``: what people can do about an
    alarm in each state, where their role may. ``shift_ends_at``: when the running shift ends, UTC epoch seconds.
    """

    title: str
    title_en: str
    timezone: str
    server_time: float
    detector: DetectorInfo
    admission: Admission | None
    fallbacks: tuple[Fallback, ...]
    alarm_steps: dict[AlarmState, tuple[Do, ...]]
    shift_ends_at: float | None
    version: str
    slots: int
    regions: tuple[RegionInfo, ...]
    sites: tuple[SiteInfo, ...]
    cameras: tuple[CameraInfo, ...]


class CameraStatus(CameraHealth):
    """A camera's health with worker silence told: ``silent`` when its worker has said nothing for more than 3 s.

    Then phase is ``offline``, ``since`` is when the silence began and the counters are the last known. A camera that
    no worker has ever reported has an empty ``worker_id`` and ``at`` 0.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    worker_silent: bool = Field(alias="silent")  # `silent` alone would hide the record's own method


class EventPage(Message):
    """Newest first. ``total`` counts what the filter finds, over all pages."""

    rows: tuple[EventRow, ...]
    next_cursor: str | None
    total: int


class Histogram(Message):
    bucket: Literal["hour", "day"]
    buckets: tuple[HistogramBucket, ...]


class AuditLine(Message):
    at: float
    action: str
    username: str
    address: str
    target: str
    detail: str


class AuditPage(Message):
    """Newest first."""

    lines: tuple[AuditLine, ...]


# --- the feed


class HelloItem(Message):
    """First after (re)connecting.

    ``resumed_from``: the cursor that was taken up, null without one. ``cursor``: ``unknown`` means that the page's
    cursor was not one of this server's and nothing could be resumed. ``missed`` events follow, marked late; ``gone``
    are past retention. ``reload``: acknowledgements older than the stream are not replayed, so the page fetches what
    it holds anew.
    """

    type: Literal["hello"] = "hello"
    server_time: float
    resumed_from: str | None
    cursor: Literal["none", "resumed", "unknown"]
    missed: int
    gone: int
    reload: bool


class EventItem(Message):
    type: Literal["event"] = "event"
    id: str
    late: bool
    row: EventRow


class AlarmItem(Message):
    type: Literal["alarm"] = "alarm"
    id: str
    change: AlarmChange


class SituationItem(Message):
    """How a happening goes on, as :class:`alerts.event.SituationUpdate` tells it; only the newest word of each batch.
    ``hits`` were merged into the event."""

    type: Literal["situation"] = "situation"
    id: str
    event_id: str
    at: float
    measured: float
    peak: float
    hits: int
    ended_at: float | None

    @classmethod
    def of(cls, entry_id: str, told: SituationUpdate) -> SituationItem:
        return cls(
            id=entry_id,
            event_id=told.event_id,
            at=told.at,
            measured=told.measured,
            peak=told.peak,
            hits=told.hits,
            ended_at=told.ended_at,
        )


class CorrectionItem(Message):
    """An event was made part of another, or an event of its own again."""

    type: Literal["correction"] = "correction"
    id: str
    correction: Correction


class ClipItem(Message):
    """What became of an event's clip: ``kept``, or why not is told by its evidence."""

    type: Literal["clip"] = "clip"
    id: str
    event_id: str
    kept: bool


class HealthItem(Message):
    """The cameras whose health changed."""

    type: Literal["health"] = "health"
    cameras: tuple[CameraStatus, ...]


class RotationItem(Message):
    type: Literal["rotation"] = "rotation"
    rotation: Rotation


class ScreenItem(Message):
    """A wall screen: what it shows, who drives it, whether it is there."""

    type: Literal["screen"] = "screen"
    screen: ScreenStatus


class SendingItem(Message):
    """A scene from desk to desk: new, or answered."""

    type: Literal["sending"] = "sending"
    sending: Sending


class SettingsItem(Message):
    """The settings are another revision now: cameras, places or what is drawn on them may have changed."""

    type: Literal["settings"] = "settings"
    revision: int


class TimeItem(Message):
    type: Literal["time"] = "time"
    server_time: float


class TroubleItem(Message):
    """A part of the server is away since ``since``, or (``over``) back: nothing was lost, what was missed follows.

    ``disk``: the one that recordings lie on is nearly full, or full.
    """

    type: Literal["trouble"] = "trouble"
    part: Literal["redis", "store", "disk"]
    since: float
    over: bool


FeedItem = Annotated[
    HelloItem
    | EventItem
    | AlarmItem
    | SituationItem
    | CorrectionItem
    | ClipItem
    | HealthItem
    | RotationItem
    | ScreenItem
    | SendingItem
    | SettingsItem
    | TimeItem
    | TroubleItem,
    Field(discriminator="type"),
]


class Batch(Message):
    """One websocket message. ``last_id`` is what the page passes to resume; null before the first hello."""

    v: Literal[1] = 1
    type: Literal["batch"] = "batch"
    last_id: str | None
    items: tuple[FeedItem, ...]


class Ping(Message):
    """From the page; ``t`` is its own clock, milliseconds."""

    type: Literal["ping"] = "ping"
    t: float


class Pong(Message):
    type: Literal["pong"] = "pong"
    t: float
    server_time: float


# --- live tiles (text messages; the worker writes most of them, the dashboard forwards those unread)


class Watch(Message):
    """From the page, on a line: show this camera from now on, or nothing. ``n`` grows with each."""

    type: Literal["watch"] = "watch"
    n: Annotated[int, Field(ge=0, lt=2**53)]
    camera_id: Identifier | None
    stream: Literal["sub", "main"]
    form: Literal["live", "pictures"]


class LiveWatching(Message):
    """From the dashboard: what follows is what the page asked for by the :class:`Watch` of this ``n``."""

    v: Literal[1] = 1
    type: Literal["watching"] = "watching"
    n: int


class LiveState(Message):
    """State of the stream. ``worker``: false when it is the dashboard that says so, because the worker is away."""

    v: Literal[1] = 1
    type: Literal["state"] = "state"
    camera_id: str
    stream: Literal["sub", "main"]
    phase: Literal["connecting", "live", "stale", "offline", "refused"]
    fault: str | None
    since: float
    at: float
    attempt: int
    detail: str
    next_try_at: float | None
    last_picture_at: float | None
    worker: bool = True


class LiveInit(Message):
    """The next binary message is the init segment. ``width`` and ``height`` in pixels."""

    v: Literal[1] = 1
    type: Literal["init"] = "init"
    codec: str
    mime: str
    width: int
    height: int


class LiveOverlay(Message):
    """``pts_s``: media time / 90000 of its frame. Boxes are normalised to the picture."""

    v: Literal[1] = 1
    type: Literal["overlay"] = "overlay"
    camera_id: Identifier
    pts_s: float
    boxes: tuple[Box, ...]


class LiveSkipped(Message):
    """This client was too slow: so many frames up to the next key frame were left out."""

    v: Literal[1] = 1
    type: Literal["skipped"] = "skipped"
    frames: Annotated[int, Field(ge=0)]


class LiveBeat(Message):
    """From the dashboard, where the worker has said nothing for a second: the connection lives. UTC epoch seconds."""

    v: Literal[1] = 1
    type: Literal["beat"] = "beat"
    at: float


LiveMessage = Annotated[
    LiveState | LiveInit | LiveOverlay | LiveSkipped | LiveBeat | LiveWatching, Field(discriminator="type")
]
