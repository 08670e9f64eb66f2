"""What is asked of a model before it may look at cameras: that it is a detector, of kinds of things, and sees."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.heads.head import Head, Outputs, Shapes
from detect.session import Graph
from models.labels import identity_labels

_PROBE_SIZE = (640, 480)
_PROBE_PEAK = 1e-6
_MASKS = 32  # channels of the mask prototypes that YOLACT-like segmentation gives (Bolya et al. 2019)
_TASKS = {
    "segment": "a segmentation model",
    "semantic": "a segmentation model",
    "pose": "a pose model",
    "obb": "a model of rotated boxes",
    "classify": "a classification model",
}


def no_detector(graph: Graph, labels: Sequence[str]) -> str | None:
    """Why a model is no detector of the kinds of things that ``labels`` name; ``None`` where nothing speaks so."""
    fault = identity_fault(labels)
    if fault is not None:
        return fault
    task = graph.metadata.get("task", "detect")
    if task != "detect":
        return f"it is {_TASKS.get(task, 'no detector')}: its metadata says task {task!r}"
    ranks = [len(port.shape) for port in graph.outputs]
    if ranks == [2]:
        return f"it looks like a classification model: its output is {list(graph.outputs[0].shape)}"
    if ranks == [3, 4] and graph.outputs[1].shape[1] == _MASKS:
        return f"it looks like a segmentation model: its second output is {list(graph.outputs[1].shape)}"
    named = metadata_labels(graph.metadata)
    if named is None:
        return None
    fault = identity_fault(named)
    if fault is None and len(named) != len(labels):
        fault = f"its metadata names {len(named)} labels, and {len(labels)} are given"
    return fault


def identity_fault(labels: Sequence[str]) -> str | None:
    """A sentence where a label tells who somebody is, which this product does not do."""
    found = identity_labels(labels)
    if not found:
        return None
    return f"label {found[0]!r} is of identities: this product detects objects and events, never identities"


def metadata_labels(metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    """Labels that the file itself names (Ultralytics writes ``names``, a Python dictionary or list); else ``None``."""
    named = literal(metadata.get("names", ""))
    if isinstance(named, dict) and sorted(named, key=str) == sorted(range(len(named)), key=str):
        return tuple(str(named[index]) for index in range(len(named))) or None
    if isinstance(named, list | tuple) and named:
        return tuple(str(name) for name in named)
    return None


def literal(text: str) -> object:
    """The Python value that ``text`` writes down, read without running anything; ``None`` where it is none."""
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value


def of_one_picture(graph: Graph) -> Shapes:
    """The outputs' stated shapes as one picture has them, whatever the batch."""
    return [(1, *port.shape[1:]) if port.shape else () for port in graph.outputs]


def output_fault(head: Head, outputs: Outputs, *, may_be_empty: bool) -> str | None:
    """What is wrong with a model's answer to the probe picture. ``may_be_empty``: low scores do not leave the model."""
    fault = head.fault([output.shape for output in outputs])
    if fault is not None:
        return fault
    try:
        head.decode(outputs, _PROBE_PEAK)
    except IndexError as error:  # a class that has no label
        return str(error)
    except FloatingPointError:
        return "its scores or boxes are not finite"
    peak = head.peak(outputs)
    if not peak >= 0:
        return "its scores are not finite"
    if peak <= _PROBE_PEAK and not may_be_empty:
        return f"its best score on the probe picture is {peak:g}: every class scores nothing, the file is broken"
    if peak > 1 + _PROBE_PEAK:
        return f"its best score on the probe picture is {peak:g}: these are no probabilities"
    return None


def ends_with_nms(graph: Graph) -> bool:
    """Whether the file was exported with an NMS of its own (Ultralytics notes its ``args``)."""
    args = literal(graph.metadata.get("args", ""))
    return isinstance(args, dict) and args.get("nms") is True


class ProbePicture:
    """Shapes and seeded noise: every part of a model has something to answer to."""

    width, height = _PROBE_SIZE

    def bgr(self, width: int, height: int) -> NDArray[np.uint8]:
        """See :meth:`ingest.frame.Picture.bgr`."""
        noise = np.random.default_rng(0).integers(0, 256, (self.height, self.width, 3), dtype=np.uint8)
        canvas = cv2.GaussianBlur(noise, (0, 0), 4)
        cv2.rectangle(canvas, (80, 200), (360, 400), (40, 40, 200), cv2.FILLED)
        cv2.ellipse(canvas, (480, 240), (50, 150), 0, 0, 360, (200, 180, 60), cv2.FILLED)
        scaled: NDArray[np.uint8] = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        return scaled
