"""``switch``: how soon does another camera stand in a tile, and how soon a whole wall?

``first_picture``: from the press that takes the patrol on to the first picture of the next camera in its tile, by
way of the server that decides. ``scene_first_picture``: from the press on a saved scene in its list to the first
picture in the last of its sixteen tiles; the two scenes that take turns have no camera in common.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.glass import TOLD, Glass, glass
from benchmarks.report import Case, Report
from configs.schema import Camera, CameraDetection, PatrolPlan

TILES: Final = 16
CAMERAS: Final = 2 * TILES
"""The second half makes the other scene."""
TURNS: Final = 4
"""So many of those that are on no tile take turns in the first one."""
SCENES: Final = ("scene A", "scene B")
_WAIT_S: Final = 10.0


def run(quick: bool, workdir: Path) -> Report:
    """200 switches of a tile and 20 of the wall, or 15 and 3 where ``quick``."""
    switches, scenes = (15, 3) if quick else (200, 20)
    scale = f"{switches} switches of one of {TILES} tiles, {scenes} of all of them"
    report = Report("switch", datetime.now(UTC).isoformat(timespec="seconds"), quick, scale)
    report.notes += [TOLD, "scenes: two saved ones without a camera in common, opened by a press in the list of scenes"]
    with glass(TILES, workdir, cameras=CAMERAS, change=_unwatched, patrol=_patrol) as wall:
        wall.rest(3)
        report.percentiles("first_picture_ms", [_switch(wall) for _ in range(switches)], "ms", {50: 150, 95: 150})
        _save_scenes(wall)
        taken = [_scene(wall, number) for number in range(scenes)]
        report.percentiles("scene_first_picture_ms", taken, "ms", {50: 600, 95: 600})
    return report


def _unwatched(_: int, camera: Camera) -> Camera:
    return camera.model_copy(update={"rules": (), "detection": CameraDetection(enabled=False)})


def _patrol(cameras: tuple[Camera, ...]) -> PatrolPlan:
    """One tile goes through the cameras that have none of their own."""
    turning = cameras[TILES - 1 : TILES + TURNS]
    return PatrolPlan(slots=1, dwell_s=3600, sites=tuple(dict.fromkeys(camera.site for camera in turning)))


def _switch(wall: Glass) -> float:
    before = wall.page.get_by_test_id("tile-1").get_attribute("data-camera")
    wall.page.get_by_test_id("rotation-next").click()
    took = float(wall.until(lambda: wall.ask("switched(argument)", before), _WAIT_S, "another camera in the tile"))
    wall.rest(0.3)
    return took


def _save_scenes(wall: Glass) -> None:
    """And opens the second: what the patrol left may have cameras where the first counted scene has them."""
    with wall.client() as client:
        region = client.get("/api/node").raise_for_status().json()["regions"][0]["id"]
        for name, tiles in zip(SCENES, _tiles(wall), strict=True):
            scene = {"name": name, "region": region, "layout": str(TILES), "tiles": tiles}
            client.post("/api/scenes", json=scene).raise_for_status()
    wall.page.keyboard.press("w")
    _press(wall, SCENES[1])
    wall.until(lambda: set(_tiles(wall)[1]) <= set(wall.ask("live()")), 45, "the scene to begin with")
    wall.rest(2)


def _tiles(wall: Glass) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return wall.cameras[:TILES], wall.cameras[TILES:]


def _press(wall: Glass, scene: str) -> None:
    wall.page.get_by_test_id("scene").filter(has_text=scene).get_by_role("button").first.click()


def _scene(wall: Glass, number: int) -> float:
    """The scenes take turns."""
    _press(wall, SCENES[number % 2])
    tiles = _tiles(wall)[number % 2]
    took = float(wall.until(lambda: wall.ask("opened(argument)", tiles), _WAIT_S, "pictures in all tiles"))
    wall.rest(2)
    return took


SWITCH = Case("switch", "how soon does another camera stand in a tile, and a whole wall?", run)
