"""The settings of a node: frozen, unknown keys refused.

Coordinates: zones and lines are normalised to the picture, x right and y down, both in [0, 1]. Sites are WGS 84
degrees. Durations are seconds unless the name says otherwise. References between parts (a camera's site, a rule's
zone) are checked in :mod:`configs.references`, so that a loader can report every fault of a file at once. What is drawn
on pictures is in :mod:`configs.places`, rules are in :mod:`configs.rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from configs.desks import AlarmSettings, Desk
from configs.places import Line, Zone
from configs.recording import CameraRecording, RecordingSettings
from configs.rules import CrowdingRule, IntrusionRule, LineCrossingRule, ObjectRule, OfflineRule, Rule, Severity
from configs.schedule import Calendar
from configs.screens import WallScreen
from configs.section import Identifier, Name, Section, Unit
from configs.setup import SetupSettings

__all__ = [
    "CrowdingRule",
    "Identifier",
    "IntrusionRule",
    "Line",
    "LineCrossingRule",
    "ObjectRule",
    "OfflineRule",
    "Rule",
    "Severity",
    "Zone",
]  # of other modules; what is defined here is had without a list

OpenVinoDevice = Annotated[str, StringConstraints(pattern=r"^(CPU|GPU|NPU)(\.[0-9])?$")]


def known_zone(name: str) -> str:
    """The name, if it is one of the IANA time zone database; else raises ``ValueError``."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"no time zone named {name!r} (an IANA name such as Asia/Shanghai)") from None
    return name


class RegionLevel(StrEnum):
    """The five levels of the tree, widest first: 市, 县, 乡/镇, 村, 网格."""

    CITY = "city"
    COUNTY = "county"
    TOWN = "town"
    VILLAGE = "village"
    GRID = "grid"


class Region(Section):
    """One region; its children are of a narrower level."""

    id: Identifier
    name: Name
    name_en: Name | None = None
    level: RegionLevel
    children: tuple[Region, ...] = ()


def region_ids(regions: Iterable[Region]) -> frozenset[str]:
    """The ids of these regions and of all below them."""
    return frozenset(found for region in regions for found in (region.id, *region_ids(region.children)))


class Location(Section):
    """WGS 84, degrees."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class Site(Section):
    """A place that the patrol visits; holds one or more cameras."""

    id: Identifier
    name: Name
    name_en: Name | None = None
    region: Identifier
    location: Location
    timezone: str | None = Field(default=None, description="of its schedules; left out: the node's")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        return None if name is None else known_zone(name)


class Credentials(Section):
    """User and password of a camera. The password never stands in the file: it is read from the environment or a file.

    Exactly one of ``password_env`` and ``password_file`` is set; the loader resolves ``password``.
    """

    username: Annotated[str, StringConstraints(min_length=1)]
    password_env: str | None = None
    password_file: Path | None = None
    password: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError("give the password by exactly one of password_env and password_file")
        if self.password.get_secret_value() and "password" in self.model_fields_set:
            raise ValueError("a password does not stand in the settings: use password_env or password_file")
        return self


class StreamSettings(Section):
    """One RTSP stream. The URL carries no user or password.

    ``transport``: of the packets. UDP loses some where TCP would be late, and does not pass every router.
    """

    url: str
    transport: Literal["tcp", "udp"] = "tcp"

    @field_validator("url")
    @classmethod
    def _without_password(cls, url: str) -> str:
        if not re.match(r"^rtsp://[^/\s]+", url) or re.search(r"\s", url):
            raise ValueError("want rtsp://HOST[:PORT]/PATH")
        if "@" in url.removeprefix("rtsp://").split("/", 1)[0]:
            raise ValueError("no user or password in a URL: put them under the camera's credentials")
        return url


class Priority(StrEnum):
    """Who comes first when the machine cannot carry all; within it, cameras of which some rule waits to alarm."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for low to 2 for high."""
        return ("low", "normal", "high").index(self)


class CameraDetection(Section):
    """Whether and how a camera's pictures are analysed."""

    enabled: bool = True
    stream: Literal["auto", "sub", "main"] = Field(
        default="auto", description="auto: sub, or main where sub has too few pixels for the rules' smallest object"
    )
    fps: float = Field(default=5.0, gt=0, le=30, description="analysed frames a second, while something moves")
    min_fps: float = Field(
        default=1.0, gt=0, le=30, description="of them, what other cameras' frames do not displace; at most fps counts"
    )
    priority: Priority = Field(
        default=Priority.NORMAL, description="in overload the lowest yields first, evenly within a priority"
    )
    gated: bool = Field(
        default=False,
        description="decode only while the packets say that something moves; not for dark, noisy pictures",
    )
    look_every_s: float = Field(
        default=30.0, ge=1, le=600, description="while nothing moves, one key frame is analysed this often"
    )


class Camera(Section):
    """One camera: its streams, what is drawn on its picture, and the rules over it."""

    id: Identifier
    site: Identifier
    name: Name
    name_en: Name | None = None
    main: StreamSettings
    sub: StreamSettings | None = None
    credentials: Credentials | None = None
    detection: CameraDetection = CameraDetection()
    recording: CameraRecording | None = Field(default=None, description="default: recording.default")
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()

    def stream(self, name: Literal["main", "sub"]) -> StreamSettings:
        """The named stream; a camera with one stream uses it for both."""
        return self.sub if name == "sub" and self.sub is not None else self.main


