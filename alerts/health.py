"""Health of cameras and the register of workers, as they stand in Redis: ``xl:health`` and ``xl:workers``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, TypeVar, cast

import structlog
from pydantic import Field, ValidationError
from redis import Redis

from alerts.event import Plain
from ingest.gating.gate import GateState
from ingest.gating.level import Level
from ingest.state import Fault, Phase

log = structlog.get_logger(__name__)

HEALTH_KEY = "xl:health"
WORKERS_KEY = "xl:workers"
SILENT_AFTER_S = 3.0
"""An entry older than this says nothing of the camera any more: its worker is silent."""


class Unanalysed(StrEnum):
    """Why pictures that arrive are not looked at. A camera that rests behind its gate is not among them."""

    DETECTOR_ERROR = "detector_error"
    LATE = "late"  # the detector answers long after, or not at all
    UNDECODABLE = "undecodable"
    SHED = "shed"  # this machine is overloaded, and others came first


class CameraHealth(Plain):
    """One camera as its worker sees it. Times are UTC epoch seconds; ``dropped`` counts frames by cause.

    Every received frame is analysed or dropped for a cause, or on its way. ``clock`` says where capture times come
    from, ``stream`` which one is analysed, and its state is the camera's. ``unanalysed``: pictures arrive, and those
    since ``unanalysed_since`` were not looked at, so that nobody may say that nothing was there. ``inside``: how many
    objects are in the zones of counting rules, by rule; those that are not known now are absent.
    """

    v: Literal[1] = 1
    camera_id: str
    worker_id: str
    at: float
    phase: Phase
    fault: Fault | None = None
    since: float
    attempt: int = 0
    detail: str = ""
    next_try_at: float | None = None
    last_picture_at: float | None = None
    clock: Literal["rtcp", "arrival"] = "arrival"
    received: int = 0
    analysed: int = 0
    dropped: dict[str, int] = Field(default_factory=dict)
    fps_received: float = 0.0
    fps_analysed: float = 0.0
    gate: GateState = GateState.OFF
    level: Level = Level.FULL
    stream: Literal["sub", "main"] = "sub"
    unanalysed: Unanalysed | None = None
    unanalysed_since: float | None = None
    detector: str
    inside: dict[str, int] = Field(default_factory=dict)

    def shows(self, now: float) -> bool:
        """Whether the camera can be seen and is looked at: neither its worker silent nor its picture stuck or dark."""
        return (
            self.phase is Phase.LIVE
            and self.fault not in (Fault.STUCK, Fault.DARK)
            and self.unanalysed is None
            and not self.silent(now)
        )

    def silent(self, now: float) -> bool:
        """Whether the worker has stopped writing, so that nothing here can be relied on."""
        return now - self.at > SILENT_AFTER_S


class Admission(Plain):
    """What a worker's cameras were promised against its share of the machine, or those of all against all of it.

    Analysed frames a second as promised and as the detector does them at most; ``decoding_cores``: that decoding all
    streams would take. ``load_all``: the share of the machine that is asked for if everything moves at once,
    ``load_tenth``: if a tenth of the cameras do that rest otherwise; beyond 1 it is too much.
    """

    promised_fps: float
    capacity_fps: float
    decoding_cores: float
    cores: float
    load_all: float
    load_tenth: float


class Fallback(Plain):
    """A part of the work that runs on ``used`` although the settings asked for ``asked``, or does so for some streams.

    ``cause``: a sentence of the worker's log.
    """

    part: Literal["detection", "decoding"]
    asked: str
    used: str
    cause: str


class RecordingStatus(Plain):
    """The disk that recordings lie on, bytes. ``warning``: what a person should know before it is full; ``degraded``:
    cameras that record less than their settings ask for, and what."""

    used_bytes: int
    budget_bytes: int
    free_bytes: int
    locked_bytes: int = 0
    warning: Literal["nearly_full", "full", "locked"] | None = None
    degraded: dict[str, str] = Field(default_factory=dict)


class WorkerInfo(Plain):
    """Where a worker's private port is and which cameras it holds. ``admission``: ``None`` until it is known;
    ``recording``: ``None`` where nothing is recorded; ``revision``: of the settings that it runs by."""

    url: str
    pid: int
    started_at: float
    cameras: tuple[str, ...] = ()
    admission: Admission | None = None
    fallbacks: tuple[Fallback, ...] = ()
    recording: RecordingStatus | None = None
    revision: int = 0


_Record = TypeVar("_Record", bound=Plain)


class HealthBoard:
    """Reads and writes both hashes. An entry that cannot be read is counted and logged, and the others are served.

    Raises ``redis.RedisError`` where Redis is away: no answer is not "no cameras".
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.unreadable = 0

    def write_health(self, entries: Iterable[CameraHealth]) -> None:
        """Write the state of some cameras."""
        items = [text for entry in entries for text in (entry.camera_id, entry.model_dump_json())]
        if items:
            self._client.hset(HEALTH_KEY, items=items)

    def read_health(self) -> dict[str, CameraHealth]:
        """Every camera that a worker has written, silent ones included."""
        return self._read(HEALTH_KEY, CameraHealth)

    def forget_health(self, camera_ids: Iterable[str]) -> None:
        """Remove cameras that are no longer in the settings."""
        ids = list(camera_ids)
        if ids:
            self._client.hdel(HEALTH_KEY, *ids)

    def register(self, worker_id: str, info: WorkerInfo) -> None:
        """Say where the worker can be reached."""
        self._client.hset(WORKERS_KEY, worker_id, info.model_dump_json())

    def unregister(self, worker_id: str) -> None:
        """Remove the worker, at its ordered stop."""
        self._client.hdel(WORKERS_KEY, worker_id)

    def keep_workers(self, worker_ids: Iterable[str]) -> None:
        """Remove every other worker: what a killed one has left, and nobody starts again."""
        kept = frozenset(worker_ids)
        fields = cast("list[bytes]", self._client.hkeys(WORKERS_KEY))
        if former := [field for field in fields if field.decode(errors="replace") not in kept]:
            self._client.hdel(WORKERS_KEY, *former)

    def read_workers(self) -> dict[str, WorkerInfo]:
        """Every registered worker."""
        return self._read(WORKERS_KEY, WorkerInfo)

    def _read(self, key: str, record: type[_Record]) -> dict[str, _Record]:
        raw = cast("dict[bytes, bytes]", self._client.hgetall(key))
        read: dict[str, _Record] = {}
        for field, value in raw.items():
            try:
                read[field.decode()] = record.model_validate_json(value)
            except (ValidationError, UnicodeDecodeError) as error:
                self.unreadable += 1
                log.warning(
                    "entry_unreadable", key=key, field=field.decode(errors="replace"), error=type(error).__name__
                )
        return read
