"""Recording over real RTSP: a worker is killed, the next goes on, and all but the GOP in the making is played back."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from starlette.applications import Starlette

from alerts.recording.recordings import Recordings
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from tests.xueliang.worker.recording_worker import ingest_of, recordings_of
from xueliang.worker.recordings import routes

ROOT = Path(__file__).parents[3]
GOP_S = 1


class Port:
    """The worker's private port, without a socket."""

    def __init__(self, recordings: Recordings, clock: Callable[[], float]) -> None:
        self._app = Starlette(routes=routes(recordings, clock))

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.ask("GET", path, **asked)

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
                return await client.request(method, path, **asked)

        return asyncio.run(send())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A camera with a GOP a second."""
    profile = Profile(320, 180, Fraction(25), 300_000, gop_s=GOP_S)
    cameras = [SimCamera("gate", SceneSource(width=320, height=180, seconds=6))]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("video"), profiles=Profiles(profile, profile)) as simulator:
        yield simulator.url("gate", "main")


@pytest.fixture(scope="module")
def killed(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The folder of a worker that was killed with SIGKILL, and when."""
    folder = tmp_path_factory.mktemp("killed")
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.xueliang.worker.recording_worker", url, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    try:
        for line in worker.stdout:
            if line.strip() == "4":
                break
    finally:
        at = time.time()
        worker.kill()
        worker.wait(60)
        worker.stdout.close()
    return folder, at


def test_a_killed_worker_loses_the_gop_in_the_making_and_the_next_goes_on(url: str, killed: tuple[Path, float]) -> None:
    folder, at = killed
    recordings = recordings_of(url, folder, file_s=2)
    with (max(recordings.archive.files("gate"), key=lambda file: file.number).path).open("ab") as torn:
        torn.write(b"\x00\x00\x00\x20prft torn")
    threading.Event().wait(at + 2.5 - time.time())  # so long nobody records
    recordings.start()
    ingest = ingest_of(recordings, url)
    ingest.start()
    until = time.monotonic() + 60
    while recordings.writer.counters()["fragments"] < 3:
        assert time.monotonic() < until, "nothing is recorded"
        recordings.writer.wait_written(0.05)
        recordings.tick()
    assert ingest.stop()
    recordings.stop()

    client = Port(recordings, time.time)
    told = client.get("/recordings/gate", params={"from": at - 30, "to": time.time()}).raise_for_status().json()
    before, after = told["spans"]
    assert at - before["ends_at"] <= GOP_S + 0.3  # that GOP, and what was on its way
    assert before["ends_at"] - before["begins_at"] >= 3 * GOP_S  # the first, of which arrival tells the time, overlaps
    assert [gap["cause"] for gap in told["gaps"][1:2]] == ["restart"]
    assert (before["width"], after["height"]) == (320, 180)
    assert len(recordings.archive.files("gate")) >= 3

    span = {"from": at - 30, "to": time.time()}
    video = client.get("/recordings/gate/video", params=span).raise_for_status()
    assert float(video.headers["x-begins-at"]) == pytest.approx(before["begins_at"], abs=0.01)
    with av.open(io.BytesIO(video.content), "r", format="mp4") as container:
        times = [frame.time for frame in container.decode(video=0)]
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    assert len(times) >= 7 * GOP_S * 25 - 2
    assert steps[0] > 0
    assert steps[-2] < 0.06  # no hole but the restart, file boundaries included
    assert steps[-1] == pytest.approx(after["begins_at"] - before["ends_at"], abs=0.1)


def test_a_span_is_locked_and_unlocked(url: str, tmp_path: Path) -> None:
    client = Port(recordings_of(url, tmp_path), lambda: 2000.0)
    lock = {"id": "l1", "begins_at": 1.0, "ends_at": 2.0, "reason": "case 7", "by": "wei", "at": 3.0}
    assert client.ask("POST", "/recordings/gate/locks", json=lock).status_code == 201
    told = client.get("/recordings/gate", params={"from": 0, "to": 9}).json()
    assert told["locks"] == [lock]
    assert told["spans"] == []
    assert [(gap["begins_at"], gap["ends_at"]) for gap in told["gaps"]] == [(0, 9)]
    assert client.ask("DELETE", "/recordings/gate/locks/l1").json() == lock
    assert client.ask("DELETE", "/recordings/gate/locks/l1").status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/recordings/gate?from=2&to=1", 422),
        ("/recordings/gate?from=nan&to=1", 422),
        ("/recordings/gate?from=1&to=inf", 422),
        ("/recordings/gate/video?from=1&to=90000", 422),
        ("/recordings/gate", 422),
        ("/recordings/other?from=1&to=2", 404),
        ("/recordings/..%2fgate?from=1&to=2", 404),
        ("/recordings/gate/video?from=1&to=2", 404),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, tmp_path: Path, path: str, status: int) -> None:
    client = Port(recordings_of(url, tmp_path), time.time)
    assert client.get(path).status_code == status
