"""Items of the feed on their way to the clients: each serialised once, with what a viewer must be allowed to see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dashboard.patrol.rotation import Rotation
from dashboard.policy import Action
from dashboard.regions import RegionIndex, Scope


class Rights(Protocol):
    """What :class:`dashboard.access.viewer.Viewer` answers."""

    def may(self, action: Action, region: str | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Item:
    """One item's JSON. ``region`` of ``None`` concerns everyone with the action; without an action, everyone.

    ``regions``: it concerns who covers all of them. ``key``: a later item with the same one stands for it.
    """

    json: str
    action: Action | None = None
    region: str | None = None
    regions: tuple[str, ...] = ()
    key: str = ""

    def visible(self, viewer: Rights) -> bool:
        if self.action is None:
            return True
        return viewer.may(self.action, self.region) and all(viewer.may(self.action, each) for each in self.regions)


def batch(last_id: str | None, items: list[str]) -> str:
    """:class:`dashboard.messages.Batch` from items that are JSON already."""
    cursor = "null" if last_id is None else f'"{last_id}"'
    return f'{{"v":1,"type":"batch","last_id":{cursor},"items":[{",".join(items)}]}}'


def visible_rotation(rotation: Rotation, scope: Scope, regions: RegionIndex) -> Rotation:
    """The rotation without the sites that ``scope`` does not cover."""
    if scope is None:
        return rotation

    def inside(site_id: str) -> bool:
        return regions.region_of_site.get(site_id) in scope

    return rotation.model_copy(
        update={
            "slots": tuple(slot for slot in rotation.slots if inside(slot.site_id)),
            "queue": tuple(promise for promise in rotation.queue if inside(promise.site_id)),
        }
    )
