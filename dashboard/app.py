"""The application: parts built on what is injected, routes with their policies, loops with their supervision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from alerts.alarms.shifts import ShiftStore
from alerts.alarms.store import AlarmStore
from alerts.situation_store import SituationStore
from alerts.storage.evidence import EvidenceStore
from alerts.storage.revisions import RevisionStore
from alerts.storage.samples import SampleStore
from alerts.storage.tallies import Tallies
from alerts.store import EventStore, UnknownEvent
from configs.outlines import Outline
from configs.outlines import read as read_outlines
from configs.schema import Settings
from dashboard import errors, metrics, static
from dashboard.access.coverage import require_policies
from dashboard.access.login_guard import LoginGuard
from dashboard.access.security import Security
from dashboard.access.watch import SessionWatch
from dashboard.bus import Bus
from dashboard.dependencies import Dependencies, Parts
from dashboard.desks.keeper import Keeper
from dashboard.feed.announcer import Announcer
from dashboard.feed.backlog import Backlog
from dashboard.feed.hub import Hub
from dashboard.overview.counted import DAY_S, Counter
from dashboard.patrol.driver import Driver
from dashboard.patrol.log import VisitLog
from dashboard.patrol.recorder import Recorder
from dashboard.patrol.rotation import Machine, Plan
from dashboard.regions import RegionIndex
from dashboard.routes import (
    alarms,
    desks,
    events,
    load,
    node,
    overview,
    recordings,
    rotation,
    scenes,
    screens,
    sendings,
    session,
    setup,
    situations,
    sockets,
)
from dashboard.scenes.courier import Courier
from dashboard.scenes.store import SceneStore
from dashboard.screens.director import Director
from dashboard.screens.enrolment import Enrolment
from dashboard.setup.current import Current
from dashboard.setup.saving import Saving

log = structlog.get_logger(__name__)

RESTART_S = 1.0
_LOOKUP_TRIES = 5
_LOOKUP_RETRY_S = 0.3


def create_app(deps: Dependencies) -> FastAPI:
    """Raises :class:`dashboard.access.coverage.Unguarded` when a route has no policy."""
    parts = _parts(deps)
    app = routes(title=deps.settings.title_en, version=deps.version)
    app.router.lifespan_context = _lifespan
    app.state.parts = parts
    app.state.registry = metrics.registry(
        {
            "feed": parts.hub.figures,
            "live": parts.live.as_dict,
            "patrol": parts.driver.figures,
            "visits": parts.patrol_recorder.figures,
            "announcer": parts.announcer.figures,
            "desks": parts.keeper.figures,
            "screens": parts.director.figures,
            "sendings": parts.courier.figures,
            "settings": parts.current.figures,
            "sessions": parts.watch.figures,
            "restarts": lambda: parts.restarts,
        }
    )
    app.include_router(static.router(deps.web_dist))
    require_policies(app)
    return app


def routes(title: str, version: str) -> FastAPI:
    """The API without anything behind it: what its description needs."""
    app = FastAPI(title=title, version=version, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Security)
    errors.install(app)
    for module in (
        session,
        node,
        events,
        alarms,
        situations,
        desks,
        load,
        overview,
        recordings,
        rotation,
        scenes,
        screens,
        sendings,
        setup,
        sockets,
    ):
        app.include_router(module.router)
    return app


def _parts(deps: Dependencies) -> Parts:
    bus = Bus(deps.redis)
    regions = RegionIndex.of(deps.settings)
    machine = Machine(Plan.of(deps.settings))
    revisions = RevisionStore(deps.store.engine, deps.clock)

    def follow(settings: Settings) -> None:
        regions.follow(settings)
        machine.follow(Plan.of(settings))
        keeper.follow(settings)
        courier.follow(settings)
        director.follow(settings)

    lookup = _region_lookup(deps.store)
    current = Current(deps.settings, revisions, deps.read_settings, follow)
    hub = Hub(bus, regions, machine, lookup, deps.clock, lambda: current.number)
    alarms, shifts = AlarmStore(deps.store.engine), ShiftStore(deps.store.engine)
    announcer = Announcer(bus)
    driver = Driver(bus, machine, deps.owner, deps.clock, hub.rotation_stored)
    keeper = Keeper(deps.settings, bus, alarms, shifts, hub.viewers, announcer.announce, deps.clock)
    courier = Courier(deps.settings, bus, hub.keep, hub.forget, deps.clock)
    director = Director(deps.settings, bus, hub.viewers, hub.keep, hub.forget, deps.clock)
    visits = VisitLog(deps.store.engine, deps.clock)
    return Parts(
        current=current,
        revisions=revisions,
        saving=Saving(revisions, deps.read_settings),
        store=deps.store,
        alarms=alarms,
        situations=SituationStore(deps.store.engine),
        accounts=deps.accounts,
        clock=deps.clock,
        evidence_dir=deps.evidence_dir,
        version=deps.version,
        clips=EvidenceStore(deps.store.engine, deps.clock),
        bus=bus,
        regions=regions,
        machine=machine,
        hub=hub,
        driver=driver,
        patrol_recorder=Recorder(bus, driver, visits, deps.settings.retention.samples_days * DAY_S, deps.clock),
        announcer=announcer,
        shifts=shifts,
        keeper=keeper,
        backlog=Backlog(bus, deps.store, hub.reader, lookup),
        counter=Counter(
            Tallies(deps.store.engine),
            visits,
            SampleStore(deps.store.engine, deps.clock),
            lambda: tuple(regions.subtree),
            ZoneInfo(deps.settings.timezone),
            deps.clock,
        ),
        outlines=_outlines(deps.settings, frozenset(regions.subtree)),
        guard=LoginGuard(deps.clock),
        watch=SessionWatch(deps.accounts),
        scenes=SceneStore(deps.store.engine, deps.clock),
        courier=courier,
        director=director,
        enrolment=Enrolment(deps.store.engine, deps.clock),
    )


def _outlines(settings: Settings, regions: frozenset[str]) -> tuple[Outline, ...]:
    """Raises :class:`configs.outlines.BadOutlines`, where the file has changed since the settings were read."""
    return () if settings.map.outlines is None else read_outlines(settings.map.outlines, regions)


def _region_lookup(store: EventStore) -> Callable[[str], Awaitable[str | None]]:
    """Where an event happened; ``None`` for one that the store does not know, or when it stays away."""

    async def lookup(event_id: str) -> str | None:
        for _ in range(_LOOKUP_TRIES):
            try:
                return (await run_in_threadpool(store.get, event_id)).region_id
            except UnknownEvent:
                log.info("event_not_stored_yet", event_id=event_id)
            except DBAPIError as error:
                log.warning("region_lookup_failed", event_id=event_id, cause=type(error.orig).__name__)
            await asyncio.sleep(_LOOKUP_RETRY_S)
        return None

    return lookup


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Starts the feed, then what feeds it; stops in the opposite order, one after the other."""
    parts: Parts = app.state.parts
    loops = {
        "hub": parts.hub.run,
        "sessions": parts.watch.run,
        "rotation": parts.driver.run,
        "visits": parts.patrol_recorder.run,
        "announcer": parts.announcer.run,
        "desks": parts.keeper.run,
        "screens": parts.director.run,
        "sendings": parts.courier.run,
        "settings": parts.current.run,
    }
    running = {name: asyncio.create_task(_supervised(name, run, parts.restarts)) for name, run in loops.items()}
    try:
        yield
    finally:
        for name, task in reversed(running.items()):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            log.info("stopped", part=name)
        await parts.bus.close()


async def _supervised(name: str, run: Callable[[], Awaitable[None]], restarts: dict[str, int]) -> None:
    """Starts a loop again that failed: logged and counted, never silent. Ends when cancelled."""
    restarts[name] = 0
    while True:
        try:
            await run()
        except Exception as error:
            log.error("loop_failed", part=name, kind=type(error).__name__, exc_info=error)
        restarts[name] += 1
        await asyncio.sleep(RESTART_S)
