"""``xueliang demo`` as somebody sees it who has just installed it: no checkout, no models, no network."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import psutil
import pytest

from tests.system.running import ROOT, wait_gone
from xueliang.preflight import free_ports

PACKAGES = ("alerts", "configs", "dashboard", "detect", "ingest", "models", "xueliang")
CACHE = ROOT / ".cache" / "test-demo"
STOP_S = 20.0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The packages as a wheel would lay them down: nothing lies beside them."""
    site = tmp_path / "site"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, site / name, ignore=shutil.ignore_patterns("node_modules", "src", "__pycache__"))
    return site


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A folder with one short clip; the other cameras must be drawn."""
    folder = tmp_path / "video"
    folder.mkdir()
    with av.open(str(folder / "yard.mp4"), "w") as out:
        stream = out.add_stream("h264", rate=Fraction(25, 2))
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for n in range(25):
            picture = np.full((180, 320, 3), 60, np.uint8)
            picture[60:120, 8 * n : 8 * n + 40] = 200
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return folder


@pytest.mark.system
@pytest.mark.parametrize(
    ("clip", "detector"),
    [
        pytest.param(True, {"id": "motion", "mode": "motion"}, id="a clip of their own"),
        pytest.param(False, {"id": "xueliang_scenes", "mode": "scenes"}, id="drawn scenes alone"),
    ],
)
def test_the_demo_tells_where_the_wall_is_and_who_may_log_in_and_ends_at_ctrl_c(
    installed: Path, video: Path, tmp_path: Path, clip: bool, detector: dict[str, str]
) -> None:
    state, port = tmp_path / "state", free_ports(1)[0]
    state.mkdir()
    CACHE.mkdir(parents=True, exist_ok=True)
    (state / "simulator").symlink_to(CACHE)  # drawn and encoded once, kept between runs of the tests
    environ = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "PORT": str(port),
        "STATE_DIR": str(state),
        "VIDEO": str(video) if clip else "",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "HTTPS_PROXY": "http://127.0.0.1:9",  # no network to pull a model from
    }
    with subprocess.Popen(
        [sys.executable, "-m", "xueliang.cli", "demo"],
        cwd=installed,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        try:
            lines = [demo.stdout.readline().rstrip("\n")]
            assert lines[0].startswith("starting" if clip else "model yolox_nano_416 cannot be had"), lines
            while not lines[-1].startswith("wall ready"):
                lines.append(demo.stdout.readline().rstrip("\n"))
                assert lines[-1], lines
            assert lines[-1] == f"wall ready: http://127.0.0.1:{port}"

            accounts = dict(demo.stdout.readline().split() for _ in range(6))
            assert set(accounts) == {"operator", "leader", "liuhe", "shiqiao", "engineer", "admin"}
            for username, password in accounts.items():
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
                    client.post("/api/login", json={"username": username, "password": password}).raise_for_status()
                    assert client.get("/api/me").json()["username"] == username
                    assert client.get("/api/node").json()["detector"] == detector
            assert "<title>" in httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text
        finally:
            children = psutil.Process(demo.pid).children(recursive=True)
            began = time.monotonic()
            demo.send_signal(signal.SIGINT)
            rest = demo.communicate(timeout=60)[0]
        took_s = time.monotonic() - began
    assert len(children) >= 5  # redis, simulator, worker, historian, dashboard
    wait_gone([child.pid for child in children], 0.5)
    assert took_s < STOP_S
    assert demo.returncode == 0
    assert not re.search(r"Traceback|Error", "\n".join(lines) + rest)
