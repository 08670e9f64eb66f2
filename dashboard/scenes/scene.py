"""A scene: which cameras stand where, under a name. Pure.

Tiles are counted as they are read: left to right, top to bottom; in ``1+5`` and ``1+7`` the large one is the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from alerts.event import Plain
from configs.section import Identifier, Name

Layout = Literal["1", "4", "9", "16", "25", "1+5", "1+7"]
TILES: dict[Layout, int] = {"1": 1, "4": 4, "9": 9, "16": 16, "25": 25, "1+5": 6, "1+7": 8}
SCENES_A_REGION = 200


class Arrangement(Plain):
    """Camera ids by tile, ``None`` where a tile is empty. A camera stands in one tile only."""

    layout: Layout
    tiles: Annotated[tuple[Identifier | None, ...], Field(min_length=1, max_length=25)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.tiles) != TILES[self.layout]:
            raise ValueError(f"layout {self.layout} has {TILES[self.layout]} tiles, not {len(self.tiles)}")
        cameras = self.cameras()
        if not cameras:
            raise ValueError("no tile has a camera")
        if len(set(cameras)) < len(cameras):
            raise ValueError("a camera stands in two tiles")
        return self

    def cameras(self) -> tuple[str, ...]:
        """Those that are shown, in the order of the tiles."""
        return tuple(camera for camera in self.tiles if camera is not None)


class SceneDraft(Arrangement):
    """A scene as its maker writes it. ``region``: whose scene it is; who covers the region finds it."""

    name: Name
    region: Identifier


class Scene(Plain):
    """A scene as it is kept and shown. To who may not watch a camera its tile is empty, and ``hidden`` counts it."""

    id: str
    name: str
    region: str
    layout: Layout
    tiles: tuple[str | None, ...]
    made_by: str
    made_by_name: str
    made_at: float
    hidden: int = 0

    def seen(self, may_watch: Callable[[str], bool]) -> Scene:
        """As somebody sees it who may watch only some cameras."""
        tiles = tuple(camera if camera is not None and may_watch(camera) else None for camera in self.tiles)
        hidden = sum(was is not None and now is None for was, now in zip(self.tiles, tiles, strict=True))
        return self.model_copy(update={"tiles": tiles, "hidden": hidden})