class PatrolPlan(Section):
    """轮巡: ``slots`` tiles of the wall show the sites in order, ``dwell_s`` each; an alarm calls its site up."""

    name: Name = "全部点位"
    name_en: Name | None = "All sites"
    slots: int = Field(default=4, ge=1, le=16)
    dwell_s: float = Field(default=12.0, ge=2, le=3600)
    alarm_hold_s: float = Field(default=30.0, ge=2, le=3600)
    revisit_s: float | None = Field(
        default=None,
        ge=2,
        le=86400,
        description="longest a camera may be unseen; left out: a round and an alarm's hold",
    )
    sites: tuple[Identifier, ...] = Field(default=(), description="empty: every site with a camera, in file order")


SCENES_ONLY = "xueliang_scenes"
"""The model in the box: it knows the simulator's drawn scenes and nothing else, and whoever runs it says so."""


class ModelSettings(Section):
    """The detector and how it runs."""

    id: Identifier = "yolox_nano_416"
    store: Path | None = Field(default=None, description="folder of model files; default: the user's data folder")
    allow_pull: bool = True
    fallback: Literal["motion", "refuse"] = Field(
        default="motion",
        description="what happens when model or accelerator cannot be had: motion only, or the processor; or no start",
    )
    accelerator: Literal["cpu", "cuda", "tensorrt", "openvino", "auto"] = Field(
        default="cpu", description="what the model runs on; auto: cuda or openvino where ONNX Runtime has it, else cpu"
    )
    device: Annotated[int, Field(ge=0, le=63)] | OpenVinoDevice | None = Field(
        default=None, description="which one: a number with cuda and tensorrt (0); CPU, GPU, NPU with openvino (GPU)"
    )
    batch: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="most pictures of a run, where the batch axis is free; default: 1, on cuda and tensorrt 8",
    )
    sessions: int | None = Field(
        default=None, ge=1, le=64, description="concurrent runs; default: as measured on this machine"
    )
    min_score: Unit = 0.25
    nms_iou: Unit = 0.6

    @model_validator(mode="after")
    def _device_of_the_accelerator(self) -> Self:
        if self.device is not None:
            if self.accelerator in {"cpu", "auto"}:
                raise ValueError(f"device {self.device} is of no use with accelerator {self.accelerator}: name one")
            if isinstance(self.device, int) == (self.accelerator == "openvino"):
                raise ValueError(f"accelerator {self.accelerator} has no device {self.device}")
        return self


class Decoding(Section):
    """How streams are decoded."""

    hardware: Literal["none", "auto", "cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"] = Field(
        default="none", description="auto: the first that works here; what does not work is decoded on the processor"
    )


class MapSettings(Section):
    """What maps are drawn from: no tile server is asked."""

    outlines: Path | None = Field(
        default=None, description="GeoJSON with an outline for each region that has one (configs.outlines)"
    )


class Retention(Section):
    """How long things are kept, days."""

    events_days: int = Field(default=180, ge=1, le=3650)
    snapshots_days: int = Field(default=30, ge=1, le=3650)
    clips_days: int = Field(default=30, ge=1, le=3650)
    samples_days: int = Field(
        default=35, ge=2, le=3650, description="counts of people, times that cameras showed, visits of the patrol"
    )


class Listen(Section):
    """Where the dashboard listens. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)


class Settings(Section):
    """The whole file."""

    title: Name = "社会治理服务中心"
    title_en: Name = "Social governance centre"
    timezone: str = "Asia/Shanghai"
    holidays: tuple[date, ...] = Field(default=(), description="days that schedules call holiday")
    state_dir: Path = Path("var/xueliang")
    listen: Listen = Listen()
    redis_url: SecretStr | None = None
    database_url: SecretStr | None = None
    regions: tuple[Region, ...] = ()
    map: MapSettings = MapSettings()
    sites: tuple[Site, ...] = ()
    cameras: tuple[Camera, ...] = ()
    desks: tuple[Desk, ...] = ()
    screens: tuple[WallScreen, ...] = ()
    alarms: AlarmSettings = AlarmSettings()
    patrol: PatrolPlan = PatrolPlan()
    model: ModelSettings = ModelSettings()
    decoding: Decoding = Decoding()
    workers: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="processes that share the cameras; default: one for each 32 cameras, at most the cores",
    )
    retention: Retention = Retention()
    recording: RecordingSettings = RecordingSettings()
    setup: SetupSettings = SetupSettings()

    def recording_of(self, camera: Camera) -> CameraRecording:
        """What of the camera is recorded; a camera with one stream records that one, as ``main``."""
        wanted = camera.recording or self.recording.default
        return wanted if camera.sub is not None else wanted.model_copy(update={"stream": "main"})

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return known_zone(name)

    def calendar_of(self, camera: Camera) -> Calendar:
        """What the schedules of the camera's rules are read by."""
        own = next((site.timezone for site in self.sites if site.id == camera.site), None)
        return Calendar(ZoneInfo(own or self.timezone), frozenset(self.holidays))
