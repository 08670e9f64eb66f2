"""Other people's clients: FFmpeg's command line, GStreamer, and PyAV as the product reads."""

from __future__ import annotations

import itertools
import json
import shutil
import struct
import subprocess
import time
from typing import Any

import av
import pytest

from ingest.simulator.background import SimulatorThread

PASSWORD = "s3cret"


def with_credentials(url: str, password: str = PASSWORD) -> str:
    return url.replace("rtsp://", f"rtsp://admin:{password}@")


def ffprobe(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", *options, "-of", "json", "-show_entries"]
    entries = "stream=codec_name,profile,width,height,avg_frame_rate,has_b_frames"
    return subprocess.run([*command, entries, url], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("stream", "size", "rate"), [("main", (320, 180), "25/1"), ("sub", (160, 90), "25/2")])
def test_ffprobe_reads_both_streams(simulator: SimulatorThread, stream: Any, size: tuple[int, int], rate: str) -> None:
    done = ffprobe(with_credentials(simulator.url("digest", stream)), "-rtsp_transport", "tcp")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (found,) = json.loads(done.stdout)["streams"]
    assert (found["codec_name"], found["has_b_frames"], found["avg_frame_rate"]) == ("h264", 0, rate)
    assert (found["width"], found["height"]) == size


def test_ffprobe_falls_back_from_udp(simulator: SimulatorThread) -> None:
    assert ffprobe(simulator.url("open")).returncode == 0


def test_ffprobe_is_refused_with_a_wrong_password(simulator: SimulatorThread) -> None:
    done = ffprobe(with_credentials(simulator.url("digest"), "guess"), "-rtsp_transport", "tcp")
    assert done.returncode != 0
    assert "401" in done.stderr


def gstreamer(url: str, password: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("gst-launch-1.0 is not installed")
    known = subprocess.run(["gst-inspect-1.0", "avdec_h264"], capture_output=True, check=False, timeout=60)
    if known.returncode:
        pytest.skip("GStreamer's libav plugin is not installed")
    source = ["rtspsrc", "protocols=tcp", f"location={url}", "user-id=admin", f"user-pw={password}", "latency=0"]
    decode = [
        "rtph264depay",
        "!",
        "h264parse",
        "!",
        "avdec_h264",
        "!",
        "identity",
        "eos-after=30",
        "!",
        "fakesink",
        "sync=false",
    ]
    command = ["gst-launch-1.0", "-q", *source, "!", *decode]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_gstreamer_logs_in_and_decodes(simulator: SimulatorThread) -> None:
    before = simulator.report("digest")["streams"]["main"]["frames"]
    done = gstreamer(simulator.url("digest"), PASSWORD)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    assert simulator.report("digest")["streams"]["main"]["frames"] - before >= 29


def test_gstreamer_is_refused_with_a_wrong_password(simulator: SimulatorThread) -> None:
    done = gstreamer(simulator.url("digest"), "guess")
    assert done.returncode != 0
    assert "Unauthorized" in done.stderr


def wall_clock(packet: av.Packet[Any]) -> float | None:
    """UTC epoch seconds of FFmpeg's producer reference time: microseconds, then flags, in the machine's order."""
    for data in packet.iter_sidedata():
        if data.data_type == "prft":
            return float(struct.unpack_from("=q", bytes(data))[0]) / 1e6
    return None


def test_pyav_gets_every_frames_wall_clock_over_the_loops_seam(simulator: SimulatorThread) -> None:
    """The loop lasts 4 s, so 110 frames pass its seam."""
    with av.open(simulator.url("open"), options={"rtsp_transport": "tcp"}, timeout=(5.0, 5.0)) as container:
        packets = list(itertools.islice(container.demux(video=0), 110))
        now = time.time()
        walls = [wall for packet in packets if (wall := wall_clock(packet)) is not None]
    times = [packet.pts for packet in packets if packet.pts is not None]
    assert {b - a for a, b in itertools.pairwise(times)} == {3600}
    assert len(walls) == 110
    assert all(b - a == pytest.approx(0.04, abs=1e-3) for a, b in itertools.pairwise(walls))
    assert -0.05 < now - walls[-1] < 0.5


def test_the_first_picture_comes_at_once(simulator: SimulatorThread) -> None:
    """From a key frame before it was asked for. A new GOP may begin in between: thrice is sure."""
    options = {"rtsp_transport": "tcp", "probesize": "32", "analyzeduration": "0"}
    earlier = []
    for _ in range(3):
        asked = time.time()
        with av.open(simulator.url("open"), options=options, timeout=(5.0, 5.0)) as container:
            packet = next(container.demux(video=0))
            assert packet.is_keyframe
            wall = wall_clock(packet)
            assert wall is not None
            earlier.append(wall < asked)
    assert any(earlier)
