"""A peer: ``YOLO(onnx).predict(rtsp, stream=True)``, a loop a camera in a thread of its own, as its manual shows.

Runs in an environment of its own (:mod:`benchmarks.peers.environment`), where only this folder can be imported:
``python benchmarks/peers/ultralytics_loop.py --model yolov8n.onnx rtsp://…``. Ultralytics' loader keeps the newest
frame, and its results carry no time: the lag cannot be told. ``--fps`` is done by its own ``vid_stride``, for cameras
of 25 frames a second.
"""

from __future__ import annotations

import os
import threading

from tally import Asked, Tally, asked  # type: ignore[import-not-found]  # a script: its folder is on the path

CAMERA_FPS = 25


def watch(camera: int, wanted: Asked, tally: Tally) -> None:
    """One camera, until the measurement is over or its stream ends."""
    from ultralytics import YOLO  # type: ignore[attr-defined, import-not-found, unused-ignore]

    model = YOLO(str(wanted.model), task="detect")
    stride = 1 if wanted.fps is None else max(1, round(CAMERA_FPS / wanted.fps))
    for result in model.predict(wanted.urls[camera], stream=True, verbose=False, vid_stride=stride):
        tally.analysed(camera, len(result.boxes))
        if tally.over.is_set():
            return


def main() -> None:
    """Measure, print, and end without waiting for reads that block."""
    import onnxruntime
    import torch
    import ultralytics

    wanted = asked(__doc__)
    tally = Tally(wanted)
    for camera in range(len(wanted.urls)):
        threading.Thread(target=watch, args=(camera, wanted, tally), daemon=True).start()
    versions = {
        "ultralytics": ultralytics.__version__,
        "torch": str(torch.__version__),
        "onnxruntime": onnxruntime.__version__,
    }
    tally.measure("ultralytics loop", versions)
    os._exit(0)


if __name__ == "__main__":
    main()
