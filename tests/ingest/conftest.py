"""Real RTSP servers for the tests of ingest, and what is needed to look at streams."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.frame import Frame
from ingest.judges.stream import StreamJudge
from ingest.ledger import FrameLedger
from ingest.live import LiveChannel
from ingest.mailbox import Mailboxes
from ingest.packet import AccessUnit
from ingest.rtsp.address import Address
from ingest.rtsp.decoding import FrameDecoder
from ingest.rtsp.session import SessionLimits, StreamSession
from ingest.state import Phase, StreamState
from tests.ingest.encoding import encode
from tests.ingest.peer import Peer, Script

_SYSTEM_PYTHON = "/usr/bin/python3"
_SERVER = Path(__file__).with_name("gst_server.py")


@dataclass(frozen=True)
class GstServer:
    """A running gst-rtsp-server."""

    url: str
    process: subprocess.Popen[str]


StartGst = Callable[..., GstServer]


@pytest.fixture(scope="session")
def gst_available() -> None:
    """Skips where Debian's gst-rtsp-server is missing."""
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        found = subprocess.run([_SYSTEM_PYTHON, "-c", check], capture_output=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.skip("no system Python for gst-rtsp-server")
    if found.returncode:
        pytest.skip("gst-rtsp-server is not installed (gir1.2-gst-rtsp-server-1.0, python3-gi)")


@pytest.fixture
def start_gst(gst_available: None) -> Iterator[StartGst]:
    """Starts servers with the given options; all end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str, password: str = "") -> GstServer:
        process = subprocess.Popen(
            [_SYSTEM_PYTHON, str(_SERVER), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        if password:
            process.stdin.write(password + "\n")
            process.stdin.flush()
        word, port = process.stdout.readline().split()
        assert word == "ready"
        return GstServer(f"rtsp://127.0.0.1:{port}/test", process)

    yield start
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class Until:
    """Waits for a condition that others make true, with a deadline; polls without sleeping longer than a moment."""

    def __init__(self) -> None:
        self._never = threading.Event()

    def __call__(self, condition: Callable[[], object], timeout: float, what: str) -> float:
        """Seconds until ``condition()`` was true; fails the test after ``timeout``."""
        begun = time.monotonic()
        while not condition():
            if time.monotonic() - begun > timeout:
                pytest.fail(f"after {timeout} s: {what}")
            self._never.wait(0.01)
        return time.monotonic() - begun


@pytest.fixture
def until() -> Until:
    """See :class:`Until`."""
    return Until()


EncodeUnits = Callable[..., list[AccessUnit]]


@pytest.fixture(scope="session")
def encode_units() -> EncodeUnits:
    """See :func:`tests.ingest.encoding.encode`."""
    return encode


class Rig:
    """One session with its channel, mailbox and ledger, ticked by the test's waits."""

    def __init__(self, address: Address, limits: SessionLimits | None = None) -> None:
        self.states: list[StreamState] = []
        self.ledger = FrameLedger(["cam"])
        self.mailboxes = Mailboxes(["cam"], self.ledger)
        self.channel = LiveChannel(StreamState("cam", "sub", Phase.CONNECTING, None, 0, 0, 0, "not started"))
        judge = StreamJudge()
        decoder = FrameDecoder("cam", "sub", fps=5, ledger=self.ledger, target=self.mailboxes, see=judge.see)
        self.session = StreamSession(
            "cam",
            "sub",
            address,
            self.channel,
            decoder=decoder,
            judge=judge,
            limits=limits,
            on_state=self.states.append,
        )

    def phase(self) -> Phase:
        self.session.tick(stalled_here=False)
        return self.session.state.phase

    def frame(self) -> Frame:
        frame = self.mailboxes.take_next((), 10.0)
        assert frame is not None
        self.ledger.analysed("cam")
        return frame

    def stop(self) -> None:
        self.session.request_stop()
        assert self.session.join(5.0)
        self.mailboxes.close()


StartRig = Callable[..., Rig]


@pytest.fixture
def start_rig() -> Iterator[StartRig]:
    """Starts sessions; all end with the test."""
    rigs: list[Rig] = []

    def start(address: Address, limits: SessionLimits | None = None) -> Rig:
        rigs.append(Rig(address, limits))
        rigs[-1].session.start()
        return rigs[-1]

    yield start
    for rig in rigs:
        rig.session.request_stop()
    for rig in rigs:
        rig.stop()


StartPeer = Callable[[Script], Peer]


@pytest.fixture
def start_peer() -> Iterator[StartPeer]:
    """Starts peers; all end with the test."""
    running: list[Peer] = []

    def start(script: Script) -> Peer:
        running.append(Peer(script))
        return running[-1]

    yield start
    for peer in running:
        peer.close()
