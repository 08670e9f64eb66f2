"""From a picture to detections: the seam that the stage sees, and the ONNX implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import structlog

from detect.accelerator import CPU, Accelerator
from detect.detection import Detections
from detect.filler import InputFiller
from detect.fitting import fitted
from detect.heads.head import Head, Outputs
from detect.heads.registry import head_of
from detect.letterbox import Letterbox
from detect.nms import nms
from detect.probing import ProbePicture, ends_with_nms, no_detector, of_one_picture, output_fault
from detect.session import RUN_ERRORS, OnnxSession, first_line
from ingest.frame import Picture
from models.errors import ModelError, NotADetectorError
from models.manifest import ModelInput
from models.spec import ModelSpec

_log = structlog.get_logger(__name__)
SIZES = 8
"""Of a model's input, at most, in one detector: cameras have few shapes, photographs many."""


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


class _Lane:
    """A session with its head and what fills it: the model at one size of its input."""

    def __init__(self, spec: ModelSpec, accelerator: Accelerator, batch: int, at: ModelInput | None = None) -> None:
        spec = spec if at is None else replace(spec, input=at)
        self.head = head_of(spec)
        self.session = OnnxSession(spec, accelerator=accelerator, batch=batch, at=at)
        self.fill = [InputFiller(spec.input, target) for target in self.session.input]

    def probe(self) -> str | None:
        """What is wrong with the answer to made-up pictures, as many as one run takes."""
        for fill in self.fill:
            fill(ProbePicture())
        outputs = self.session.run(len(self.fill))[0]
        return output_fault(self.head, outputs, may_be_empty=ends_with_nms(self.session.graph))


class OnnxDetector:
    """A detector of one session. Serves all cameras of its thread, since a picture leaves no state behind.

    ``batch``: the most pictures that one run takes where the model's batch axis is free. On a processor 1 is best.
    ``fit``: pictures that leave much of the input empty get a smaller one (:mod:`detect.fitting`), on a processor and
    with one picture a run; a session for each size, up to :data:`SIZES`, opened with the first such picture. A model
    that cannot be had smaller stays whole, and the log says so once.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        min_score: float,
        nms_iou: float,
        accelerator: Accelerator = CPU,
        batch: int = 1,
        fit: bool = True,
    ) -> None:
        self._spec = spec
        self._min_score = min_score
        self._nms_iou = nms_iou
        self._accelerator = accelerator
        self._whole = _Lane(spec, accelerator, batch)
        graph = self._whole.session.graph
        fault = no_detector(graph, spec.labels)
        if fault is not None:
            raise NotADetectorError(spec.id, fault, "use a model that detects kinds of objects")
        fault = self._whole.head.fault(of_one_picture(graph))
        if fault is not None:
            raise NotADetectorError(spec.id, fault, f"this is no {spec.head} model of {len(spec.labels)} labels")
        self._fit = fit and accelerator.name == "cpu" and self.batch == 1
        self._lanes = {(spec.input.width, spec.input.height): self._whole}

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
        return self._whole.session.batch

    @property
    def sizes(self) -> int:
        """At how many sizes of the input it runs so far."""
        return len(self._lanes)

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
            lane = self._lane(part[0])
            boxes = [fill(picture) for fill, picture in zip(lane.fill, part, strict=False)]
            for picture, box, outputs in zip(part, boxes, lane.session.run(len(part)), strict=True):
                found.append(self._detections(lane.head, picture, box, outputs))
        return found

    def probe(self) -> None:
        """Runs the model once on made-up pictures, as many as one run takes.

        Raises :class:`NotADetectorError` where outputs have other shapes than stated, are not finite, name a class that
        has no label, or give every class a score of 0 whatever is shown, as a badly quantised export does.
        """
        fault = self._whole.probe()
        if fault is not None:
            raise NotADetectorError(self._spec.id, fault, "replace the file or use another model")

    def _lane(self, picture: Picture) -> _Lane:
        """The smallest that the picture goes into; the whole where nothing is fitted."""
        if not self._fit:
            return self._whole
        size = fitted(self._spec.input, picture.width, picture.height)
        lane = self._lanes.get(size)
        if lane is None and len(self._lanes) < SIZES:
            lane = self._open(size)
        return lane or self._whole

    def _open(self, size: tuple[int, int]) -> _Lane:
        """Where the model cannot be had so, no other size is tried."""
        at = self._spec.input.model_copy(update={"width": size[0], "height": size[1]})
        try:
            lane = _Lane(self._spec, self._accelerator, 1, at)
            fault = lane.probe()
        except (ModelError, *RUN_ERRORS) as error:  # type: ignore[misc]  # RUN_ERRORS is a tuple of types
            lane, fault = self._whole, first_line(error)
        if fault is not None:
            _log.info("model_has_one_size", model=self._spec.id, wanted=f"{size[0]} x {size[1]}", fault=fault)
            self._fit = False
            return self._whole
        self._lanes[size] = lane
        return lane

    def _detections(self, head: Head, picture: Picture, box: Letterbox, outputs: Outputs) -> Detections:
        boxes, scores, classes = head.decode(outputs, self._min_score)
        if head.overlapping:
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
