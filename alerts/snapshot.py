"""The picture of an event: its frame as JPEG, with the objects' boxes and the rule's zone or line drawn."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from alerts.event import Candidate, Event, Snapshot
from configs.schema import Line, Severity, Zone
from ingest.frame import Picture

log = structlog.get_logger(__name__)

Colour = tuple[int, int, int]

# BGR of the look's tokens --critical, --high, --medium and --low.
COLOURS: dict[Severity, Colour] = {
    Severity.CRITICAL: (0x52, 0x5A, 0xFF),
    Severity.HIGH: (0x2E, 0x9F, 0xFF),
    Severity.MEDIUM: (0x5E, 0xD3, 0xF4),
    Severity.LOW: (0xFF, 0xB3, 0x6F),
}
BOX_PX = 2
PLACE_PX = 1
SUB_PIXEL_BITS = 4


def relative_path(event: Event) -> str:
    """``snapshots/YYYY/MM/DD/<event id>.jpg``, by the UTC day of ``occurred_at``: retention removes whole days."""
    day = datetime.fromtimestamp(event.occurred_at, UTC)
    return f"snapshots/{day:%Y/%m/%d}/{event.id}.jpg"


def draw(image: NDArray[np.uint8], event: Event, place: Zone | Line | None) -> None:
    """Draw the place (thin) and the objects' boxes in the severity's colour onto ``image``, uint8 (h, w, 3) BGR."""
    colour = COLOURS[event.severity]
    match place:
        case Zone(polygon=polygon):
            cv2.polylines(image, [_fixed(polygon, image)], True, colour, PLACE_PX, cv2.LINE_AA, SUB_PIXEL_BITS)
        case Line(a=a, b=b):
            cv2.polylines(image, [_fixed((a, b), image)], False, colour, PLACE_PX, cv2.LINE_AA, SUB_PIXEL_BITS)
        case None:
            pass
    height, width = image.shape[:2]
    for seen in event.objects:
        x1, y1, x2, y2 = seen.box
        start = (round(x1 * (width - 1)), round(y1 * (height - 1)))
        end = (round(x2 * (width - 1)), round(y2 * (height - 1)))
        cv2.rectangle(image, start, end, colour, BOX_PX)


def _fixed(points: tuple[tuple[float, float], ...], image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Normalised points in OpenCV's fixed-point pixels, int32 (n, 2)."""
    height, width = image.shape[:2]
    scale = np.array([width - 1, height - 1], np.float64) * (1 << SUB_PIXEL_BITS)
    return np.rint(np.asarray(points, np.float64) * scale).astype(np.int32)


class SnapshotWriter:
    """Writes snapshots below the evidence folder; safe to call from several threads.

    Pictures wider than ``max_width`` are scaled down. A picture that cannot be written costs its event nothing but
    the picture: the event goes on without, counted and logged.
    """

    def __init__(
        self, evidence: Path, *, max_width: int = 1280, quality: int = 85, fsync: Callable[[int], None] = os.fsync
    ) -> None:
        self._evidence = evidence
        self._max_width = max_width
        self._quality = quality
        self._fsync = fsync
        self.written = 0
        self.failed = 0
        self.discarded = 0

    def attach(self, candidate: Candidate, picture: Picture, place: Zone | Line | None) -> Candidate:
        """The candidate with its snapshot written, or unchanged where that failed."""
        event = candidate.event
        try:
            snapshot = self._write(event, picture, place)
        except (OSError, cv2.error, ValueError) as error:
            self.failed += 1
            log.warning("snapshot_failed", event_id=event.id, camera_id=event.camera_id, error=str(error))
            return candidate
        self.written += 1
        return candidate.model_copy(update={"event": event.model_copy(update={"snapshot": snapshot})})

    def discard(self, candidate: Candidate) -> None:
        """Remove the picture of a candidate that was merged into another event."""
        if candidate.event.snapshot is None:
            return
        try:
            (self._evidence / candidate.event.snapshot.path).unlink(missing_ok=True)
        except OSError as error:
            # Retention removes the whole day's folder, and this file with it.
            log.warning("snapshot_not_discarded", event_id=candidate.event.id, error=str(error))
            return
        self.discarded += 1

    def counters(self) -> dict[str, int]:
        """Since the start."""
        return {"written": self.written, "failed": self.failed, "discarded": self.discarded}

    def _write(self, event: Event, picture: Picture, place: Zone | Line | None) -> Snapshot:
        scale = min(1.0, self._max_width / picture.width)
        width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        image = picture.bgr(width, height)
        draw(image, event, place)
        encoded, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if not encoded:
            raise ValueError(f"no JPEG of {width} x {height} pixels")
        data = jpeg.tobytes()
        path = relative_path(event)
        self._store(self._evidence / path, data)
        return Snapshot(path=path, sha256=hashlib.sha256(data).hexdigest(), width=width, height=height)

    def _store(self, target: Path, data: bytes) -> None:
        """All or nothing under ``target``: a temporary file beside it, flushed to the disk, then renamed."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            try:
                file.write(data)
                file.flush()
                self._fsync(file.fileno())
                temporary.rename(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
