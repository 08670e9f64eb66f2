"""The settings of rules: what is watched for on a camera, when, and from which measure on.

Places are normalised to the picture; durations are seconds. A rule over objects looks at their bottom centre, where
they touch the ground.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.schedule import Span
from configs.section import Identifier, Name, Section, Unit

FaultWord = Literal[
    "frozen",
    "stuck",
    "dark",
    "moved",
    "refused",
    "unreachable",
    "lossy",
    "garbled",
    "slow",
    "jumping",
    "resized",
    "flapping",
]
"""The words of ``ingest.state.Fault``."""

VEHICLES = ("car", "truck", "bus", "motorcycle")


class Severity(StrEnum):
    """Shape, word and colour of an alarm: ▲ critical, ◆ high, ● medium, ○ low."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RuleBase(Section):
    """What every rule has. ``rearm_s`` is the window in which a repeat of the same happening is merged."""

    id: Identifier
    name: Name
    severity: Severity = Severity.MEDIUM
    rearm_s: float = Field(default=30.0, gt=0, le=86400)
    schedule: tuple[Span, ...] | None = Field(default=None, description="left out: always")
    shared: Identifier | None = Field(
        default=None, description="rules of one site's cameras that name the same word make one alarm of one happening"
    )


class ObjectRule(RuleBase):
    """What every rule over tracked objects has.

    ``hysteresis``: what counts once goes on counting until score, height, or number fell by this share below its limit.
    """

    classes: tuple[Name, ...] = ("person",)
    min_score: Unit = 0.4
    min_height: Unit = Field(
        default=0.0,
        description="smallest box height, as a share of the picture's height; 0: any, and 0.1 to choose the stream by",
    )
    confirm: int = Field(default=2, ge=1, le=100, description="observations that settle a change")
    hysteresis: float = Field(default=0.2, ge=0, lt=1)


class IntrusionRule(ObjectRule):
    """An object's bottom centre is inside the zone for ``dwell_s``."""

    kind: Literal["intrusion"]
    zone: Identifier
    dwell_s: float = Field(default=0.0, ge=0, le=3600)


class LoiteringRule(ObjectRule):
    """An object stays about in the zone for ``dwell_s``; absences of up to ``absence_s`` are forgiven."""

    kind: Literal["loitering"]
    zone: Identifier
    dwell_s: float = Field(default=60.0, gt=0, le=86400)
    absence_s: float = Field(default=5.0, ge=0, le=600)


class LineCrossingRule(ObjectRule):
    """An object's bottom centre passes the line in the given direction and was seen beyond it ``confirm`` times."""

    kind: Literal["line_crossing"]
    line: Identifier
    direction: Literal["forward", "backward", "both"] = "both"
    confirm: int = Field(default=1, ge=1, le=100, description="observations that settle a change")


class CrowdLimit(Section):
    """How many are too many: a count, persons per square metre of the zone, or both (whichever is reached first)."""

    limit: int | None = Field(default=None, ge=1, le=10000, description="objects")
    density: float | None = Field(default=None, gt=0, le=20, description="objects per square metre; needs area_m2")

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if self.limit is None and self.density is None:
            raise ValueError("give limit, density or both")
        return self


class PlannedLimit(CrowdLimit, Span):
    """Other limits at some hours of some days."""


class CrowdingRule(CrowdLimit, ObjectRule):
    """At least ``limit`` objects, or ``density`` of them a square metre, are inside the zone for ``duration_s``.

    ``plan``: the first entry that holds now takes the place of both limits.
    """

    kind: Literal["crowding"]
    zone: Identifier
    duration_s: float = Field(default=5.0, ge=0, le=3600)
    plan: tuple[PlannedLimit, ...] = ()


class UnattendedRule(ObjectRule):
    """Fewer than ``required`` objects are inside the zone for ``duration_s`` of analysed pictures."""

    kind: Literal["unattended"]
    zone: Identifier
    required: int = Field(default=1, ge=1, le=1000)
    duration_s: float = Field(default=60.0, ge=0, le=86400)


class WrongWayRule(ObjectRule):
    """An object moves in the zone at more than ``beyond_deg`` from the zone's ``way``, for ``duration_s`` and for
    ``distance`` times its own height."""

    kind: Literal["wrong_way"]
    zone: Identifier
    classes: tuple[Name, ...] = VEHICLES
    beyond_deg: float = Field(default=120.0, gt=0, lt=180)
    duration_s: float = Field(default=1.0, ge=0, le=60)
    distance: float = Field(default=0.5, gt=0, le=20)


class StoppedVehicleRule(ObjectRule):
    """An object stands still in the zone for ``duration_s``; its box may sway by a share ``jitter`` of its size."""

    kind: Literal["stopped_vehicle"]
    zone: Identifier
    classes: tuple[Name, ...] = VEHICLES
    duration_s: float = Field(default=60.0, gt=0, le=86400)
    jitter: float = Field(default=0.25, gt=0, le=1)


class OfflineRule(RuleBase):
    """No picture from the camera for ``after_s``."""

    kind: Literal["camera_offline"]
    after_s: float = Field(default=10.0, ge=0, le=86400)


class CameraFaultRule(RuleBase):
    """The camera's stream has one of ``faults`` for ``after_s``; it ended once it was without for ``clear_s``."""

    kind: Literal["camera_fault"]
    faults: tuple[FaultWord, ...]
    after_s: float = Field(default=10.0, ge=0, le=86400)
    clear_s: float = Field(default=5.0, ge=0, le=86400)


Rule = Annotated[
    IntrusionRule
    | LoiteringRule
    | LineCrossingRule
    | CrowdingRule
    | UnattendedRule
    | WrongWayRule
    | StoppedVehicleRule
    | OfflineRule
    | CameraFaultRule,
    Field(discriminator="kind"),
]
