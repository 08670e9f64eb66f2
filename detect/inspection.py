"""What a model file tells of itself: family, input, labels, licence; so that its manifest entry can be written down.

This happens once, at import, where a person reads what was found and what was assumed. At run time nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detect.filler import InputFiller
from detect.heads.recognise import FEEDING, Family, recognise
from detect.heads.registry import HEADS
from detect.probing import ProbePicture, identity_fault, literal, metadata_labels, no_detector
from detect.session import PIXEL_TYPES, RUN_ERRORS, Graph, Port, open_session
from models.errors import ModelFileError, NotADetectorError
from models.labels import LABELS
from models.manifest import Fit, ModelInput, Triple

_COCO = "coco80"
Source = Literal["graph", "metadata", "given", "assumed"]
_LICENCES = re.compile(r"AGPL-3\.0|LGPL-3\.0|GPL-3\.0|Apache-2\.0|BSD-3-Clause|BSD-2-Clause|MIT")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a file's owner says of it; ``None`` is found out. ``size`` is width and height, px, of a free input."""

    head: str | None = None
    labels: str | tuple[str, ...] | None = None
    fit: Fit | None = None
    colour: Literal["bgr", "rgb"] | None = None
    scale: float | None = None
    mean: Triple | None = None
    std: Triple | None = None
    size: tuple[int, int] | None = None


class Finding(NamedTuple):
    """``source``: the graph's shapes, the file's metadata, its owner's option, or what is usual for the family."""

    name: str
    value: str
    source: Source


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an entry of the manifest needs, and a line for people on where each part is from."""

    head: str
    input: ModelInput
    labels: str | tuple[str, ...]
    licence: str | None
    findings: tuple[Finding, ...]


def inspect(file: Path, wishes: Wishes = Wishes()) -> Inspection:
    """Loads the file and runs it once, on a made-up picture.

    Raises :class:`ModelFileError` where it cannot be read or run, and :class:`NotADetectorError` where it is no
    detector, of no known family, or something is missing that only its owner can say.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ModelFileError(file, f"cannot be read: {error.strerror}", "name a readable file") from None
    session, graph = open_session(data, file)
    named = metadata_labels(graph.metadata)
    given = LABELS[wishes.labels] if isinstance(wishes.labels, str) else wishes.labels
    fault = no_detector(graph, given or named or ())
    if fault is not None:
        raise NotADetectorError(file.name, fault, "use a model that detects kinds of objects")
    port = _picture_input(file, graph)
    size, size_source = _size(file, graph, port, wishes)
    known = given or named
    outputs = _run_once(file, session, graph, port, size)
    family = _family(file, outputs, size, None if known is None else len(known), wishes)
    labels, label_source = _labels(file, family, wishes, named)
    model_input, feeding = _feeding(family.head, port, size, wishes)
    licence = _LICENCES.search(graph.metadata.get("license", ""))
    shapes = ", ".join(f"{node.name} {list(output.shape)}" for node, output in zip(graph.outputs, outputs, strict=True))
    batch = port.shape[0] if isinstance(port.shape[0], int) else "free"
    kind = port.type.removeprefix("tensor(").removesuffix(")")
    return Inspection(
        head=family.head,
        input=model_input,
        labels=labels,
        licence=licence.group() if licence else None,
        findings=(
            Finding("head", f"{family.head}: {shapes}", "given" if wishes.head else "graph"),
            Finding("input", f"{port.name}, {size[0]} x {size[1]} px, {kind}, batch {batch}", size_source),
            *feeding,
            Finding("labels", _told(labels), label_source),
            *([Finding("licence", licence.group(), "metadata")] if licence else []),
        ),
    )


def _picture_input(file: Path, graph: Graph) -> Port:
    ports = graph.picture_inputs
    if len(ports) != 1:
        raise NotADetectorError(
            file.name, f"inputs {[port.name for port in ports]}, want one picture", "export it with one picture input"
        )
    port = ports[0]
    if len(port.shape) != 4 or port.type not in PIXEL_TYPES or port.shape[1] not in (3, "channels", "channel", None):
        raise NotADetectorError(
            file.name,
            f"input {port.name} is {port.type} {list(port.shape)}, want float or float16 [batch, 3, height, width]",
            "export it with planes of three colours (NCHW)",
        )
    return port


