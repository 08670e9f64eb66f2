"""The region tree as an index: which regions lie under which, and which region a camera or site stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from configs.schema import Region, Settings

EVERYWHERE = "*"
"""An account that names this region sees all of them, those added later too."""

Scope = frozenset[str] | None
"""The region ids that a viewer covers, subtrees resolved; ``None`` is everywhere."""


def _walk(region: Region) -> Iterator[Region]:
    yield region
    for child in region.children:
        yield from _walk(child)


@dataclass(slots=True)
class RegionIndex:
    """Built from the settings, and again from newer ones (:meth:`follow`). ``subtree`` maps a region to itself and
    everything under it."""

    subtree: dict[str, frozenset[str]]
    region_of_site: dict[str, str]
    site_of_camera: dict[str, str]

    @classmethod
    def of(cls, settings: Settings) -> RegionIndex:
        subtree = {
            region.id: frozenset(below.id for below in _walk(region))
            for root in settings.regions
            for region in _walk(root)
        }
        return cls(
            subtree=subtree,
            region_of_site={site.id: site.region for site in settings.sites},
            site_of_camera={camera.id: camera.site for camera in settings.cameras},
        )

    def follow(self, settings: Settings) -> None:
        """By these settings from now on. Each mapping is replaced as a whole."""
        new = RegionIndex.of(settings)
        self.subtree, self.region_of_site = new.subtree, new.region_of_site
        self.site_of_camera = new.site_of_camera

    def region_of_camera(self, camera_id: str) -> str | None:
        """``None`` for a camera that the settings do not name."""
        site = self.site_of_camera.get(camera_id)
        return None if site is None else self.region_of_site.get(site)

    def scope(self, region_ids: Iterable[str]) -> Scope:
        """What an account with these regions covers. A region that is no longer in the tree covers only itself."""
        ids = tuple(region_ids)
        if EVERYWHERE in ids:
            return None
        return frozenset().union(*(self.subtree.get(region, frozenset({region})) for region in ids))
