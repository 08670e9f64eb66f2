"""``xueliang simulate`` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import SceneSource

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from xueliang.commands.simulate import app; app()"]
Connect = Callable[[str], Any]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def simulate_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small clip."""
    folder = tmp_path_factory.mktemp("clips")
    with av.open(str(folder / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for picture in SceneSource(kind=SceneKind.YARD, width=160, height=90, seconds=1).pictures(
            Fraction(25), 160, 90
        ):
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return folder


@pytest.fixture(params=[[], ["--codec", "h265", "--auth", "basic"]], ids=["h264 and digest", "h265 and basic"])
def simulate_process(
    request: pytest.FixtureRequest, simulate_clips: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """Two cameras that play the clip."""
    options = ["--cameras", "2", "--video", str(simulate_clips), "--base-port", "0", "--control-port", "0"]
    options += ["--cache-dir", str(tmp_path / "cache"), "--username", "admin", "--json", *request.param]
    process = subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT,
        env={**os.environ, "XUELIANG_SIMULATE_PASSWORD": "s3cret"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def messages(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def test_it_tells_when_it_is_ready_takes_faults_and_stops_within_a_second(
    simulate_process: subprocess.Popen[str], rtsp_connect: Connect, sign_digest: Callable[..., str]
) -> None:
    told = messages(simulate_process)
    listening = next(told)
    assert listening["type"] == "listening"
    assert [camera["id"] for camera in listening["cameras"]] == ["C1", "C2"]
    kinds = {next(told)["type"], next(told)["type"]}
    assert kinds == {"camera"}
    ready = next(told)
    assert ready["type"] == "ready"

    client = rtsp_connect(ready["cameras"][0]["urls"]["sub"])
    challenge = client.ask("DESCRIBE").one("www-authenticate")
    basic = challenge.startswith("Basic ")
    signed = "Basic YWRtaW46czNjcmV0" if basic else sign_digest(challenge, "DESCRIBE", client.url)
    described = client.ask("DESCRIBE", Authorization=signed)
    assert described.status == 200
    assert ("H265/90000" if basic else "H264/90000") in described.body.decode()

    switched = run("fault", "C2", "frozen", "--control", ready["control"])
    assert (switched.returncode, switched.stdout) == (0, "C2: frozen\n")
    refused = run("fault", "C2", "sulking", "--control", ready["control"])
    assert refused.returncode == 2
    assert "'sulking' is unknown; there are none, frozen, stuck" in refused.stderr

    began = time.monotonic()
    simulate_process.send_signal(signal.SIGINT if basic else signal.SIGTERM)
    assert simulate_process.wait(60) == 0
    assert time.monotonic() - began < 15
    assert simulate_process.stderr is not None
    assert "s3cret" not in simulate_process.stderr.read()
    assert client.closed()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--video", "/nonexistent"], "is not a folder"),
        (["--username", "admin", "--password-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE"),
        (["--main-size", "large"], "is not WIDTHxHEIGHT"),
        (["--base-port", "65530", "--cameras", "20"], "65535"),
        (["fault", "C1", "frozen", "--control", "http://127.0.0.1:9"], "no simulator answers at http://127.0.0.1:9"),
    ],
)
def test_what_cannot_run_says_why_in_one_line_of_text(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