def _size(file: Path, graph: Graph, port: Port, wishes: Wishes) -> tuple[tuple[int, int], Source]:
    height, width = port.shape[2:]
    if isinstance(width, int) and isinstance(height, int):
        if wishes.size not in (None, (width, height)):
            raise NotADetectorError(file.name, f"its input is fixed at {width} x {height} px", "leave --size out")
        return (width, height), "graph"
    if wishes.size is not None:
        return wishes.size, "given"
    match literal(graph.metadata.get("imgsz", "")):
        case [int(lines), int(columns)]:
            return (columns, lines), "metadata"
        case int(side):
            return (side, side), "metadata"
    raise NotADetectorError(file.name, "the size of its input is free", "give the size it was trained at with --size")


def _run_once(
    file: Path, session: ort.InferenceSession, graph: Graph, port: Port, size: tuple[int, int]
) -> list[NDArray[Any]]:
    count = port.shape[0] if isinstance(port.shape[0], int) else 1
    pixels = np.zeros((count, 3, size[1], size[0]), np.float32)
    any_way = ModelInput(name=port.name, width=size[0], height=size[1], colour="rgb", fit=Fit.STRETCH, scale=1 / 255)
    InputFiller(any_way, pixels[0])(ProbePicture())
    feed: dict[str, NDArray[Any]] = {port.name: pixels.astype(PIXEL_TYPES[port.type])}
    if graph.sizes_input is not None:
        feed[graph.sizes_input.name] = np.array([size] * count, np.int64)
    try:
        outputs = session.run(None, feed)
    except RUN_ERRORS as error:
        raise NotADetectorError(
            file.name, f"it cannot be run at {size[0]} x {size[1]} px: {str(error)[:200]}", "give another --size"
        ) from None
    return [output[:1] for output in outputs]


def _family(
    file: Path, outputs: Sequence[NDArray[Any]], size: tuple[int, int], named: int | None, wishes: Wishes
) -> Family:
    found = recognise(outputs, *size, named)
    if wishes.head is not None:
        if wishes.head not in HEADS:
            raise NotADetectorError(file.name, f"no head {wishes.head!r}", f"use one of: {', '.join(HEADS)}")
        return Family(wishes.head, found.labels if found is not None and found.head == wishes.head else None)
    if found is None:
        shapes = [list(output.shape) for output in outputs]
        raise NotADetectorError(
            file.name,
            f"outputs {shapes} for an input of {size[0]} x {size[1]} px are of no known family",
            f"name it with --head, if it is one of: {', '.join(HEADS)}",
        )
    return found


def _labels(
    file: Path, family: Family, wishes: Wishes, named: tuple[str, ...] | None
) -> tuple[str | tuple[str, ...], Source]:
    source: Source = "given" if wishes.labels is not None else "metadata"
    labels = wishes.labels if wishes.labels is not None else named
    if labels is None:
        if family.labels not in (None, len(LABELS[_COCO])):
            raise NotADetectorError(
                file.name,
                f"it has {family.labels} labels and does not name them",
                f"give a file of {family.labels} lines with --labels",
            )
        return _COCO, "assumed"
    names = LABELS[labels] if isinstance(labels, str) else labels
    if family.labels is not None and len(names) != family.labels:
        raise NotADetectorError(
            file.name, f"it has {family.labels} labels, and {len(names)} are named", "correct --labels"
        )
    fault = identity_fault(names)
    if fault is not None:
        raise NotADetectorError(file.name, fault, "use a model that detects kinds of objects")
    known = next((key for key, value in LABELS.items() if value == tuple(names)), None)
    return known or tuple(names), source


def _feeding(head: str, port: Port, size: tuple[int, int], wishes: Wishes) -> tuple[ModelInput, list[Finding]]:
    usual = FEEDING[head]
    parts: dict[str, Any] = {}
    findings = []
    for name in ("fit", "colour", "scale", "mean", "std"):
        wish = getattr(wishes, name)
        parts[name] = getattr(usual, name) if wish is None else wish
        value = f"{parts[name]:.6g}" if name == "scale" else str(parts[name])
        findings.append(Finding(name, value, "assumed" if wish is None else "given"))
    return ModelInput(name=port.name, width=size[0], height=size[1], **parts), findings


def _told(labels: str | tuple[str, ...]) -> str:
    names = LABELS[labels] if isinstance(labels, str) else labels
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    return f"{len(names)}: {shown}" + (f" ({labels})" if isinstance(labels, str) else "")
