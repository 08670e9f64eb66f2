"""Which family a model is of, by the shapes of its outputs for one picture; and how families are usually fed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.heads import fastestdet, nanodet, yolox
from detect.heads.head import Outputs, grid_points
from models.manifest import Fit, Triple

_QUERIES_MOST = 1000  # end-to-end models give 100 to 900 rows; a grid of points has more, or a count of its own
_PLUS_BINS = 8  # bins a side of NanoDet-Plus, where only their number together with the labels' can be seen
_SHARE_MOST = 2.0  # a box may reach beyond the picture, but not by its whole width
_DECODED_MEDIAN = 16.0  # offsets from a grid point are a few cells at most, decoded centres spread over the input


class Family(NamedTuple):
    """``head`` is a name of :data:`detect.heads.registry.HEADS`; ``labels`` is ``None`` where shapes do not tell."""

    head: str
    labels: int | None


@dataclass(frozen=True, slots=True)
class Feeding:
    """How a family's models are trained to be fed. Nothing in a graph tells it: it is an assumption, told as one."""

    fit: Fit
    colour: Literal["bgr", "rgb"]
    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)


_ULTRALYTICS = Feeding(Fit.CENTRED, "rgb", 1 / 255)
_DETR = Feeding(Fit.STRETCH, "rgb", 1 / 255)
_NANODET = Feeding(Fit.STRETCH, "bgr", 1.0, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395))
_PICODET = Feeding(Fit.STRETCH, "rgb", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

FEEDING: Mapping[str, Feeding] = MappingProxyType(
    {
        "yolox": Feeding(Fit.TOP_LEFT, "bgr"),
        "yolov5": _ULTRALYTICS,
        "yolov8": _ULTRALYTICS,
        "yolov10": _ULTRALYTICS,
        "nanodet": _NANODET,
        "nanodet_plus": _NANODET,
        "picodet": _PICODET,
        "fastestdet": Feeding(Fit.STRETCH, "bgr", 1 / 255),
        "detr": _DETR,
        "detr_unit": _DETR,
        "detr_logits": _DETR,
        "detr_rows": _DETR,
        "detr_top": _DETR,
    }
)


def recognise(outputs: Outputs, width: int, height: int, named: int | None) -> Family | None:
    """The family of a model of this input's size, px; ``None`` for none that is known.

    ``outputs`` are those of one picture, any picture; ``named`` is how many labels the file or its owner names.
    """
    shapes = [output.shape for output in outputs]
    match [len(shape) for shape in shapes]:
        case [3]:
            return _of_table(outputs, width, height, named)
        case [4]:
            return _of_map(shapes[0], width, height)
        case [3, 3]:
            return _of_logits(shapes)
        case [3, 3, 3, 3, 3, 3] | [3, 3, 3, 3, 3, 3, 3, 3]:
            return _of_distributions(shapes, width, height, named)
        case ranks if sorted(ranks) == [2, 2, 3]:
            boxes = next(output for output in outputs if output.ndim == 3)
            return Family("detr_unit" if _shares(boxes) else "detr", None) if boxes.shape[2] == 4 else None
    return None


def _of_table(outputs: Outputs, width: int, height: int, named: int | None) -> Family | None:
    _, lines, columns = outputs[0].shape
    points = sum(grid_points(width, height, yolox.STRIDES))
    wider = sum(grid_points(width, height, nanodet.PICODET_STRIDES))
    finer = sum(grid_points(width, height, (4, *yolox.STRIDES)))
    if lines == points and columns > 5:
        # A YOLOX that was exported with its decoder looks the same, and its rows are YOLOv5's.
        decoded = float(np.median(np.abs(outputs[0][0, :, :2]))) > _DECODED_MEDIAN
        return Family("yolov5" if decoded else "yolox", columns - 5)
    if lines in (3 * points, 3 * wider) and columns > 5:
        return Family("yolov5", columns - 5)
    if columns in (points, wider, finer) and lines > 4:
        return Family("yolov8", lines - 4)
    if lines == wider:
        labels = columns - 4 * _PLUS_BINS if named is None else named
        if labels > 0 and nanodet.is_distribution(columns - labels):
            return Family("nanodet_plus", labels)
    if lines <= _QUERIES_MOST and columns == 6:
        return Family("detr_top" if _shares(outputs[0][..., :4]) else "yolov10", None)
    if lines <= _QUERIES_MOST and columns - 4 == (80 if named is None else named):
        return Family("detr_rows", columns - 4)
    return None


def _shares(boxes: NDArray[np.float32]) -> bool:
    """Whether these are shares of the input, and not px. Nothing but zeros tells nothing: px, as is more usual."""
    return 0 < float(np.abs(boxes).max(initial=0)) <= _SHARE_MOST


def _of_map(shape: tuple[int, ...], width: int, height: int) -> Family | None:
    cells = (height // fastestdet.STRIDE, width // fastestdet.STRIDE)
    return Family("fastestdet", shape[1] - 5) if shape[2:] == cells and shape[1] > 5 else None


def _of_logits(shapes: list[tuple[int, ...]]) -> Family | None:
    (_, queries, first), (_, others, second) = shapes
    if queries != others or 4 not in (first, second):
        return None
    return Family("detr_logits", first if second == 4 else second)


def _of_distributions(shapes: list[tuple[int, ...]], width: int, height: int, named: int | None) -> Family | None:
    picodet = len(shapes) == 2 * len(nanodet.PICODET_STRIDES)
    widths = {shape[2] for shape in shapes}
    bins = 4 * _PLUS_BINS
    # Usually scores and distributions differ in width, and the distributions have eight bins a side.
    others = sorted(widths - {bins}) or sorted(widths)
    labels = named if named in widths else others[0]
    head = nanodet.NanoDetHead(width, height, labels, picodet=picodet)
    return Family("picodet" if picodet else "nanodet", labels) if head.fault(shapes) is None else None
