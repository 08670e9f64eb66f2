"""What every loop under comparison tells: frames analysed per camera in a measured span, and how far it lagged.

Standard library only: peers import it in environments of their own. The span begins when every camera has had its
first frame analysed and ``warm_s`` have passed, so that no start-up is measured.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

GIVE_UP_S = 60.0
"""Until every camera has had a first frame analysed."""


@dataclass(frozen=True)
class Asked:
    """``urls``: one a camera. ``fps``: at most so many frames of a camera are analysed a second, None: all."""

    urls: tuple[str, ...]
    model: Path
    seconds: float
    fps: float | None
    warm_s: float = 1.0


def asked(description: str | None) -> Asked:
    """From the command line: ``--model FILE [--cameras N] [--seconds S] [--fps F] URL...``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("urls", nargs="+", metavar="URL", help="RTSP addresses without credentials")
    parser.add_argument("--model", type=Path, required=True, help="ONNX file")
    parser.add_argument("--cameras", type=int, help="default: one for each URL; more of them take the URLs in turn")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured span")
    parser.add_argument("--fps", type=float, help="frames of a camera analysed a second, at most; default: all")
    given = parser.parse_args()
    urls = tuple(islice(cycle(given.urls), given.cameras or len(given.urls)))
    return Asked(urls, given.model, given.seconds, given.fps)


@dataclass
class _Camera:
    analysed: int = 0
    found: int = 0
    lags_s: list[float] = field(default_factory=list)


class Tally:
    """Thread-safe. ``names``: of the cameras, in order."""

    def __init__(self, asked_for: Asked) -> None:
        self._asked = asked_for
        self._cameras = [_Camera() for _ in asked_for.urls]
        self._lock = threading.Lock()
        self._begun = threading.Event()
        self._first: set[int] = set()
        self._measuring = False
        self.over = threading.Event()

    def analysed(self, camera: int, found: int, lag_s: float | None = None) -> None:
        """A frame of the camera went through, with so many objects; ``lag_s`` after the camera took it, if known."""
        with self._lock:
            self._first.add(camera)
            if len(self._first) == len(self._cameras):
                self._begun.set()
            if self._measuring:
                one = self._cameras[camera]
                one.analysed += 1
                one.found += found
                if lag_s is not None:
                    one.lags_s.append(lag_s)

    def measure(self, peer: str, versions: Mapping[str, str]) -> None:
        """Wait for the span, print it as one line of JSON, and set :attr:`over`. Raises ``TimeoutError``."""
        if not self._begun.wait(GIVE_UP_S):
            missing = len(self._cameras) - len(self._first)
            raise TimeoutError(f"{peer}: {missing} of {len(self._cameras)} cameras gave no frame in {GIVE_UP_S:g} s")
        time.sleep(self._asked.warm_s)
        with self._lock:
            self._measuring = True
            began, cpu = time.monotonic(), time.process_time()
        time.sleep(self._asked.seconds)
        with self._lock:
            self._measuring = False
            took, used = time.monotonic() - began, time.process_time() - cpu
        self.over.set()
        analysed = sum(one.analysed for one in self._cameras)
        told = {
            "peer": peer,
            "versions": dict(versions),
            "seconds": round(took, 3),
            "analysed_per_s": round(analysed / took, 3),
            "analysed_per_cpu_s": round(analysed / max(used, 1e-6), 3),
            "cpu_cores": round(used / took, 3),
            "cameras": [
                {"analysed": one.analysed, "found": one.found, "lag_s": _lag(one.lags_s)} for one in self._cameras
            ],
        }
        print(json.dumps(told), flush=True)


def _lag(lags_s: list[float]) -> dict[str, float] | None:
    """Median, and the last one: a loop that falls behind shows it there. None where the loop cannot know."""
    if not lags_s:
        return None
    return {"p50": round(sorted(lags_s)[len(lags_s) // 2], 3), "last": round(lags_s[-1], 3)}
