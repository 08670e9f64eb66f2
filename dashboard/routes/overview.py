"""A region at a glance, and where regions lie."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from dashboard.access.guard import OverviewReader
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError
from dashboard.overview.counted import Counted
from dashboard.overview.crowds import places_of
from dashboard.overview.fold import Asked, find, overview, start_of, with_patrol
from dashboard.overview.messages import Overview, RegionOutline
from dashboard.patrol.rotation import RotationState
from dashboard.policy import Action

router = APIRouter(tags=["overview"], responses=RESPONSES)


@router.get("/api/overview")
async def region_overview(viewer: OverviewReader, deps: Deps, region: str | None = None) -> Overview:
    """Figures of the region and all below it. Without ``region``: of the narrowest that holds all the viewer covers."""
    regions = deps.settings.regions
    wanted = start_of(regions, viewer.scope) if region is None else find(regions, region)
    if region is not None and (wanted is None or not viewer.may(Action.OVERVIEW_READ, region)):
        raise ApiError(404, "not_found", "There is no such region in yours.", "Choose another.")
    asked = Asked(wanted, regions, viewer.scope, deps.regions)
    counted, told = await run_in_threadpool(_counted, deps, asked)
    raw = await deps.bus.rotation() if viewer.may(Action.PATROL_READ) else ""
    if not raw:
        return told
    return with_patrol(told, asked, deps.machine.plan, RotationState.model_validate_json(raw), counted.visits)


@router.get("/api/overview/outlines")
def outlines(viewer: OverviewReader, deps: Deps) -> list[RegionOutline]:
    """Where the regions lie that the viewer covers; empty where the settings name no outlines."""
    return [
        RegionOutline(region_id=outline.region, polygons=outline.polygons)
        for outline in deps.outlines
        if viewer.may(Action.OVERVIEW_READ, outline.region)
    ]


def _counted(deps: Parts, asked: Asked) -> tuple[Counted, Overview]:
    counted = deps.counter.now()
    key = (asked.region_id, asked.regions)
    told = counted.folded.get(key)
    if told is None:
        told = counted.folded[key] = overview(
            asked, counted, ZoneInfo(deps.settings.timezone), places_of(deps.settings)
        )
    return counted, told
