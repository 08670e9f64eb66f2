"""A peer: cameras in threads, OpenCV's ``VideoCapture``, ONNX Runtime and ``NMSBoxes``, as tutorials write it.

YOLOX only. One session with default options is shared by all threads, as ONNX Runtime recommends. Lag: how much later
than the first frame, by the stream's own times, the newest one is looked at. Standalone:
``python -m benchmarks.peers.cv2_loop --model yolox_nano_416.onnx rtsp://…``
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks.peers.tally import Asked, Tally, asked

STRIDES = (8, 16, 32)
MIN_SCORE, NMS_IOU = 0.25, 0.6


class Yolox:
    """The model with its pre- and post-processing."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self.session = session
        self.input = session.get_inputs()[0].name
        self.height, self.width = session.get_inputs()[0].shape[2:]
        cells, sizes = [], []
        for stride in STRIDES:
            x, y = np.meshgrid(np.arange(self.width // stride), np.arange(self.height // stride))
            cells.append(np.stack((x, y), 2).reshape(-1, 2))
            sizes.append(np.full((len(cells[-1]), 1), stride))
        self.cells, self.sizes = np.concatenate(cells), np.concatenate(sizes)

    def __call__(self, frame: NDArray[np.uint8]) -> list[tuple[list[float], float, int]]:
        """Boxes x, y, width, height in the frame's pixels, scores and classes."""
        ratio = min(self.width / frame.shape[1], self.height / frame.shape[0])
        width, height = int(frame.shape[1] * ratio), int(frame.shape[0] * ratio)
        padded = np.full((self.height, self.width, 3), 114, np.uint8)
        padded[:height, :width] = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
        blob = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        out: NDArray[Any] = self.session.run(None, {self.input: blob})[0][0]
        centres = (out[:, :2] + self.cells) * self.sizes
        spans = np.exp(out[:, 2:4]) * self.sizes
        boxes = np.concatenate((centres - spans / 2, spans), 1) / ratio
        scores = out[:, 4:5] * out[:, 5:]
        classes = scores.argmax(1)
        best = scores[np.arange(len(scores)), classes]
        kept = best > MIN_SCORE
        boxes, best, classes = boxes[kept], best[kept], classes[kept]
        chosen = cv2.dnn.NMSBoxesBatched(boxes.tolist(), best.tolist(), classes.tolist(), MIN_SCORE, NMS_IOU)
        return [(boxes[i].tolist(), float(best[i]), int(classes[i])) for i in np.asarray(chosen, int).reshape(-1)]


def watch(camera: int, wanted: Asked, model: Yolox, tally: Tally) -> None:
    """One camera, until the measurement is over or its stream ends."""
    capture = cv2.VideoCapture(wanted.urls[camera], cv2.CAP_FFMPEG)
    began: float | None = None
    due = 0.0
    while not tally.over.is_set() and capture.grab():
        media = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if began is None:
            began = time.monotonic() - media
        if wanted.fps is not None:
            if media < due:
                continue
            due = max(due, media - 1 / wanted.fps) + 1 / wanted.fps
        shown, frame = capture.retrieve()
        if shown:
            found = model(frame)  # type: ignore[arg-type]  # uint8 by default
            tally.analysed(camera, len(found), time.monotonic() - began - media)
    capture.release()


def main() -> None:
    """Measure, print, and end without waiting for reads that block."""
    wanted = asked(__doc__)
    model = Yolox(ort.InferenceSession(str(wanted.model), providers=["CPUExecutionProvider"]))
    tally = Tally(wanted)
    for camera in range(len(wanted.urls)):
        threading.Thread(target=watch, args=(camera, wanted, model, tally), daemon=True).start()
    tally.measure("cv2 loop", {"opencv": cv2.__version__, "onnxruntime": ort.__version__})
    os._exit(0)


if __name__ == "__main__":
    main()
