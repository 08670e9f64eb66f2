"""Head families: how a model's output becomes boxes. A new family is a module with a class, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detect.yolox import YoloxHead
from models.errors import NotADetectorError
from models.spec import ModelSpec


class Head(Protocol):
    """Decodes the outputs of one model. Stateless: may be used from any thread."""

    def fault(self, shapes: Sequence[Sequence[int | str | None]]) -> str | None:
        """Why outputs of these shapes are not this head's; ``None`` where they fit. Text stands for a free axis."""

    def decode(
        self, outputs: Sequence[NDArray[np.float32]], min_score: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]]:
        """Boxes ``(n, 4)`` x1 y1 x2 y2 in input px, scores ``(n,)`` >= ``min_score``, classes ``(n,)``; before NMS.

        Raises ``FloatingPointError`` where the output is not finite: that is a failure, not an empty picture.
        """

    def peak(self, outputs: Sequence[NDArray[np.float32]]) -> float:
        """The best class score in the outputs, NaN where any is not finite: what a probe looks at."""


class HeadShape(NamedTuple):
    """What a head is built for: the input's size, px, and how many labels there are."""

    width: int
    height: int
    labels: int


HEADS: Mapping[str, Callable[[HeadShape], Head]] = MappingProxyType(
    {"yolox": lambda shape: YoloxHead(shape.width, shape.height, shape.labels)}
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
