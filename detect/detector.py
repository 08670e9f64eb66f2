"""From a picture to detections: the seam that the stage sees, and the ONNX implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from detect.accelerator import CPU, Accelerator
from detect.detection import Detections
from detect.filler import InputFiller
from detect.heads.head import Outputs
from detect.heads.registry import head_of
from detect.letterbox import Letterbox
from detect.nms import nms
from detect.probing import ProbePicture, ends_with_nms, no_detector, of_one_picture, output_fault
from detect.session import OnnxSession
from ingest.frame import Picture
from models.errors import NotADetectorError
from models.spec import ModelSpec


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


@runtime_checkable
class ManyDetector(Protocol):
    """Detectors that take pictures of several cameras in one run."""

    @property
    def batch(self) -> int:
        """How many pictures one run takes at most."""

    def detect_many(self, pictures: Sequence[Picture]) -> list[Detections]:
        """What is on each picture, in its own pixels, in their order. Raises for all of them together."""


class OnnxDetector:
    """A detector of one session. Serves all cameras of its thread, since a picture leaves no state behind.

    ``batch``: the most pictures that one run takes where the model's batch axis is free. On a processor 1 is best.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        min_score: float,
        nms_iou: float,
        accelerator: Accelerator = CPU,
        batch: int = 1,
    ) -> None:
        self._spec = spec
        self._min_score = min_score
        self._nms_iou = nms_iou
        self._head = head_of(spec)
        self._session = OnnxSession(spec, accelerator=accelerator, batch=batch)
        fault = no_detector(self._session.graph, spec.labels)
        if fault is not None:
            raise NotADetectorError(spec.id, fault, "use a model that detects kinds of objects")
        fault = self._head.fault(of_one_picture(self._session.graph))
        if fault is not None:
            raise NotADetectorError(spec.id, fault, f"this is no {spec.head} model of {len(spec.labels)} labels")
        self._fill = [InputFiller(spec.input, target) for target in self._session.input]

    @property
    def labels(self) -> tuple[str, ...]:
        """See :class:`Detector`."""
        return self._spec.labels

    @property
    def model_id(self) -> str:
        """See :class:`Detector`."""
        return self._spec.id

    @property
    def batch(self) -> int:
        """How many pictures one run takes."""
        return self._session.batch

    def for_camera(self, camera_id: str) -> Detector:  # noqa: ARG002 - the seam's signature
        """See :class:`CameraDetectors`."""
        return self

    def detect(self, picture: Picture) -> Detections:
        """See :class:`Detector`. Raises ``FloatingPointError`` for an output that is not finite."""
        return self.detect_many([picture])[0]

    def detect_many(self, pictures: Sequence[Picture]) -> list[Detections]:
        """What is on each picture, in its own pixels, with as few runs as :attr:`batch` allows. Raises as one."""
        found: list[Detections] = []
        for start in range(0, len(pictures), self.batch):
            part = pictures[start : start + self.batch]
            boxes = [fill(picture) for fill, picture in zip(self._fill, part, strict=False)]
            for picture, box, outputs in zip(part, boxes, self._session.run(len(part)), strict=True):
                found.append(self._detections(picture, box, outputs))
        return found

    def probe(self) -> None:
        """Runs the model once on made-up pictures, as many as one run takes.

        Raises :class:`NotADetectorError` where outputs have other shapes than stated, are not finite, name a class that
        has no label, or give every class a score of 0 whatever is shown, as a badly quantised export does.
        """
        for fill in self._fill:
            fill(ProbePicture())
        outputs = self._session.run(self.batch)[0]
        fault = output_fault(self._head, outputs, may_be_empty=ends_with_nms(self._session.graph))
        if fault is not None:
            raise NotADetectorError(self._spec.id, fault, "replace the file or use another model")

    def _detections(self, picture: Picture, box: Letterbox, outputs: Outputs) -> Detections:
        boxes, scores, classes = self._head.decode(outputs, self._min_score)
        if self._head.overlapping:
            kept = nms(boxes, scores, classes, iou=self._nms_iou)
        else:
            kept = np.argsort(-scores, kind="stable")
        return Detections(
            boxes=box.to_source(boxes[kept]),
            scores=scores[kept],
            classes=classes[kept],
            width=picture.width,
            height=picture.height,
        )
