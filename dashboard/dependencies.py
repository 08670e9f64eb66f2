"""What the routes are given: built once by the shell, handed out as ``Annotated`` aliases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from redis.asyncio import Redis

from alerts.alarms.shifts import ShiftStore
from alerts.alarms.store import AlarmStore
from alerts.situation_store import SituationStore
from alerts.storage.evidence import EvidenceStore
from alerts.storage.revisions import RevisionStore
from alerts.store import EventStore
from configs.outlines import Outline
from configs.schema import Settings
from dashboard.access.login_guard import LoginGuard
from dashboard.access.watch import SessionWatch
from dashboard.accounts import AccountStore
from dashboard.bus import Bus
from dashboard.desks.keeper import Keeper
from dashboard.feed.announcer import Announcer
from dashboard.feed.backlog import Backlog
from dashboard.feed.hub import Hub
from dashboard.live.proxy import LiveFigures
from dashboard.overview.counted import Counter
from dashboard.patrol.driver import Driver
from dashboard.patrol.recorder import Recorder
from dashboard.patrol.rotation import Machine
from dashboard.regions import RegionIndex
from dashboard.scenes.courier import Courier
from dashboard.scenes.store import SceneStore
from dashboard.screens.director import Director
from dashboard.screens.enrolment import Enrolment
from dashboard.setup.current import Current, Read
from dashboard.setup.saving import Saving


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the shell injects.

    ``redis`` comes from :func:`dashboard.bus.open_redis`; the app closes it. ``clock`` gives UTC epoch seconds.
    Snapshots and clips lie under ``evidence_dir``, the web build under ``web_dist``. ``owner`` names this process for
    the rotation's lease. ``settings`` are those at the start; ``read_settings`` makes those of a later revision.
    """

    settings: Settings
    store: EventStore
    accounts: AccountStore
    redis: Redis
    clock: Callable[[], float]
    evidence_dir: Path
    web_dist: Path
    version: str
    owner: str
    read_settings: Read


@dataclass(frozen=True, slots=True)
class Parts:
    """The dependencies and what the app built on them."""

    current: Current
    revisions: RevisionStore
    saving: Saving
    store: EventStore
    alarms: AlarmStore
    situations: SituationStore
    accounts: AccountStore
    clock: Callable[[], float]
    evidence_dir: Path
    version: str
    clips: EvidenceStore
    bus: Bus
    regions: RegionIndex
    machine: Machine
    hub: Hub
    driver: Driver
    patrol_recorder: Recorder
    announcer: Announcer
    shifts: ShiftStore
    keeper: Keeper
    backlog: Backlog
    counter: Counter
    outlines: tuple[Outline, ...]
    guard: LoginGuard
    watch: SessionWatch
    scenes: SceneStore
    courier: Courier
    director: Director
    enrolment: Enrolment
    live: LiveFigures = field(default_factory=LiveFigures)
    restarts: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Of the newest revision. What was built at the start goes on as it was built, but for cameras and places."""
        return self.current.settings


def parts_of(connection: HTTPConnection) -> Parts:
    parts: Parts = connection.app.state.parts
    return parts


Deps = Annotated[Parts, Depends(parts_of)]
