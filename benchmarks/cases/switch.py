"""``switch``: how soon does another camera stand in a tile, and how soon a whole wall?

``first_picture``: from the press that takes the patrol on to the first picture of the next camera in its tile, by
way of the server that decides. ``scene_first_picture``: from the press that brings the wall back from the
history page to the first picture in the last of its sixteen tiles, all of which are opened anew.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.glass import TOLD, Glass, glass
from benchmarks.report import Case, Report
from configs.schema import Camera, CameraDetection, PatrolPlan

TILES: Final = 16
CAMERAS: Final = 20
"""Those that are on no tile take turns in the first one."""
_WAIT_S: Final = 10.0


def run(quick: bool, workdir: Path) -> Report:
    """200 switches of a tile and 20 of the wall, or 15 and 3 where ``quick``."""
    switches, scenes = (15, 3) if quick else (200, 20)
    scale = f"{switches} switches of one of {TILES} tiles, {scenes} of all of them"
    report = Report("switch", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    report.notes.append(TOLD)
    with glass(TILES, workdir, cameras=CAMERAS, change=_unwatched, patrol=_patrol) as wall:
        wall.rest(3)
        report.percentiles("first_picture_ms", [_switch(wall) for _ in range(switches)], "ms", {50: 150, 95: 150})
        report.percentiles("scene_first_picture_ms", [_scene(wall) for _ in range(scenes)], "ms", {50: 600, 95: 600})
    return report


def _unwatched(_: int, camera: Camera) -> Camera:
    return camera.model_copy(update={"rules": (), "detection": CameraDetection(enabled=False)})


def _patrol(cameras: tuple[Camera, ...]) -> PatrolPlan:
    """One tile goes through the cameras that have none of their own."""
    return PatrolPlan(slots=1, dwell_s=3600, sites=tuple(dict.fromkeys(camera.site for camera in cameras[TILES - 1 :])))


def _switch(wall: Glass) -> float:
    before = wall.page.get_by_test_id("tile-1").get_attribute("data-camera")
    wall.page.get_by_test_id("rotation-next").click()
    took = float(wall.until(lambda: wall.ask("switched(argument)", before), _WAIT_S, "another camera in the tile"))
    wall.rest(0.3)
    return took


def _scene(wall: Glass) -> float:
    wall.page.locator("nav a[href='/history']").click()
    wall.page.get_by_test_id("tile-1").wait_for(state="detached")
    wall.rest(1)
    wall.page.locator("nav a[href='/']").click()
    took = float(wall.until(lambda: wall.ask("opened(argument)", TILES), _WAIT_S, "pictures in all tiles"))
    wall.rest(1)
    return took


SWITCH = Case("switch", "how soon does another camera stand in a tile, and a whole wall?", run)
