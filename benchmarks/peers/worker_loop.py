"""Ours, to set beside the peers: ingest and detection as a worker assembles them, without rules and publication.

Reads, decodes, and analyses the newest frame of each camera; as many sessions of one thread as there are cores.
``python -m benchmarks.peers.worker_loop --model FILE rtsp://…``
"""

from __future__ import annotations

import os
import sys
import time
from importlib.metadata import version

import cv2
import structlog

from benchmarks.cases.accuracy import spec_of
from benchmarks.peers.tally import Tally, asked
from configs.schema import Camera, CameraDetection, StreamSettings
from detect.detection import Detections
from detect.detector import OnnxDetector
from detect.stage import DetectionStage
from ingest.camera import CameraIngest
from ingest.frame import Frame
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.watch import Watch

MIN_SCORE, NMS_IOU = 0.25, 0.6
ALL_FPS = 30.0


def main() -> None:
    """Measure, print and stop."""
    wanted = asked(__doc__)
    cv2.setNumThreads(1)  # as in a worker
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    spec = spec_of(wanted.model)
    names = [str(index) for index in range(len(wanted.urls))]
    ledger, watch, tally = FrameLedger(names), Watch(), Tally(wanted)
    mailboxes = Mailboxes(names, ledger)

    def found(frame: Frame, detections: Detections) -> None:
        tally.analysed(int(frame.camera_id), len(detections), time.time() - frame.captured_at)

    detection = CameraDetection(fps=wanted.fps or ALL_FPS, stream="main")
    cameras = [
        CameraIngest(
            Camera(id=name, site="s", name=name, main=StreamSettings(url=url), detection=detection),
            ledger=ledger,
            frames=mailboxes,
            watch=watch,
        )
        for name, url in zip(names, wanted.urls, strict=True)
    ]
    stage = DetectionStage(
        lambda: OnnxDetector(spec, min_score=MIN_SCORE, nms_iou=NMS_IOU),
        mailboxes,
        ledger,
        found,
        sessions=os.cpu_count() or 1,
    )
    watch.start()
    stage.start()
    for camera in cameras:
        camera.start()
    tally.measure("xueliang", {"av": version("av"), "onnxruntime": version("onnxruntime")})
    for camera in cameras:
        camera.request_stop()
    mailboxes.close()
    stage.stop()
    watch.stop()
    stage.check()
    sys.stdout.flush()
    os._exit(0)  # as the peers end: a run that is still inside ONNX Runtime would be unwound, and abort


if __name__ == "__main__":
    main()
