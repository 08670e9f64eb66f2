from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detect.detection import Detections
from detect.motion import MotionDetector, MotionDetectors
from ingest.pictures import ArrayPicture

Scene = Callable[[int], NDArray[np.float64]]
HEIGHT, WIDTH = 240, 320


@pytest.fixture
def street() -> NDArray[np.float64]:
    noise = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(blurred, blurred.copy(), 60, 180, cv2.NORM_MINMAX).astype(np.float64)


def watch(detector: MotionDetector, scene: Scene, frames: int, *, noise: float = 6.0) -> list[Detections]:
    rng = np.random.default_rng(3)
    pictures = (scene(i) + rng.normal(0, noise, (HEIGHT, WIDTH, 3)) for i in range(frames))
    return [detector.detect(ArrayPicture(np.clip(picture, 0, 255).astype(np.uint8))) for picture in pictures]


def with_walker(street: NDArray[np.float64], x: int) -> NDArray[np.float64]:
    picture = street.copy()
    cv2.rectangle(picture, (x, 100), (x + 24, 170), (20, 20, 25), cv2.FILLED)
    return picture


def test_a_noisy_camera_on_an_empty_street_is_quiet(street: NDArray[np.float64]) -> None:
    assert sum(map(len, watch(MotionDetector(), lambda i: street, 60, noise=15))) == 0


def test_a_walker_is_one_box_around_them(street: NDArray[np.float64]) -> None:
    result = watch(MotionDetector(), lambda i: street if i < 20 else with_walker(street, 6 * (i - 20)), 60)
    assert sum(map(len, result[:20])) == 0
    walked = result[22:60]
    assert np.mean([len(found) == 1 for found in walked]) > 0.9
    found = walked[-1]
    np.testing.assert_allclose(found.boxes[0], [6 * 39, 100, 6 * 39 + 24, 170], atol=8)
    assert found.scores[0] > 0.8


def test_boxes_are_in_the_pixels_of_a_large_picture(street: NDArray[np.float64]) -> None:
    detector = MotionDetector()
    found = Detections.empty(1280, 960)
    for i in range(40):
        small = np.clip(street if i < 20 else with_walker(street, 6 * (i - 20)), 0, 255).astype(np.uint8)
        found = detector.detect(ArrayPicture(cv2.resize(small, (1280, 960)).astype(np.uint8)))
    assert (found.width, found.height) == (1280, 960)
    np.testing.assert_allclose(found.boxes[0], np.array([114, 100, 138, 170]) * 4, atol=32)


def test_who_was_there_from_the_beginning_leaves_no_ghost(street: NDArray[np.float64]) -> None:
    def scene(i: int) -> NDArray[np.float64]:
        return with_walker(street, 150) if i < 20 else with_walker(street, min(150 + 8 * (i - 20), 500))

    gone = watch(MotionDetector(), scene, 60)[45:]
    assert sum(map(len, gone)) == 0, "the uncovered wall is not a moving object"


def test_a_lamp_that_goes_out_is_no_object_and_is_counted(street: NDArray[np.float64]) -> None:
    detector = MotionDetector()
    result = watch(detector, lambda i: street if i < 30 else street * 0.4, 60)
    assert sum(map(len, result)) == 0
    assert detector.restarts == 1


def test_dusk_is_no_object(street: NDArray[np.float64]) -> None:
    assert sum(map(len, watch(MotionDetector(), lambda i: street * (1 - 0.005 * i), 100))) == 0


def test_after_a_change_of_resolution_it_goes_on(street: NDArray[np.float64]) -> None:
    detector = MotionDetector()
    watch(detector, lambda i: street, 20)
    assert len(detector.detect(ArrayPicture(np.zeros((300, 300, 3), np.uint8)))) == 0
    result = watch(detector, lambda i: street if i < 20 else with_walker(street, 6 * (i - 20)), 40)
    assert np.mean([len(found) == 1 for found in result[25:]]) > 0.9


def test_each_camera_has_a_background_of_its_own(street: NDArray[np.float64]) -> None:
    detectors = MotionDetectors()
    assert detectors.for_camera("a") is detectors.for_camera("a")
    light, dark = np.clip(street, 0, 255).astype(np.uint8), np.clip(street * 0.3, 0, 255).astype(np.uint8)
    found = 0
    for _ in range(20):
        found += len(detectors.for_camera("a").detect(ArrayPicture(light)))
        found += len(detectors.for_camera("b").detect(ArrayPicture(dark)))
    assert found == 0
    assert detectors.for_camera("a").labels == ("moving",)
