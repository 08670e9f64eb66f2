"""What a shut gate may rest on."""

from __future__ import annotations

import numpy as np

from detect.attention import Attention
from detect.detection import Detections

LABELS = ("person", "car", "bottle")


def found(*boxes: tuple[float, float, float, float], label: str = "person", score: float = 0.8) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), score, np.float32),
        np.full(len(boxes), LABELS.index(label), np.int16),
        width=640,
        height=360,
    )


def attention() -> Attention:
    return Attention(LABELS, {"person", "car"})


def test_who_walks_matters_on_each_frame() -> None:
    camera = attention()
    steps = [found((x, 100, x + 40, 200)) for x in range(0, 500, 25)]
    assert all(camera.matters(step, 10 + index * 0.2) for index, step in enumerate(steps))


def test_a_parked_car_matters_only_when_it_comes() -> None:
    camera = attention()
    car = found((300, 200, 420, 280), label="car")
    told = [camera.matters(car, 10 + index * 0.2) for index in range(20)]
    assert told[:10] == [True] * 10
    assert not any(told[11:])
    assert not camera.matters(car, 60)  # half a minute later, at the next look
    assert camera.matters(car, 200)  # it was away for longer than places are remembered


def test_a_box_that_flickers_in_one_place_rests_all_the_same() -> None:
    camera = attention()
    bush = found((100, 100, 140, 180))
    told = [camera.matters(bush if index % 3 else found(), 10 + index * 0.2) for index in range(40)]
    assert not any(told[15:])


def test_other_classes_and_faint_boxes_do_not_matter() -> None:
    camera = attention()
    assert not camera.matters(found((0, 0, 50, 50), label="bottle"), 1)
    assert not camera.matters(found((0, 0, 50, 50), score=0.3), 2)
    assert not camera.matters(found(), 3)


def test_who_comes_where_somebody_passed_before_matters_again() -> None:
    camera = attention()
    assert camera.matters(found((300, 100, 340, 200)), 10)
    for index in range(1, 15):
        camera.matters(found(), 10 + index * 0.2)
    assert camera.matters(found((300, 100, 340, 200)), 70)


def test_a_parked_car_whose_score_wavers_rests() -> None:
    camera = attention()
    for index in range(15):
        camera.matters(found((300, 200, 420, 280), label="car", score=0.5), 10 + index * 0.2)
    told = []
    for index in range(60):
        score = 0.5 if index % 15 == 0 else 0.3
        told.append(camera.matters(found((300, 200, 420, 280), label="car", score=score), 15 + index * 0.2))
    assert not any(told)
