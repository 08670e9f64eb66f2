"""From a picture to detections: the seam that the stage sees, and the ONNX implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.detection import Detections
from detect.heads import head_of
from detect.letterbox import Letterbox
from detect.nms import nms
from detect.session import OnnxSession
from ingest.frame import Picture
from models.errors import NotADetectorError
from models.manifest import Fit, ModelInput
from models.spec import ModelSpec

_PROBE_SIZE = (640, 480)
_PROBE_PEAK = 1e-6


class Detector(Protocol):
    """Finds objects on one picture. Used by one thread at a time."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names; ``Detections.classes`` are indices into them."""

    @property
    def model_id(self) -> str:
        """What an event names as its source."""

    def detect(self, picture: Picture) -> Detections:
        """What is on the picture, in its own pixels. A failure raises; it never gives an empty answer."""


class CameraDetectors(Protocol):
    """The detectors of one thread: some keep a state by camera, some do not."""

    def for_camera(self, camera_id: str) -> Detector:
        """The detector of this camera's pictures, which come to it in order."""


class OnnxDetector:
    """A detector of one session. Serves all cameras of its thread, since a picture leaves no state behind."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        min_score: float,
        nms_iou: float,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        if spec.input.fit is not Fit.TOP_LEFT:
            raise NotADetectorError(spec.id, f"fit {spec.input.fit.value!r} is not supported", "use another model")
        self._spec = spec
        self._min_score = min_score
        self._nms_iou = nms_iou
        self._head = head_of(spec)
        self._session = OnnxSession(spec, providers=providers)
        fault = self._head.fault(self._session.output_shapes)
        if fault is not None:
            raise NotADetectorError(spec.id, fault, f"this is no {spec.head} model of {len(spec.labels)} labels")
        self._fill = InputFiller(spec.input, self._session.input)

    @property
    def labels(self) -> tuple[str, ...]:
        """See :class:`Detector`."""
        return self._spec.labels

    @property
    def model_id(self) -> str:
        """See :class:`Detector`."""
        return self._spec.id

    def for_camera(self, camera_id: str) -> Detector:  # noqa: ARG002 - the seam's signature
        """See :class:`CameraDetectors`."""
        return self

    def detect(self, picture: Picture) -> Detections:
        """See :class:`Detector`. Raises ``FloatingPointError`` for an output that is not finite."""
        box = self._fill(picture)
        boxes, scores, classes = self._head.decode(self._session.run(), self._min_score)
        kept = nms(boxes, scores, classes, iou=self._nms_iou)
        return Detections(
            boxes=box.to_source(boxes[kept]),
            scores=scores[kept],
            classes=classes[kept],
            width=picture.width,
            height=picture.height,
        )

    def probe(self) -> None:
        """Runs the model once on a made-up picture.

        Raises :class:`NotADetectorError` where outputs have other shapes than stated, are not finite, or give every
        class a score of 0 whatever is shown, as a badly quantised export does.
        """
        self._fill(_ProbePicture())
        outputs = self._session.run()
        fault = self._head.fault([output.shape for output in outputs])
        if fault is None:
            peak = self._head.peak(outputs)
            if not peak >= 0:
                fault = "its scores are not finite"
            elif not _PROBE_PEAK < peak <= 1 + _PROBE_PEAK:
                fault = f"its best score on the probe picture is {peak:g}: the file is broken"
        if fault is not None:
            raise NotADetectorError(self._spec.id, fault, "replace the file or use another model")


class InputFiller:
    """Brings pictures into ``target``, float32 ``(1, 3, height, width)``, as the model wants them.

    The border is written again only when the picture's shape changes.
    """

    def __init__(self, model_input: ModelInput, target: NDArray[np.float32]) -> None:
        self._input = model_input
        self._target = target
        self._box: Letterbox | None = None
        order = slice(None) if model_input.colour == "bgr" else slice(None, None, -1)
        self._planes = [target[0, channel] for channel in range(3)][order]  # in BGR order, as pictures come
        mean = np.array(model_input.mean, np.float64)[order]
        std = np.array(model_input.std, np.float64)[order]
        self._gain = [float(model_input.scale / s) for s in std]
        self._offset = [float(-m / s) for m, s in zip(mean, std, strict=True)]

    def __call__(self, picture: Picture) -> Letterbox:
        """Fills the target; gives the geometry that takes boxes back to the picture."""
        box = Letterbox.fit(picture.width, picture.height, self._input.width, self._input.height)
        if box != self._box:
            for plane, gain, offset in zip(self._planes, self._gain, self._offset, strict=True):
                plane[:] = self._input.pad * gain + offset
            self._box = box
        pixels = picture.bgr(box.width, box.height)
        for channel, plane in enumerate(self._planes):
            view = plane[: box.height, : box.width]
            view[:] = cv2.extractChannel(pixels, channel)
            if self._gain[channel] != 1.0 or self._offset[channel] != 0.0:
                np.multiply(view, np.float32(self._gain[channel]), out=view)
                np.add(view, np.float32(self._offset[channel]), out=view)
        return box


class _ProbePicture:
    """Shapes and seeded noise: every part of a model has something to answer to."""

    width, height = _PROBE_SIZE

    def bgr(self, width: int, height: int) -> NDArray[np.uint8]:
        noise = np.random.default_rng(0).integers(0, 256, (self.height, self.width, 3), dtype=np.uint8)
        canvas = cv2.GaussianBlur(noise, (0, 0), 4)
        cv2.rectangle(canvas, (80, 200), (360, 400), (40, 40, 200), cv2.FILLED)
        cv2.ellipse(canvas, (480, 240), (50, 150), 0, 0, 360, (200, 180, 60), cv2.FILLED)
        scaled: NDArray[np.uint8] = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        return scaled
