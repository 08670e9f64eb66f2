"""What the node is: its places and cameras, its health, its figures, its audit log."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from alerts.alarms.life import STEPS
from configs.desks import next_change
from configs.schema import Region, Settings
from dashboard.access.guard import AuditReader, CameraReader, MetricsReader, NodeReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps
from dashboard.errors import RESPONSES, BusAway
from dashboard.feed.status import camera_statuses, detector_of, fallbacks_of, readable, together
from dashboard.messages import AuditLine, AuditPage, CameraInfo, CameraStatus, Health, Node, RegionInfo, SiteInfo
from dashboard.metrics import render
from dashboard.policy import Action
from dashboard.regions import RegionIndex

router = APIRouter(tags=["node"], responses=RESPONSES)


@router.get("/healthz")
async def healthz(deps: Deps) -> Health:
    """Whether the parts behind the dashboard answer. Always 200: the body says what is wrong."""
    checks = {"redis": "ok", "store": "ok"}
    try:
        await deps.bus.ping()
    except BusAway:
        checks["redis"] = "away"
    try:
        await run_in_threadpool(deps.store.totals)
    except DBAPIError:
        checks["store"] = "away"
    return Health(status="ok" if set(checks.values()) == {"ok"} else "degraded", checks=checks)


@router.get("/metrics", response_class=Response)
async def metrics(_: MetricsReader, request: Request) -> Response:
    """Prometheus' text format."""
    return Response(render(request.app.state.registry), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/api/node")
async def node(viewer: NodeReader, deps: Deps) -> Node:
    """The settings as far as the viewer covers them, without any address or secret."""
    settings, now = deps.settings, deps.clock()
    workers = readable(await deps.bus.workers())
    statuses = camera_statuses(deps.regions.site_of_camera, await deps.bus.health(), now)
    return Node(
        title=settings.title,
        title_en=settings.title_en,
        timezone=settings.timezone,
        server_time=now,
        detector=detector_of(statuses, settings),
        admission=together(workers),
        fallbacks=fallbacks_of(workers),
        alarm_steps=STEPS,
        shift_ends_at=next_change(settings.alarms.shift_changes, now, ZoneInfo(settings.timezone)),
        version=deps.version,
        slots=settings.patrol.slots,
        regions=tuple(info for root in settings.regions for info in _regions(root, viewer)),
        sites=tuple(
            SiteInfo(
                id=site.id,
                name=site.name,
                name_en=site.name_en,
                region_id=site.region,
                lat=site.location.lat,
                lon=site.location.lon,
            )
            for site in settings.sites
            if viewer.may(Action.NODE_READ, site.region)
        ),
        cameras=_cameras(settings, deps.regions, viewer),
    )


@router.get("/api/cameras/health")
async def cameras_health(viewer: CameraReader, deps: Deps) -> list[CameraStatus]:
    """Every camera that the viewer covers, in file order, with the silence of its worker told."""
    covered = [
        camera_id
        for camera_id in deps.regions.site_of_camera
        if viewer.may(Action.CAMERA_READ, deps.regions.region_of_camera(camera_id))
    ]
    return list(camera_statuses(covered, await deps.bus.health(), deps.clock()))


@router.get("/api/audit")
def audit(
    _: AuditReader, deps: Deps, limit: int = Query(default=100, ge=1, le=500), before: float | None = None
) -> AuditPage:
    """Logins, failures and acknowledgements, newest first; ``before`` is the ``at`` of the last line seen."""
    entries = deps.accounts.audit_log(limit, before)
    return AuditPage(
        lines=tuple(
            AuditLine(
                at=entry.at,
                action=entry.action,
                username=entry.username,
                address=entry.address,
                target=entry.target,
                detail=entry.detail,
            )
            for entry in entries
        )
    )


def _regions(region: Region, viewer: Viewer) -> tuple[RegionInfo, ...]:
    """The part of the tree that the viewer covers; what lies under an uncovered region moves up."""
    children = tuple(info for child in region.children for info in _regions(child, viewer))
    if not viewer.may(Action.NODE_READ, region.id):
        return children
    return (RegionInfo(id=region.id, name=region.name, name_en=region.name_en, level=region.level, children=children),)


def _cameras(settings: Settings, regions: RegionIndex, viewer: Viewer) -> tuple[CameraInfo, ...]:
    return tuple(
        CameraInfo(
            id=camera.id,
            number=number,
            site_id=camera.site,
            region_id=regions.region_of_site[camera.site],
            name=camera.name,
            name_en=camera.name_en,
            zones=camera.zones,
            lines=camera.lines,
            streams=("sub", "main") if camera.sub is not None else ("main",),
            detection=camera.detection.enabled,
        )
        for number, camera in enumerate(settings.cameras, start=1)
        if viewer.may(Action.NODE_READ, regions.region_of_site[camera.site])
    )
