"""Label lists by id. A list holds kinds of objects, never identities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

_COCO80 = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear",
    "hair drier", "toothbrush",
)  # fmt: skip

LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType({"coco80": _COCO80})
"""``coco80``: the 80 classes of COCO 2017 (Lin et al. 2014) in the order of detectors' outputs."""

# What tells who somebody is. A face's mask or shield is a thing that is worn, and no face.
_IDENTITY = re.compile(
    r"\b(faces?|facial|plates?|licen[cs]eplates?|numberplates?|lpr|anpr|alpr|re ?id|reidentification"
    r"|re identification|identity|identities|biometrics?|iris|fingerprints?)\b|人脸|面部|车牌|虹膜|指纹|身份"
)
_WORN = re.compile(r"\bface ?(masks?|shields?|guards?|coverings?)\b|\bfacemasks?\b")


def identity_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Those of ``labels`` that name what identifies a person or an owner: faces, plates, re-identification."""
    return tuple(label for label in labels if _IDENTITY.search(_WORN.sub(" ", _words(label))))


def _words(label: str) -> str:
    """Lower case, words apart: ``LicensePlate``, ``license_plate`` and ``license-plate`` are the same words."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return re.sub(r"[\W_]+", " ", apart).lower()
