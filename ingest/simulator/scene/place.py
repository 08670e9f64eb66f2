"""What a place consists of: ground, things that stand on it, lamps, and who moves through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ingest.simulator.scene.actor import Actor
from ingest.simulator.scene.brush import Brush, Colour
from ingest.simulator.scene.view import Points, View


class SceneKind(StrEnum):
    """What a scene shows."""

    STREET = "street"
    SQUARE = "square"
    MARKET = "market"
    BRIDGE = "bridge"
    YARD = "yard"


Draw = Callable[[Brush, View], None]


@dataclass(frozen=True)
class Patch:
    """A flat polygon on the ground, ``(n, 2)`` x and z in metres."""

    points: Points
    colour: Colour


@dataclass(frozen=True)
class Prop:
    """Something that stands at ``(x, z)``. ``shadow``: radius and height in metres of what throws one, or ``None``.

    ``lights`` is drawn at night with its colours unchanged. What ``covers`` hides whoever passes behind it. ``label``:
    the COCO name of what stands there, where a detector is to find it.
    """

    x: float
    z: float
    draw: Draw
    shadow: tuple[float, float] | None = None
    lights: Draw | None = None
    covers: bool = True
    label: str | None = None


@dataclass(frozen=True)
class Place:
    """Everything of a scene but the time of day."""

    view: View
    ground: Colour
    patches: tuple[Patch, ...]
    props: tuple[Prop, ...]
    lamps: tuple[tuple[float, float], ...]
    actors: tuple[Actor, ...]
    seed: int
