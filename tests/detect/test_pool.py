"""How many sessions are worth it, and that it is found once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from structlog.testing import capture_logs

from detect.detector import OnnxDetector
from detect.pool import Rate, Setup, counts_to_try, fewest_for_all, keep_rates, kept_rates, measure
from models.spec import ModelSpec

SETUP = Setup("00" * 32, "x86_64, 2 cores", "1.23")


@pytest.mark.parametrize(("cores", "counts"), [(1, (1,)), (2, (1, 2)), (4, (1, 2, 4)), (6, (1, 2, 4, 6))])
def test_powers_of_two_and_all_cores_are_tried(cores: int, counts: tuple[int, ...]) -> None:
    assert counts_to_try(cores) == counts


@pytest.mark.parametrize(
    ("rates", "sessions"),
    [
        pytest.param({1: 36.0, 2: 71.0}, 2, id="two cores that do twice the work"),
        pytest.param({1: 36.0, 2: 37.0}, 1, id="a quota of one core"),
        pytest.param({1: 30.0, 2: 55.0, 4: 54.0}, 2, id="hyper-threads"),
        pytest.param({1: 900.0}, 1, id="only one was tried"),
    ],
)
def test_as_few_as_come_near_the_best(rates: dict[int, float], sessions: int) -> None:
    assert fewest_for_all({count: Rate(fps, 0.01) for count, fps in rates.items()}) == sessions


@given(st.dictionaries(st.integers(1, 64), st.floats(0.1, 1e4), min_size=1))
def test_the_choice_is_within_its_tolerance_of_the_best(rates: dict[int, float]) -> None:
    assert rates[fewest_for_all({count: Rate(fps, 0.01) for count, fps in rates.items()})] >= 0.95 * max(rates.values())


def test_each_number_is_measured_on_a_real_session_while_the_others_rest(
    onnx_model: Callable[..., ModelSpec], yolox_output: NDArray[np.float32]
) -> None:
    spec = onnx_model(yolox_output)
    rests = 0

    @contextmanager
    def resting() -> Iterator[None]:
        nonlocal rests
        rests += 1
        yield

    ticks, lock = [0.0], threading.Lock()

    def clock() -> float:
        with lock:
            ticks[0] += 0.01
            return ticks[0]

    rates = measure(
        lambda: OnnxDetector(spec, min_score=0.5, nms_iou=0.5),
        (1, 2),
        resting,
        seconds=0.3,
        monotonic=clock,
        by_processor=False,
    )
    assert set(rates) == {1, 2}
    assert rests == 2
    assert all(60 <= rate.fps <= 100 for rate in rates.values()), "one look at the clock a frame, 10 ms each"
    assert all(0 < rate.core_s < 0.3 for rate in rates.values())


def test_pictures_taken_together_count_each(onnx_model: Callable[..., ModelSpec]) -> None:
    output = np.zeros((4, 84, 85), np.float32)
    spec = onnx_model(output, input_shape=(4, 3, 64, 64))
    ticks = iter(range(1000))
    rates = measure(
        lambda: OnnxDetector(spec, min_score=0.5, nms_iou=0.5),
        (1,),
        nullcontext,
        seconds=10,
        monotonic=lambda: float(next(ticks)),
        by_processor=False,
    )
    assert rates[1].fps == pytest.approx(4, rel=0.3), "one look at the clock a run of four, a second each"


def test_what_else_the_machine_does_takes_nothing_from_what_the_processor_can(
    onnx_model: Callable[..., ModelSpec], yolox_output: NDArray[np.float32]
) -> None:
    spec = onnx_model(yolox_output)
    ticks, busy, lock = [0.0], threading.local(), threading.Lock()

    def wall() -> float:
        with lock:
            ticks[0] += 0.1  # ten frames a second, since others have the machine
            return ticks[0]

    def processor() -> float:
        busy.s = getattr(busy, "s", 0.0) + 0.2  # for all frames of one session
        return float(busy.s)

    rates = measure(
        lambda: OnnxDetector(spec, min_score=0.5, nms_iou=0.5),
        (1,),
        nullcontext,
        seconds=1,
        monotonic=wall,
        thread_time=processor,
    )
    assert rates[1].fps == pytest.approx(10 / 0.2, rel=0.3)


def test_a_detector_that_fails_is_not_slow(onnx_model: Callable[..., ModelSpec]) -> None:
    broken = onnx_model(np.full((1, 84, 85), np.nan, np.float32))
    with pytest.raises(FloatingPointError):
        measure(lambda: OnnxDetector(broken, min_score=0.5, nms_iou=0.5), (1,), nullcontext, seconds=0.01)


def test_what_was_measured_is_kept_for_the_same_setup_alone(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    assert kept_rates(file, SETUP) is None
    rates = {1: Rate(36.0, 0.027), 2: Rate(71.5, 0.028)}
    keep_rates(file, SETUP, rates)
    assert kept_rates(file, SETUP) == rates
    assert kept_rates(file, Setup(SETUP.model, SETUP.machine, "1.24")) is None
    assert [each.name for each in tmp_path.iterdir()] == ["sessions.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v":2,"setup":{},"rates":{}}', '{"v":1}'])
def test_a_file_that_cannot_be_read_is_measured_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sessions.json"
    file.write_text(text)
    with capture_logs() as logs:
        assert kept_rates(file, SETUP) is None
    assert {log["event"] for log in logs} <= {"measured_sessions_unreadable"}
