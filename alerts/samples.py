"""What cameras showed and how many were in counted zones, second by second, summed by quarters of an hour.

The historian looks at what workers say of their cameras in Redis, so that a worker that died counts as showing nothing.
Time in which nobody looked is in no sum: it is not known. Counts only; nothing here could tell one person from another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from alerts.health import CameraHealth, HealthBoard
from alerts.storage.samples import CameraSample, CrowdSample, SampleStore
from alerts.storage.schema import QUARTER_S

LONGEST_LOOK_S = 5.0
"""Between two looks that lie further apart, nobody has looked."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What was seen since the last time it was stored."""

    cameras: tuple[CameraSample, ...]
    crowds: tuple[CrowdSample, ...]


class Sampler:
    """Sums what :meth:`look` is given. Times are UTC epoch seconds."""

    def __init__(self) -> None:
        self._looked_at: float | None = None
        self._cameras: dict[tuple[int, str], CameraSample] = {}
        self._crowds: dict[tuple[int, str, str], CrowdSample] = {}

    def look(self, cameras: Mapping[str, CameraHealth], now: float) -> None:
        """Take what is said of the cameras at ``now`` for the time since the last look."""
        passed = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if not 0 < passed <= LONGEST_LOOK_S:
            return
        quarter = int(now // QUARTER_S)
        for camera_id, health in cameras.items():
            shows = health.shows(now)
            key = (quarter, camera_id)
            before = self._cameras.get(key) or CameraSample(quarter, camera_id, now - passed, 0.0, 0.0)
            self._cameras[key] = replace(
                before, observed_s=before.observed_s + passed, shown_s=before.shown_s + passed * shows
            )
            for rule_id, number in health.inside.items() if shows else ():
                crowd = self._crowds.get((*key, rule_id)) or CrowdSample(quarter, camera_id, rule_id, 0, 0, 0)
                self._crowds[(*key, rule_id)] = replace(
                    crowd, looks=crowd.looks + 1, objects=crowd.objects + number, peak=max(crowd.peak, number)
                )

    def waiting(self) -> Samples:
        """What was not stored yet."""
        return Samples(tuple(self._cameras.values()), tuple(self._crowds.values()))

    def stored(self) -> None:
        """All that waited is in the store."""
        self._cameras.clear()
        self._crowds.clear()


class SampleKeeper:
    """From Redis to the store. ``clock``: UTC epoch seconds; what raises is Redis' or the database's."""

    def __init__(self, board: HealthBoard, store: SampleStore, clock: Callable[[], float]) -> None:
        self._board = board
        self._store = store
        self._clock = clock
        self._sampler = Sampler()

    def look(self) -> None:
        """About once a second."""
        self._sampler.look(self._board.read_health(), self._clock())

    def keep(self) -> None:
        """Now and then; what a killed process had not kept is lost."""
        waiting = self._sampler.waiting()
        self._store.add(waiting.cameras, waiting.crowds)
        self._sampler.stored()

    def forget(self, before: float) -> None:
        """Remove what is older."""
        self._store.forget(before)
