"""A detection stage on real mailboxes and a real ledger, with a detector that does what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from detect.detection import Detections
from detect.detector import CameraDetectors, Detector
from detect.stage import DetectionStage
from ingest.frame import Frame, Picture
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.pictures import ArrayPicture

DEADLINE_S = 10.0
MakeFrame = Callable[..., Frame]


class Scripted:
    """A detector whose ``action`` runs for each picture of each camera."""

    labels = ("person",)
    model_id = "scripted"

    def __init__(self, action: Callable[[str], None], camera_id: str = "") -> None:
        self._action = action
        self._camera_id = camera_id

    def for_camera(self, camera_id: str) -> Detector:
        return Scripted(self._action, camera_id)

    def detect(self, picture: Picture) -> Detections:
        self._action(self._camera_id)
        return Detections.empty(picture.width, picture.height)


class Bench:
    """The real mailboxes and ledger around a stage, with a condition to wait on."""

    def __init__(self, cameras: str, make_frame: MakeFrame) -> None:
        self.ledger = FrameLedger(cameras)
        self.source = Mailboxes(cameras, self.ledger)
        self.results: list[tuple[str, int]] = []
        self.changed = threading.Condition()
        self._make_frame = make_frame
        self._picture = ArrayPicture(np.zeros((8, 8, 3), np.uint8))
        self.stages: list[DetectionStage] = []

    def stage(
        self,
        action: Callable[[str], None] = lambda camera_id: None,
        *,
        on_result: Callable[[Frame, Detections], None] | None = None,
        opener: Callable[[], CameraDetectors] | None = None,
        sessions: int = 1,
        failure_limit: int = 20,
    ) -> DetectionStage:
        stage = DetectionStage(
            opener or (lambda: Scripted(action)),
            self.source,
            self.ledger,
            on_result or self._note,
            sessions=sessions,
            failure_limit=failure_limit,
            now=lambda: 100.0,
        )
        self.stages.append(stage)
        return stage

    def offer(self, camera_id: str, sequence: int) -> None:
        self.ledger.received(camera_id)
        self.source.put(self._make_frame(camera_id, sequence, picture=self._picture, captured_at=99.5))

    def until_closed(self, camera_id: str, frames: int) -> None:
        def closed() -> bool:
            account = self.ledger.account(camera_id)
            return account.received - account.in_flight == frames

        self.until(closed)

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for the ledger, which cannot notify, by short waits on the results' condition."""
        with self.changed:
            for _ in range(int(DEADLINE_S / 0.01)):
                if holds():
                    return
                self.changed.wait(0.01)
        raise AssertionError("the deadline passed")

    def _note(self, frame: Frame, detections: Detections) -> None:
        with self.changed:
            self.results.append((frame.camera_id, frame.sequence))
            self.changed.notify_all()
