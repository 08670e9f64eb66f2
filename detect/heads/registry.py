"""Head families by name. A new family is a module with a class, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from detect.heads.detr import DetrHead, DetrLogitsHead, DetrRowsHead, DetrTopHead
from detect.heads.fastestdet import FastestDetHead
from detect.heads.head import Head, HeadShape
from detect.heads.nanodet import NanoDetHead, NanoDetPlusHead
from detect.heads.yolov5 import YoloV5Head
from detect.heads.yolov8 import YoloV8Head
from detect.heads.yolov10 import YoloV10Head
from detect.heads.yolox import YoloxHead
from models.errors import NotADetectorError
from models.spec import ModelSpec

HEADS: Mapping[str, Callable[[HeadShape], Head]] = MappingProxyType(
    {
        "yolox": lambda shape: YoloxHead(*shape),
        "yolov5": lambda shape: YoloV5Head(shape.labels),
        "yolov8": lambda shape: YoloV8Head(shape.labels),
        "yolov10": lambda shape: YoloV10Head(shape.labels),
        "nanodet": lambda shape: NanoDetHead(*shape),
        "nanodet_plus": lambda shape: NanoDetPlusHead(*shape),
        "picodet": lambda shape: NanoDetHead(*shape, picodet=True),
        "fastestdet": lambda shape: FastestDetHead(*shape),
        "detr": lambda shape: DetrHead(*shape),
        "detr_unit": lambda shape: DetrHead(*shape, unit=True),
        "detr_logits": lambda shape: DetrLogitsHead(*shape),
        "detr_rows": lambda shape: DetrRowsHead(*shape),
        "detr_top": lambda shape: DetrTopHead(*shape),
    }
)


def head_of(spec: ModelSpec) -> Head:
    """The spec's head. Raises :class:`NotADetectorError` for a family or an input that this build cannot decode."""
    build = HEADS.get(spec.head)
    if build is None:
        raise NotADetectorError(spec.id, f"head {spec.head!r} is not supported", f"use one of: {', '.join(HEADS)}")
    try:
        return build(HeadShape(spec.input.width, spec.input.height, len(spec.labels)))
    except ValueError as error:
        raise NotADetectorError(spec.id, str(error), "correct the manifest's entry") from None
