from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.heads.recognise import FEEDING, Family, recognise
from detect.heads.registry import HEADS


def zeros(*shapes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    return [np.zeros(shape, np.float32) for shape in shapes]


@pytest.mark.parametrize(
    ("shapes", "size", "named", "family"),
    [
        ([(1, 3549, 85)], (416, 416), None, Family("yolox", 80)),
        ([(1, 3549, 6)], (416, 416), None, Family("yolox", 1)),
        ([(1, 2730, 11)], (640, 416), None, None),
        ([(1, 5460, 11)], (640, 416), None, Family("yolox", 6)),
        ([(1, 25200, 85)], (640, 640), None, Family("yolov5", 80)),
        ([(1, 102000, 7)], (1280, 1280), None, Family("yolov5", 2)),
        ([(1, 84, 8400)], (640, 640), None, Family("yolov8", 80)),
        ([(1, 5, 2100)], (320, 320), None, Family("yolov8", 1)),
        ([(1, 84, 34000)], (640, 640), None, Family("yolov8", 80)),
        ([(1, 300, 6)], (640, 640), None, Family("yolov10", None)),
        ([(1, 300, 84)], (640, 640), 80, Family("detr_rows", 80)),
        ([(1, 300, 9)], (640, 640), 5, Family("detr_rows", 5)),
        ([(1, 300, 9)], (640, 640), None, None),
        ([(1, 3598, 112)], (416, 416), None, Family("nanodet_plus", 80)),
        ([(1, 85, 22, 22)], (352, 352), None, Family("fastestdet", 80)),
        ([(1, 85, 44, 44)], (352, 352), None, None),
        ([(1, 300, 80), (1, 300, 4)], (640, 640), None, Family("detr_logits", 80)),
        ([(1, 300, 4), (1, 300, 91)], (640, 640), None, Family("detr_logits", 91)),
        ([(1, 300, 80), (1, 100, 4)], (640, 640), None, None),
        ([(1, n, c) for c in (80, 32) for n in (2704, 676, 169)], (416, 416), None, Family("nanodet", 80)),
        ([(1, n, c) for n in (2704, 676, 169) for c in (7, 32)], (416, 416), None, Family("nanodet", 7)),
        ([(1, n, c) for c in (80, 32) for n in (2704, 676, 169, 49)], (416, 416), None, Family("picodet", 80)),
        ([(1, n, c) for c in (80, 32) for n in (1600, 400, 100)], (416, 416), None, None),
        ([(1, 1000)], (224, 224), None, None),
        ([], (224, 224), None, None),
    ],
)  # fmt: skip
def test_a_family_is_known_by_its_shapes(
    shapes: list[tuple[int, ...]], size: tuple[int, int], named: int | None, family: Family | None
) -> None:
    assert recognise(zeros(*shapes), *size, named) == family
    if family is not None:
        assert family.head in FEEDING


def test_every_head_has_its_usual_feeding() -> None:
    assert FEEDING.keys() == HEADS.keys()


def test_a_yolox_exported_with_its_decoder_is_told_by_its_numbers() -> None:
    rows = np.zeros((1, 3549, 85), np.float32)
    rows[..., :2] = np.random.default_rng(0).uniform(0, 416, (1, 3549, 2))
    assert recognise([rows], 416, 416, None) == Family("yolov5", 80)


def test_boxes_as_shares_are_told_from_pixels() -> None:
    labels, boxes, scores = (
        np.zeros((1, 9), np.int64),
        np.full((1, 9, 4), 0.9, np.float32),
        np.zeros((1, 9), np.float32),
    )
    assert recognise([labels, boxes, scores], 64, 64, None) == Family("detr_unit", None)
    assert recognise([labels, boxes * 64, scores], 64, 64, None) == Family("detr", None)
    rows = np.full((1, 9, 6), 0.5, np.float32)
    assert recognise([rows], 64, 64, None) == Family("detr_top", None)
    assert recognise([rows * 64], 64, 64, None) == Family("yolov10", None)
