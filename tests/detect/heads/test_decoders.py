"""Each decoder against a slow one that goes point by point through the formulas of its family's paper or export."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.heads.head import Head, HeadShape
from detect.heads.registry import HEADS

WIDTH, HEIGHT, LABELS = 96, 64, 3
Row = tuple[tuple[float, float, float, float], list[float]]
"""A box x1 y1 x2 y2, and the score of each class."""


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def around(x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def points(strides: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Column, line and stride."""
    return [
        (column, line, stride)
        for stride in strides
        for line in range(math.ceil(HEIGHT / stride))
        for column in range(math.ceil(WIDTH / stride))
    ]


def mean_of(logits: NDArray[Any]) -> float:
    weights = [math.exp(value) for value in logits]
    return sum(index * weight for index, weight in enumerate(weights)) / sum(weights)


def yolox(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for (column, line, stride), row in zip(points((8, 16, 32)), outputs[0][0], strict=True):
        w, h = math.exp(row[2]) * stride, math.exp(row[3]) * stride
        yield around((column + row[0]) * stride, (line + row[1]) * stride, w, h), [row[4] * score for score in row[5:]]


def yolov5(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for row in outputs[0][0]:
        # A negative size is no box: as large as nothing.
        yield around(row[0], row[1], max(row[2], 0), max(row[3], 0)), [row[4] * score for score in row[5:]]


def yolov8(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for column in outputs[0][0].T:
        yield around(*column[:4]), list(column[4:])


def yolov10(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for row in outputs[0][0]:
        yield tuple(row[:4]), [row[4] if index == int(row[5]) else 0.0 for index in range(LABELS)]


def by_distances(
    table: list[tuple[NDArray[Any], NDArray[Any]]], strides: tuple[int, ...], centre: Callable[[int, int], float]
) -> Iterator[Row]:
    for (column, line, stride), (scores, logits) in zip(points(strides), table, strict=True):
        x, y = centre(column, stride), centre(line, stride)
        left, top, right, bottom = (mean_of(side) * stride for side in logits.reshape(4, -1))
        yield (x - left, y - top, x + right, y + bottom), list(scores)


def by_stride(outputs: list[NDArray[Any]]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    half = len(outputs) // 2
    return [row for s, d in zip(outputs[:half], outputs[half:], strict=True) for row in zip(s[0], d[0], strict=True)]


def nanodet(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    return by_distances(by_stride(outputs), (8, 16, 32), lambda i, stride: i * stride + (stride - 1) / 2)


def picodet(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    return by_distances(by_stride(outputs), (8, 16, 32, 64), lambda i, stride: (i + 0.5) * stride)


def nanodet_plus(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    table = [(row[:LABELS], row[LABELS:]) for row in outputs[0][0]]
    return by_distances(table, (8, 16, 32, 64), lambda i, stride: i * stride)


def fastestdet(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    _, lines, columns = outputs[0][0].shape
    for line in range(lines):
        for column in range(columns):
            cell = outputs[0][0][:, line, column]
            x, y = (column + math.tanh(cell[1])) / columns * WIDTH, (line + math.tanh(cell[2])) / lines * HEIGHT
            scores = [cell[0] ** 0.6 * score**0.4 for score in cell[5:]]
            yield around(x, y, sigmoid(cell[3]) * WIDTH, sigmoid(cell[4]) * HEIGHT), scores


def detr(outputs: list[NDArray[Any]], scale: tuple[float, float] = (1, 1)) -> Iterator[Row]:
    for label, box, score in zip(outputs[0][0], outputs[1][0], outputs[2][0], strict=True):
        corners = tuple(value * scale[index % 2] for index, value in enumerate(box))
        yield corners, [score if index == label else 0.0 for index in range(LABELS)]


def shares(box: NDArray[Any]) -> tuple[float, float, float, float]:
    return around(box[0] * WIDTH, box[1] * HEIGHT, box[2] * WIDTH, box[3] * HEIGHT)


def detr_logits(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for logits, box in zip(outputs[0][0], outputs[1][0], strict=True):
        yield shares(box), [sigmoid(logit) for logit in logits]


def detr_rows(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for row in outputs[0][0]:
        yield shares(row[:4]), list(row[4:])


def detr_top(outputs: list[NDArray[Any]]) -> Iterator[Row]:
    for row in outputs[0][0]:
        yield shares(row[:4]), [row[4] if index == int(row[5]) else 0.0 for index in range(LABELS)]


class Family(NamedTuple):
    slow: Callable[[list[NDArray[Any]]], Iterator[Row]]
    make: Callable[[np.random.Generator], list[NDArray[Any]]]


def f32(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def table(lines: int) -> Callable[[np.random.Generator], list[NDArray[Any]]]:
    """Rows of four numbers about a box, then probabilities of which most are small."""

    def make(rng: np.random.Generator) -> list[NDArray[Any]]:
        rows = np.concatenate([rng.normal(0, 2, (lines, 4)), rng.random((lines, 1 + LABELS)) ** 2], axis=1)
        return [f32(rows[None])]

    return make


def ordered_rows(rng: np.random.Generator) -> list[NDArray[Any]]:
    corners = np.sort(rng.random((20, 2, 2)) * 60, axis=1).reshape(20, 4)
    return [f32(np.concatenate([corners, rng.random((20, 1)), rng.integers(0, LABELS, (20, 1))], axis=1)[None])]


def strides(sizes: tuple[int, ...]) -> Callable[[np.random.Generator], list[NDArray[Any]]]:
    def make(rng: np.random.Generator) -> list[NDArray[Any]]:
        return [
            *(f32(rng.random((1, size, LABELS)) ** 3) for size in sizes),
            *(f32(rng.normal(0, 3, (1, size, 32))) for size in sizes),
        ]

    return make


def one_table(rng: np.random.Generator) -> list[NDArray[Any]]:
    return [f32(np.concatenate([rng.random((1, 128, LABELS)) ** 3, rng.normal(0, 3, (1, 128, 32))], axis=2))]


def feature_map(rng: np.random.Generator) -> list[NDArray[Any]]:
    cells = np.concatenate([rng.random((1, 4, 6)), rng.normal(0, 2, (4, 4, 6)), rng.random((LABELS, 4, 6))])
    return [f32(cells[None])]


def columns(rng: np.random.Generator) -> list[NDArray[Any]]:
    return [f32(np.concatenate([rng.random((1, 4, 126)) * 60, rng.random((1, LABELS, 126)) ** 3], axis=1))]


def triple(rng: np.random.Generator) -> list[NDArray[Any]]:
    boxes = np.sort(rng.random((1, 20, 2, 2)), axis=2).reshape(1, 20, 4)
    return [rng.integers(0, LABELS, (1, 20)), f32(boxes), f32(rng.random((1, 20)))]


def logits(rng: np.random.Generator) -> list[NDArray[Any]]:
    return [f32(rng.normal(-2, 3, (1, 20, LABELS))), f32(rng.random((1, 20, 4)))]


def queries(rng: np.random.Generator) -> list[NDArray[Any]]:
    return [f32(rng.random((1, 20, 4 + LABELS)))]


def top(rng: np.random.Generator) -> list[NDArray[Any]]:
    return [f32(np.concatenate([rng.random((20, 5)), rng.integers(0, LABELS, (20, 1))], axis=1)[None])]


FAMILIES = {
    "yolox": Family(yolox, table(96 + 24 + 6)),
    "yolov5": Family(yolov5, table(378)),
    "yolov8": Family(yolov8, columns),
    "yolov10": Family(yolov10, ordered_rows),
    "nanodet": Family(nanodet, strides((96, 24, 6))),
    "picodet": Family(picodet, strides((96, 24, 6, 2))),
    "nanodet_plus": Family(nanodet_plus, one_table),
    "fastestdet": Family(fastestdet, feature_map),
    "detr": Family(detr, triple),
    "detr_unit": Family(lambda outputs: detr(outputs, (WIDTH, HEIGHT)), triple),
    "detr_logits": Family(detr_logits, logits),
    "detr_rows": Family(detr_rows, queries),
    "detr_top": Family(detr_top, top),
}


def head(name: str) -> Head:
    return HEADS[name](HeadShape(WIDTH, HEIGHT, LABELS))


def test_every_family_stands_here() -> None:
    assert FAMILIES.keys() == HEADS.keys()


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), min_score=st.sampled_from([0.01, 0.25, 0.6, 0.99]))
def test_it_gives_what_the_formulas_give(name: str, seed: int, min_score: float) -> None:
    slow, make = FAMILIES[name]
    outputs = make(np.random.default_rng(seed))
    assert head(name).fault([output.shape for output in outputs]) is None
    boxes, scores, classes = head(name).decode(outputs, min_score)
    assert [str(part.dtype) for part in (boxes, scores, classes)] == ["float32", "float32", "int16"]
    expected = [(box, max(row), int(np.argmax(row))) for box, row in slow(outputs) if max(row) >= np.float32(min_score)]
    assert classes.tolist() == [label for _, _, label in expected]
    np.testing.assert_allclose(scores, [score for _, score, _ in expected], rtol=1e-4)
    want = np.array([box for box, _, _ in expected]).reshape(-1, 4)
    np.testing.assert_allclose(boxes, want, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_no_number_is_a_failure_and_not_an_empty_picture(name: str) -> None:
    outputs = FAMILIES[name].make(np.random.default_rng(1))
    assert head(name).peak(outputs) > 0.5
    for output in outputs:
        if output.dtype == np.float32:
            output[...] = np.nan
    with pytest.raises(FloatingPointError):
        head(name).decode(outputs, 0.5)
    assert math.isnan(head(name).peak(outputs))


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_of_another_label_count_or_number_are_refused(name: str) -> None:
    shapes: list[Any] = [output.shape for output in FAMILIES[name].make(np.random.default_rng(1))]
    assert head(name).fault([*shapes, (1, 7)]) is not None
    assert head(name).fault([]) is not None
    assert head(name).fault([("batch", *shape[1:]) for shape in shapes]) is None
    if name not in ("yolov10", "detr", "detr_unit", "detr_top"):  # there the label is a value, and not a width
        other = HEADS[name](HeadShape(WIDTH, HEIGHT, LABELS + 1))
        assert other.fault(shapes) is not None


@pytest.mark.parametrize("name", ["yolov10", "detr", "detr_top"])
def test_a_class_without_a_label_is_a_failure(name: str) -> None:
    outputs = FAMILIES[name].make(np.random.default_rng(2))
    with pytest.raises(IndexError, match="2 labels"):
        HEADS[name](HeadShape(WIDTH, HEIGHT, 2)).decode(outputs, 0.01)


def test_outputs_may_come_in_another_order() -> None:
    labels, boxes, scores = FAMILIES["detr"].make(np.random.default_rng(3))
    np.testing.assert_array_equal(
        head("detr").decode([scores, labels, boxes], 0.3).boxes, head("detr").decode([labels, boxes, scores], 0.3).boxes
    )
    pairs = FAMILIES["nanodet"].make(np.random.default_rng(3))
    by_pair = [pairs[index] for index in (3, 0, 4, 1, 5, 2)]
    np.testing.assert_array_equal(head("nanodet").decode(by_pair, 0.3).boxes, head("nanodet").decode(pairs, 0.3).boxes)
    logits_, boxes_ = FAMILIES["detr_logits"].make(np.random.default_rng(3))
    np.testing.assert_array_equal(
        head("detr_logits").decode([boxes_, logits_], 0.3).boxes,
        head("detr_logits").decode([logits_, boxes_], 0.3).boxes,
    )
