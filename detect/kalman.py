"""Constant-velocity Kalman filter over boxes, many at once, with a time step in seconds.

The filter of SORT and ByteTrack (Zhang et al. 2022, arXiv:2110.06864) with width in place of the aspect, as in
BoT-SORT (Aharon et al. 2022, arXiv:2206.14651). Their noise is diagonal, so the 8-state filter is exactly four
filters of two states (position, velocity): no matrix is built or inverted. Their noise is stated per frame at
30 fps; here it is a rate per second, since analysed frames come at 2–5 fps and irregularly. It is also less: theirs
was chosen for MOTChallenge, where cameras move too. Ours stand still, and a filter that doubts speeds as much as theirs
loses who is who at a crossing when looks are a fifth of a second apart (benchmark ``tracking``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Shares of the box's longer side; process noise per square root of a second.
_MEASURED = 1 / 20
_POSITION_DRIFT = 0.14  # half of theirs: a box gains and loses arms and legs
_VELOCITY_DRIFT = 0.26  # a quarter of theirs: a walker 1.7 m tall changes speed by some 0.4 m/s within a second
_FIRST_VELOCITY = 10 * 30 / 160

Boxes = NDArray[np.float64]


def to_centres(boxes: NDArray[np.floating]) -> Boxes:
    """``(n, 4)`` x1 y1 x2 y2 to cx cy w h."""
    corners = boxes.astype(np.float64)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


def to_corners(centres: Boxes) -> Boxes:
    """``(n, 4)`` cx cy w h to x1 y1 x2 y2; a size that the filter took below zero counts as zero."""
    halves = np.maximum(centres[:, 2:], 0) / 2
    return np.concatenate([centres[:, :2] - halves, centres[:, :2] + halves], axis=1)


class BoxFilters:
    """``n`` filters as arrays: ``position`` and ``velocity`` ``(n, 4)`` of cx cy w h, in px and px/s.

    ``variance`` ``(n, 4, 3)``: of position, of both together, of velocity.
    """

    def __init__(self) -> None:
        self.position: Boxes = np.empty((0, 4))
        self.velocity: Boxes = np.empty((0, 4))
        self.variance: NDArray[np.float64] = np.empty((0, 4, 3))

    def __len__(self) -> int:
        return len(self.position)

    def add(self, measured: Boxes) -> None:
        """Appends filters that start at ``measured`` ``(m, 4)`` and stand still, as far as they know."""
        variance = np.zeros((len(measured), 4, 3))
        scale = _scale(measured)
        variance[:, :, 0] = np.square(2 * _MEASURED * scale)
        variance[:, :, 2] = np.square(_FIRST_VELOCITY * scale)
        self.position = np.concatenate([self.position, measured])
        self.velocity = np.concatenate([self.velocity, np.zeros_like(measured)])
        self.variance = np.concatenate([self.variance, variance])

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Removes the filters that ``mask`` ``(n,)`` does not name."""
        self.position, self.velocity, self.variance = self.position[mask], self.velocity[mask], self.variance[mask]

    def predict(self, dt: float) -> None:
        """Moves all on by ``dt`` seconds, >= 0."""
        scale = np.square(_scale(self.position))
        pp, pv, vv = (self.variance[:, :, i] for i in range(3))
        self.position = self.position + dt * self.velocity
        self.variance = np.stack(
            [
                pp + 2 * dt * pv + dt * dt * vv + _POSITION_DRIFT**2 * dt * scale,
                pv + dt * vv,
                vv + _VELOCITY_DRIFT**2 * dt * scale,
            ],
            axis=2,
        )

    def update(self, which: NDArray[np.intp], measured: Boxes) -> None:
        """Corrects the filters ``which`` ``(m,)`` by ``measured`` ``(m, 4)``."""
        pp, pv, vv = (self.variance[which, :, i] for i in range(3))
        total = pp + np.square(_MEASURED * _scale(measured))
        gain, velocity_gain = pp / total, pv / total
        surprise = measured - self.position[which]
        self.position[which] += gain * surprise
        self.velocity[which] += velocity_gain * surprise
        self.variance[which] = np.stack([(1 - gain) * pp, (1 - gain) * pv, vv - velocity_gain * pv], axis=2)

    def boxes(self) -> NDArray[np.float32]:
        """Float32 ``(n, 4)`` x1 y1 x2 y2."""
        return to_corners(self.position).astype(np.float32)


def _scale(centres: Boxes) -> NDArray[np.float64]:
    """The longer side ``(n, 1)``, at least 1 px, so that an empty box has some noise too."""
    scale: NDArray[np.float64] = np.maximum(centres[:, 2:].max(axis=1, keepdims=True), 1.0)
    return scale
