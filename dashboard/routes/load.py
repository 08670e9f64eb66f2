"""Alarm load: the figures of a time, for whoever answers for the desks."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from alerts.alarms.load import STANDING_S, WORST, AlarmLoad, alarm_load
from alerts.records import EventFilter
from alerts.storage.queries import bucket_starts
from dashboard.access.guard import LoadReader
from dashboard.dependencies import Deps
from dashboard.errors import RESPONSES, ApiError

router = APIRouter(tags=["load"], responses=RESPONSES)

DAY_S = 86400.0
LONGEST_S = 93 * DAY_S
HOURS_UP_TO_S = 3 * DAY_S


@router.get("/api/alarms/load")
def load(
    viewer: LoadReader,
    deps: Deps,
    since: Annotated[float | None, Query(alias="from", description="UTC epoch seconds, inclusive")] = None,
    until: Annotated[float | None, Query(alias="to", description="UTC epoch seconds, exclusive")] = None,
    region: Annotated[list[str] | None, Query()] = None,
    operators: Annotated[int | None, Query(ge=1, le=1000, description="who share the alarms")] = None,
) -> AlarmLoad:
    """After EEMUA 191, of the regions that the account covers. Without ``to`` until now, without ``from`` a day before.

    Who shares the alarms is not on record: without ``operators``, one for each desk, or one.
    """
    end = deps.clock() if until is None else until
    start = end - DAY_S if since is None else since
    if not 600 <= end - start <= LONGEST_S:
        raise ApiError(422, "bad_span", "The time must span ten minutes to 93 days.", "Choose another time.")
    wanted = None if region is None else deps.regions.scope(region)
    scope = viewer.scope if wanted is None else wanted if viewer.scope is None else wanted & viewer.scope
    regions = None if scope is None else tuple(sorted(scope))
    rows = deps.alarms.load_rows(EventFilter(since=start, until=end, regions=regions))
    standing, oldest = deps.alarms.standing(EventFilter(until=end - STANDING_S, regions=regions), WORST)
    bucket: Literal["hour", "day"] = "hour" if end - start <= HOURS_UP_TO_S else "day"
    try:
        starts = bucket_starts(start, end, bucket, ZoneInfo(deps.settings.timezone))
    except (ValueError, OverflowError) as error:
        raise ApiError(422, "bad_span", str(error), "Choose another time.") from None
    people = operators or max(1, len(deps.keeper.tree.desks))
    return alarm_load(rows, start, end, people, starts, bucket, standing, oldest)
