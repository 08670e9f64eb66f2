"""A drawn scene: a place with people and vehicles, seen by a static camera; the same seed gives the same pictures.

Pictures repeat every ``seconds``; the last leads into the first. With each comes its ground truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.simulator.scene.actor import Actor, draw_actor, shadow_of
from ingest.simulator.scene.backdrop import Backdrop, paint
from ingest.simulator.scene.brush import Brush, Image, darken
from ingest.simulator.scene.lighting import add_headlights
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.scene.places import build
from ingest.simulator.scene.route import Pose
from ingest.simulator.scene.visibility import Ownership

__all__ = ["Scene", "SceneKind", "TruthObject"]

_MIN_PIXELS = 4.0  # smaller remains at the picture's edge are no objects
_NOISE_FIELDS = 12


@dataclass(frozen=True, slots=True)
class TruthObject:
    """One object on one frame.

    ``id`` is the same while the object stays, within one turn. ``label`` is a COCO name. ``box`` is x1 y1 x2 y2,
    normalised, clipped to the picture; ``inside`` is the share of the whole box that lies in the picture. What stands
    in front of an object does not shrink its box.
    """

    id: int
    label: str
    box: tuple[float, float, float, float]
    inside: float


class Scene:
    """``width`` × ``height`` pixels at ``fps``, ``seconds`` long. ``frame(i)`` depends on nothing but its arguments.

    Ways take as long as they take: where ``seconds`` is shorter, more are under way at once, and a few seconds make a
    crowd. Twenty to thirty look natural. ``empty``: nobody moves; what is parked stays.
    """

    VERSION = 1  # raise it when pictures change: cached video is then made anew

    def __init__(
        self,
        seed: int,
        kind: SceneKind,
        night: bool,
        width: int,
        height: int,
        *,
        fps: Fraction = Fraction(25),
        seconds: int = 20,
        empty: bool = False,
    ) -> None:
        self.width, self.height = width, height
        self.fps, self.seconds = fps, seconds
        self.frame_count = int(fps * seconds)
        self.night = night
        place = build(kind, seed, width, height, float(seconds))
        self._place = replace(place, actors=()) if empty else place
        self._backdrop: Backdrop = paint(self._place, night)
        rng = np.random.default_rng((seed, 77))
        sigma = 3.2 if night else 2.0
        fields = rng.normal(0, sigma, (_NOISE_FIELDS, height + 64, width + 64, 1)).astype(np.float32)
        self._up = [np.repeat(np.clip(field, 0, 40).astype(np.uint8), 3, axis=2) for field in fields]
        self._down = [np.repeat(np.clip(-field, 0, 40).astype(np.uint8), 3, axis=2) for field in fields]
        self._noise_seed = seed

    def frame(self, index: int) -> tuple[NDArray[np.uint8], tuple[TruthObject, ...]]:
        """Picture ``(height, width, 3)`` BGR uint8 and the objects on it, far ones first; any ``index``."""
        index %= self.frame_count
        image: Image = self._backdrop.image.copy()
        present = self._present(index)
        if not self.night:
            for _, actor, _, pose in present:
                if (shadow := shadow_of(self._place.view, actor, pose)) is not None:
                    darken(image, shadow, 0.62)
        else:
            add_headlights(image, self._place.view, [(actor, pose) for _, actor, _, pose in present])
        truth: list[TruthObject] = []
        for depth, actor, number, pose in present:
            brush = Brush(image, self._backdrop.light_at(self._place.view, pose.x, pose.z))
            for part, (label, bounds) in enumerate(draw_actor(brush, self._place.view, actor, pose)):
                if (seen := self._truth((actor.id + number) * 2 + part, label, bounds)) is not None:
                    truth.append(seen)
                self._backdrop.cover(image, depth, bounds)
        self._add_noise(image, index)
        return image, tuple(truth)

    def seen(self, index: int) -> tuple[tuple[TruthObject, float], ...]:
        """Every object of a frame, parked vehicles (negative ids) included, with the share of it that is to be seen.

        The share is that of its own pixels within the picture which nothing nearer hides. Any ``index``.
        """
        index %= self.frame_count
        owners = Ownership(self.width, self.height)
        found: list[TruthObject] = []
        for number, cover in enumerate(self._backdrop.covers):
            owners.stand(cover, -1 - number)
            if (label := cover.prop.label) is not None:
                bounds = owners.bounds_of(cover.prop, self._place.view)
                if bounds is not None and (truth := self._truth(-1 - number, label, bounds)) is not None:
                    found.append(truth)
        for depth, actor, number, pose in self._present(index):
            silhouette = owners.silhouette()
            for part, (label, bounds) in enumerate(draw_actor(silhouette, self._place.view, actor, pose)):
                key = (actor.id + number) * 2 + part
                if (truth := self._truth(key, label, bounds)) is not None:
                    found.append(truth)
                owners.enter(key, silhouette.parts[part], bounds, depth, self._backdrop.covers)
        return tuple((truth, owners.share(truth.id)) for truth in found)

    def _present(self, index: int) -> list[tuple[float, Actor, int, Pose]]:
        """Depth, actor, its instance and pose, far ones first."""
        t = float(index / self.fps)
        found = []
        for actor in self._place.actors:
            for number, pose in actor.route.poses(t, float(self.seconds)):
                depth = self._place.view.depth(pose.x, pose.z)
                if depth > -8.0:  # a long vehicle whose middle is behind the camera may still be seen
                    found.append((depth, actor, number, pose))
        return sorted(found, key=lambda entry: -entry[0])

    def _truth(self, number: int, label: str, bounds: tuple[float, float, float, float]) -> TruthObject | None:
        x1, y1, x2, y2 = bounds
        a, b = max(0.0, x1), max(0.0, y1)
        c, d = min(float(self.width), x2), min(float(self.height), y2)
        if c - a < _MIN_PIXELS or d - b < _MIN_PIXELS:
            return None
        inside = (c - a) * (d - b) / ((x2 - x1) * (y2 - y1))
        return TruthObject(number, label, (a / self.width, b / self.height, c / self.width, d / self.height), inside)

    def _add_noise(self, image: Image, index: int) -> None:
        rng = np.random.default_rng((self._noise_seed, index))
        field, y, x = int(rng.integers(_NOISE_FIELDS)), int(rng.integers(64)), int(rng.integers(64))
        part = np.s_[y : y + self.height, x : x + self.width]
        cv2.add(image, self._up[field][part], dst=image)
        cv2.subtract(image, self._down[field][part], dst=image)
