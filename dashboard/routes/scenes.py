"""Scenes: arrangements of cameras under a name, of one region."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from fastapi import APIRouter, Request

from dashboard.access.guard import SceneMaker, SceneReader
from dashboard.access.viewer import Viewer
from dashboard.dependencies import Deps, Parts
from dashboard.errors import RESPONSES, ApiError, not_found
from dashboard.messages import Done
from dashboard.policy import Action
from dashboard.routes.session import address_of
from dashboard.scenes.scene import SCENES_A_REGION, Arrangement, Scene, SceneDraft
from dashboard.scenes.store import SceneExists, SceneUnknown, TooManyScenes

router = APIRouter(prefix="/api/scenes", tags=["scenes"], responses=RESPONSES)


def watches(viewer: Viewer, deps: Parts) -> Callable[[str], bool]:
    """Whether the viewer may watch a camera; one that the settings do not name cannot be watched."""

    def may(camera_id: str) -> bool:
        region = deps.regions.region_of_camera(camera_id)
        return region is not None and viewer.may(Action.CAMERA_WATCH, region)

    return may


def require_watched(viewer: Viewer, deps: Parts, arrangement: Arrangement) -> None:
    """404 for a camera that the viewer may not watch: nobody shows others what they must not see themselves."""
    may = watches(viewer, deps)
    if not all(may(camera) for camera in arrangement.cameras()):
        raise not_found("camera")


@router.get("")
def scenes(viewer: SceneReader, deps: Deps) -> tuple[Scene, ...]:
    """The scenes of every region that the account covers, by region and name."""
    may = watches(viewer, deps)
    return tuple(scene.seen(may) for scene in deps.scenes.all() if viewer.may(Action.SCENE_READ, scene.region))


@router.post("")
def make(viewer: SceneMaker, request: Request, deps: Deps, body: SceneDraft) -> Scene:
    """409 where the region has a scene of that name already, or as many as it may."""
    scene = _drafted(viewer, deps, body, str(uuid.uuid4()))
    try:
        deps.scenes.add(scene)
    except SceneExists:
        raise _exists(scene) from None
    except TooManyScenes:
        raise ApiError(
            409,
            "too_many_scenes",
            f"The region has {SCENES_A_REGION} scenes, and takes no more.",
            "Delete one that nobody needs.",
        ) from None
    deps.accounts.record("scene.make", viewer.account.username, address_of(request), scene.id, scene.name)
    return scene


@router.put("/{scene_id}")
def change(viewer: SceneMaker, request: Request, deps: Deps, scene_id: str, body: SceneDraft) -> Scene:
    """409 for who does not see all of it: what they leave out would be lost unseen."""
    _whole(viewer, deps, scene_id)
    scene = _drafted(viewer, deps, body, scene_id)
    try:
        deps.scenes.replace(scene)
    except SceneExists:
        raise _exists(scene) from None
    except SceneUnknown:
        raise not_found("scene") from None
    deps.accounts.record("scene.change", viewer.account.username, address_of(request), scene.id, scene.name)
    return scene


@router.delete("/{scene_id}")
def remove(viewer: SceneMaker, request: Request, deps: Deps, scene_id: str) -> Done:
    """Screens that show it go on: they hold what was pushed."""
    scene = _whole(viewer, deps, scene_id)
    try:
        deps.scenes.remove(scene_id)
    except SceneUnknown:
        raise not_found("scene") from None
    deps.accounts.record("scene.delete", viewer.account.username, address_of(request), scene_id, scene.name)
    return Done()


def _drafted(viewer: Viewer, deps: Parts, draft: SceneDraft, scene_id: str) -> Scene:
    if draft.region not in deps.regions.subtree or not viewer.may(Action.SCENE_MAKE, draft.region):
        raise not_found("region")
    require_watched(viewer, deps, draft)
    return Scene(
        id=scene_id,
        name=draft.name,
        region=draft.region,
        layout=draft.layout,
        tiles=draft.tiles,
        made_by=viewer.account.id,
        made_by_name=viewer.account.display_name,
        made_at=deps.clock(),
    )


def _whole(viewer: Viewer, deps: Parts, scene_id: str) -> Scene:
    try:
        scene = deps.scenes.get(scene_id)
    except SceneUnknown:
        raise not_found("scene") from None
    if not viewer.may(Action.SCENE_MAKE, scene.region):
        raise not_found("scene")
    may = watches(viewer, deps)
    if not all(may(camera) for camera in scene.tiles if camera is not None and deps.regions.region_of_camera(camera)):
        raise ApiError(
            409,
            "scene_not_whole",
            "This scene holds cameras that this account may not watch.",
            "Save it under another name, or ask who made it.",
        )
    return scene


def _exists(scene: Scene) -> ApiError:
    return ApiError(
        409, "scene_exists", f"The region has a scene named {scene.name!r} already.", "Choose another name."
    )
