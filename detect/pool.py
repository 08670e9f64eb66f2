"""How many sessions of one thread side by side are worth it on this machine: measured once, then kept in a file.

Two sessions do twice the work of one only where two cores do; hyper-threads, a container's quota and slow memory all
make it less. The pure decision is :func:`fewest_for_all`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from detect.detector import CameraDetectors, ManyDetector
from detect.probing import ProbePicture

_log = structlog.get_logger(__name__)
_VERSION = 3


@dataclass(frozen=True, slots=True)
class Setup:
    """What a measurement holds for. ``model``: sha256 of its file. ``machine``: processor, cores, accelerator."""

    model: str
    machine: str
    onnxruntime: str


@dataclass(frozen=True, slots=True)
class Rate:
    """``fps``: frames a second of all sessions together. ``core_s``: seconds of a thread that one frame takes, of its
    processor time where the processor does the work.
    """

    fps: float
    core_s: float


def counts_to_try(cores: int) -> tuple[int, ...]:
    """1, 2, 4 … and all cores."""
    return (*(1 << power for power in range(cores.bit_length()) if 1 << power < cores), cores)


def fewest_for_all(rates: Mapping[int, Rate], tolerance: float = 0.05) -> int:
    """The fewest sessions that come within ``tolerance`` of the best rate: more would only take memory and turns."""
    best = max(rate.fps for rate in rates.values())
    return min(sessions for sessions, rate in rates.items() if rate.fps >= (1 - tolerance) * best)


def measure(
    open_detectors: Callable[[], CameraDetectors],
    counts: Sequence[int],
    resting: Callable[[], AbstractContextManager[None]],
    *,
    seconds: float = 0.3,
    monotonic: Callable[[], float] = time.monotonic,
    thread_time: Callable[[], float] = time.thread_time,
    by_processor: bool = True,
) -> dict[int, Rate]:
    """Letterbox to NMS, for each number of sessions in ``counts``, on one made-up picture.

    Sessions that take several pictures at once are given as many: what they do when they are needed most.
    ``by_processor``: the processor does the work. A second is then one of processor time for each session, so that
    other work on the machine takes nothing from what it can.

    Each number is run for ``seconds`` inside ``resting()``, where nobody else detects. Raises what a detector raises.
    """
    opened = [_full_run(open_detectors()) for _ in range(max(counts))]
    for run in opened:
        run()  # the first one allocates
    rates = {}
    for count in counts:
        with resting():
            rates[count] = _rate(opened[:count], seconds, monotonic, thread_time, by_processor)
    return rates


def _full_run(detectors: CameraDetectors) -> Callable[[], int]:
    """One run of as many pictures as it takes; gives how many."""
    many = detectors if isinstance(detectors, ManyDetector) and detectors.batch > 1 else None
    pictures = [ProbePicture() for _ in range(many.batch if many is not None else 1)]
    one = detectors.for_camera("")

    def run() -> int:
        if many is None:
            one.detect(pictures[0])
        else:
            many.detect_many(pictures)
        return len(pictures)

    return run


def _rate(
    opened: Sequence[Callable[[], int]],
    seconds: float,
    monotonic: Callable[[], float],
    thread_time: Callable[[], float],
    by_processor: bool,
) -> Rate:
    done, used = [0] * len(opened), [0.0] * len(opened)
    failures: list[Exception] = []
    began = monotonic()

    def run(index: int) -> None:
        before = thread_time()
        try:
            while monotonic() - began < seconds:
                done[index] += opened[index]()
            used[index] = thread_time() - before
        except Exception as error:  # noqa: BLE001 - raised below, where somebody hears it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,), name=f"measure-{index}") for index in range(len(opened))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    took, frames = monotonic() - began, max(1, sum(done))
    core_s = sum(used) / frames if by_processor else took * len(opened) / frames
    return Rate(len(opened) / core_s, core_s)


def kept_rates(path: Path, setup: Setup) -> dict[int, Rate] | None:
    """What was measured for this very setup; ``None`` where nothing was, or it cannot be read (then it is told)."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["v"] != _VERSION or Setup(**kept["setup"]) != setup:
            return None
        return {int(sessions): Rate(**rate) for sessions, rate in kept["rates"].items()} or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("measured_sessions_unreadable", file=path.name, error=type(error).__name__)
        return None


def keep_rates(path: Path, setup: Setup, rates: Mapping[int, Rate]) -> None:
    """Writes them for the next start, whole or not at all. Raises ``OSError``."""
    record = {
        "v": _VERSION,
        "setup": {"model": setup.model, "machine": setup.machine, "onnxruntime": setup.onnxruntime},
        "rates": {str(sessions): asdict(rate) for sessions, rate in rates.items()},
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record), "utf-8")
    new.replace(path)
