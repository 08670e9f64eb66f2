"""What a new revision of the settings does to a camera that a worker holds. Pure."""

from __future__ import annotations

from enum import IntEnum

from configs.schema import Camera, Settings
from ingest.stream_choice import smallest_object


class Touch(IntEnum):
    """The greater, the more of the camera is made anew. Its pictures go on unless it is ``STREAMS``."""

    NOTHING = 0
    RULES = 1
    STREAMS = 2


def touch(before: Camera, after: Camera, was: Settings, now: Settings) -> Touch:
    """Of one camera, as it stood in the settings that ``was`` and as it stands ``now``."""
    if (
        (before.main, before.sub, before.credentials, before.detection)
        != (after.main, after.sub, after.credentials, after.detection)
        or was.recording_of(before) != now.recording_of(after)
        or smallest_object(before) != smallest_object(after)  # by it the analysed stream is chosen
    ):
        return Touch.STREAMS
    if (before.site, before.zones, before.lines, before.rules) != (after.site, after.zones, after.lines, after.rules):
        return Touch.RULES
    same = region_of(was, before) == region_of(now, after) and was.calendar_of(before) == now.calendar_of(after)
    return Touch.NOTHING if same else Touch.RULES


def region_of(settings: Settings, camera: Camera) -> str:
    """Where the camera stands."""
    return next(site.region for site in settings.sites if site.id == camera.site)
