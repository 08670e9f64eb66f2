from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.nms import nms, pairwise_iou


def naive_iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / union)


def naive_nms(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], classes: NDArray[np.int16], iou: float
) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(classes[i] != classes[j] or naive_iou(boxes[i], boxes[j]) <= iou for j in kept):
            kept.append(i)
    return kept


@st.composite
def detections(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]]:
    # Whole numbers make equal boxes, shared edges, empty boxes and ties as likely as they are in practice.
    rows = draw(st.lists(st.tuples(*[st.integers(0, 12)] * 4, st.integers(0, 10), st.integers(0, 2)), max_size=30))
    numbers = np.array(rows, np.float32).reshape(-1, 6)
    corners = numbers[:, :4].reshape(-1, 2, 2)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    return boxes, (numbers[:, 4] / 10).astype(np.float32), numbers[:, 5].astype(np.int16)


@given(detections())
def test_iou_is_that_of_the_definition(
    drawn: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]],
) -> None:
    boxes = drawn[0]
    iou = pairwise_iou(boxes, boxes)
    assert iou.shape == (len(boxes), len(boxes))
    for i in range(len(boxes)):
        for j in range(len(boxes)):
            assert abs(iou[i, j] - naive_iou(boxes[i], boxes[j])) < 1e-5


# Thresholds that no ratio of these small areas equals: a tie of 32-bit rounding is nobody's concern.
@given(detections(), st.sampled_from([0.3003, 0.6007, 0.9011]))
def test_what_stays_is_what_the_naive_way_keeps(
    drawn: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int16]], iou: float
) -> None:
    assert nms(*drawn, iou=iou).tolist() == naive_nms(*drawn, iou)


def test_a_suppressed_box_suppresses_nobody() -> None:
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    kept = nms(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.int16), iou=0.4)
    assert kept.tolist() == [0, 2]


def test_a_person_before_a_bus_is_not_the_bus() -> None:
    boxes = np.array([[0, 0, 10, 10]] * 2, np.float32)
    assert len(nms(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 5], np.int16), iou=0.5)) == 2


def test_work_and_answer_are_bounded() -> None:
    n = 5000
    boxes = np.zeros((n, 4), np.float32)
    boxes[:, 0] = np.arange(n)
    boxes[:, 2:] = boxes[:, :2] + 0.5
    scores = np.linspace(0, 1, n).astype(np.float32)
    kept = nms(boxes, scores, np.zeros(n, np.int16), iou=0.5, candidates=100, limit=20)
    assert kept.tolist() == list(range(n - 1, n - 21, -1))
