"""The event: plain, versioned data that crosses between processes. Durable, ordered, never lost.

Nothing here identifies a person: an event names a place, a rule and measured values.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from configs.schema import Severity

EventKind = Literal[
    "intrusion",
    "loitering",
    "line_crossing",
    "crowding",
    "unattended",
    "wrong_way",
    "stopped_vehicle",
    "camera_offline",
    "camera_fault",
]
Measure = Literal["objects", "s", "crossings", "per_m2"]
"""What is measured in: a count, seconds, passages, objects per square metre."""


class Plain(BaseModel):
    """Frozen plain data; an unknown key means another version, and is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SeenObject(Plain):
    """One object on the event's frame. ``box`` is x1 y1 x2 y2, normalised to the picture."""

    track_id: int
    label: str
    score: float = Field(ge=0, le=1)
    box: tuple[float, float, float, float]


class Snapshot(Plain):
    """The event's frame as JPEG, boxes drawn. ``path`` is relative to the evidence folder."""

    path: str
    sha256: str
    width: int
    height: int


class Event(Plain):
    """One happening that a rule found.

    ``id`` is a UUIDv7 made by the worker: every replay carries the same one. Times are UTC epoch seconds:
    ``occurred_at`` is the capture time of the frame that completed the rule (for ``camera_offline``: when the picture
    was lost), ``detected_at`` when the worker knew. ``measured`` against ``limit`` in ``unit`` is the reason with its
    numbers: 22 of 15 ``objects``, 6.2 of 5 ``s``. ``direction`` is set for line crossings.
    """

    v: Literal[1] = 1
    id: str
    kind: EventKind
    severity: Severity
    camera_id: str
    site_id: str
    region_id: str
    rule_id: str
    rule_name: str
    place_id: str | None = Field(default=None, description="zone or line of the rule")
    place_name: str | None = None
    occurred_at: float
    detected_at: float
    measured: float
    limit: float
    unit: Measure
    lasted_s: float | None = Field(default=None, description="crowding: for how long it was so; null: not asked for")
    lasted_limit_s: float | None = Field(default=None, description="crowding: for how long it had to be so")
    direction: Literal["forward", "backward"] | None = None
    fault: str | None = Field(default=None, description="of a camera's kinds: the word of ingest.state.Fault")
    model_id: str | None = None
    objects: tuple[SeenObject, ...] = ()
    snapshot: Snapshot | None = None


class Candidate(Plain):
    """An event before dedup: ``dedup_key`` names the happening, ``window_s`` how long a repeat is merged into it."""

    event: Event
    dedup_key: str
    window_s: float = Field(gt=0)


class Suppressed(Plain):
    """A hit that made no event of its own. ``window``: it came within the re-arm time of the event that it was merged
    into; ``ongoing``: the happening of that event still lasted."""

    event: Event
    reason: Literal["window", "ongoing"]


class SituationUpdate(Plain):
    """How a happening goes on after its event: each says all that the last one said.

    ``measured`` is the last measure and ``peak`` the highest, in the event's unit; ``hits`` counts what was merged into
    the event. ``at`` is when this was told and ``ended_at`` when the happening was last seen, UTC epoch seconds; an
    ``end`` is taken back by a later ``update``. ``suppressed`` are merged hits that no earlier update carried, of at
    most the first 50 of a situation.
    """

    v: Literal[1] = 1
    event_id: str
    at: float
    phase: Literal["update", "end"]
    measured: float
    peak: float
    hits: int = Field(ge=0)
    ended_at: float | None = None
    suppressed: tuple[Suppressed, ...] = ()


class Box(Plain):
    """A box of the overlay. ``box`` is x1 y1 x2 y2, normalised."""

    id: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    alarm: bool = False


class Overlay(Plain):
    """Boxes of one analysed frame on the live channel; may be lost. ``pts_s`` is on the fragments' timeline."""

    v: Literal[1] = 1
    type: Literal["overlay"] = "overlay"
    camera_id: str
    pts_s: float
    boxes: tuple[Box, ...]
