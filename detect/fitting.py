"""Less of a model's input, for pictures that do not fill it.

A letterbox brings a 16:9 picture into a square input with 44 % of padding, which costs as much as picture does. A
convolutional model does not mind a smaller input: its points are the same, only fewer ("rectangular inference" of
YOLOv5 and its successors). Files mostly state one size; it is rewritten in memory, and the model must then prove that
it answers with as many points as the smaller input has (:meth:`detect.detector.OnnxDetector`).
"""

from __future__ import annotations

from math import ceil

import onnx
from google.protobuf.message import DecodeError

from detect.letterbox import Letterbox
from models.manifest import Fit, ModelInput

STRIDE = 32
"""px. The widest stride of the families that letterbox; an input is a multiple of it."""
_LINES, _COLUMNS = 2, 3  # of an NCHW shape


def fitted(whole: ModelInput, width: int, height: int) -> tuple[int, int]:
    """As much of ``whole`` as a picture of ``width`` × ``height`` px touches, in multiples of 32: width and height, px.

    The picture is scaled as in the whole. Raises ``ValueError`` for an empty picture.
    """
    if whole.fit is Fit.STRETCH:
        return whole.width, whole.height
    scale = Letterbox.fit(width, height, whole.width, whole.height, whole.fit).scale
    return _multiple(width * scale, whole.width), _multiple(height * scale, whole.height)


def _multiple(length: float, most: int) -> int:
    """At least ``length``, so that the other axis goes on setting the scale; a part of a thousandth px is rounding."""
    return min(most, ceil((length - 0.001) / STRIDE) * STRIDE)


def resized(data: bytes, wanted: ModelInput) -> bytes:
    """The ONNX file ``data`` with the input named so of the size ``wanted``.

    What it states of sizes further on is left to whoever loads it. Raises ``ValueError`` where it has no such input,
    or is no ONNX file.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise ValueError("not an ONNX file") from None
    for port in model.graph.input:
        axes = port.type.tensor_type.shape.dim
        if port.name == wanted.name and len(axes) > _COLUMNS:
            axes[_LINES].dim_value, axes[_COLUMNS].dim_value = wanted.height, wanted.width
            del model.graph.value_info[:]
            for output in model.graph.output:
                output.type.tensor_type.ClearField("shape")
            return bytes(model.SerializeToString())
    raise ValueError(f"no input {wanted.name!r} of four axes")
