"""A camera whose sub stream is small against our simulator: main is analysed where it brings more, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest

from configs.schema import Camera, CameraDetection, StreamSettings
from ingest.camera import CameraIngest
from ingest.frame import Frame
from ingest.gating.gate import GateState
from ingest.gating.level import Level
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from ingest.state import Phase, StreamState
from ingest.watch import Watch
from models.manifest import Fit, ModelInput

MAIN, SUB = (320, 180), (160, 90)

Until = Callable[[Callable[[], object], float, str], float]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    """A camera for each test, so that none finds what another left."""
    profiles = Profiles(Profile(*MAIN, Fraction(12), 300_000, gop_s=1), Profile(*SUB, Fraction(12), 150_000, gop_s=1))
    scene = SceneSource(width=320, height=180, seconds=4)
    cameras = [SimCamera(name, scene) for name in ("calm", "resized", "half")]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("scenes"), profiles=profiles) as running:
        yield running


def _input(side: int) -> ModelInput:
    return ModelInput(name="images", width=side, height=side, colour="bgr", fit=Fit.TOP_LEFT)


class Node:
    """One camera with what it needs, and a thread that analyses its frames."""

    def __init__(self, main: str, sub: str, side: int, detection: CameraDetection) -> None:
        self.ledger = FrameLedger(["C"])
        self.mailboxes = Mailboxes(["C"], self.ledger)
        self.watch = Watch()
        self.states: list[StreamState] = []
        self.frames: list[Frame] = []
        self.camera = CameraIngest(
            Camera(
                id="C",
                site="site",
                name="C",
                main=StreamSettings(url=main),
                sub=StreamSettings(url=sub),
                detection=detection,
            ),
            ledger=self.ledger,
            frames=self.mailboxes,
            watch=self.watch,
            on_state=self.states.append,
            model_input=_input(side),
        )
        self._analysis = threading.Thread(target=self._analyse, name="test-analysis")

    def _analyse(self) -> None:
        while not self.mailboxes.closed:
            frame = self.mailboxes.take_next((), 0.5)
            if frame is not None:
                self.frames.append(frame)
                self.camera.analysed(frame.stream, frame.pts_s, matters=False)
                self.ledger.analysed(frame.camera_id)

    def sizes(self) -> list[tuple[int, int]]:
        """Of the frames that were analysed, without repetitions in a row."""
        sizes = [(frame.picture.width, frame.picture.height) for frame in self.frames]
        return [size for index, size in enumerate(sizes) if index == 0 or size != sizes[index - 1]]

    def __enter__(self) -> Node:
        self.watch.start()
        self._analysis.start()
        self.camera.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.camera.stop()
        assert self.watch.stop()
        self.mailboxes.close()
        self._analysis.join(60)


def test_main_is_analysed_where_the_sub_stream_is_too_small(simulator: SimulatorThread, until: Until) -> None:
    urls = simulator.url("calm", "main"), simulator.url("calm", "sub")
    with Node(*urls, 416, CameraDetection(fps=12, gated=True)) as node:
        camera = node.camera
        until(lambda: camera.health()["stream"] == "main", 60, "main did not take over")
        assert camera.gate is GateState.LEARNING
        camera.set_level(Level.HALF)
        until(lambda: "shed" in camera.health()["dropped"], 60, "the new stream is not thinned")
        until(lambda: camera.pixel_rate() is not None and camera.key_fps(), 60, "the load of main is not known")
        assert (camera.pixel_rate() or 0) > 6 * MAIN[0] * MAIN[1]
        health, counts = camera.health(), camera.counts()
    assert (health["phase"], health["level"]) == ("live", "half")
    assert (node.sizes()[0], node.sizes()[-1]) == (SUB, MAIN)
    assert {state.stream for state in node.states if state.phase is Phase.LIVE} == {"sub", "main"}
    after = [state.stream for state in node.states].index("main")
    assert all(state.phase is Phase.LIVE and state.stream == "main" for state in node.states[after:])
    assert (counts["sub"].sessions, counts["main"].sessions) == (1, 1)  # the wall's pictures were not interrupted
    account = node.ledger.account("C")
    assert account.received == account.analysed + sum(account.dropped.values())
    assert account.analysed > 0


def test_another_size_is_another_choice(
    simulator: SimulatorThread, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.camera._LINGER_S", 0.2)
    urls = simulator.url("resized", "main"), simulator.url("resized", "sub")
    with Node(*urls, SUB[0], CameraDetection(fps=12)) as node:
        until(lambda: len(node.frames) > 3, 60, "no frames")
        assert set(node.camera.counts()) == {"sub"}  # it fills the model's input: nobody asks what main has
        simulator.set_fault("resized", "resized")
        until(lambda: node.camera.health()["stream"] == "main", 60, "main did not take over")
        simulator.set_fault("resized", "none")
        until(lambda: node.camera.health()["stream"] == "sub", 60, "sub did not take over")
        until(lambda: set(node.camera.counts()) == {"sub"}, 60, "main stayed open")
    account = node.ledger.account("C")
    assert account.received == account.analysed + sum(account.dropped.values())


def test_sub_is_analysed_as_long_as_main_cannot_be_had(simulator: SimulatorThread, until: Until) -> None:
    url = simulator.url("half", "sub")
    with Node(url.replace("/sub", "/none"), url, 416, CameraDetection(fps=12)) as node:
        until(lambda: "main" in node.camera.counts(), 60, "main was not tried")
        seen = len(node.frames)
        until(lambda: len(node.frames) > seen + 12, 60, "no frames of sub")
        assert node.camera.health()["stream"] == "sub"
        assert node.camera.state.phase is Phase.LIVE
    assert {state.stream for state in node.states} == {"sub"}


def test_settings_that_name_a_stream_are_obeyed(simulator: SimulatorThread, until: Until) -> None:
    urls = simulator.url("calm", "main"), simulator.url("calm", "sub")
    with Node(*urls, 416, CameraDetection(fps=12, stream="sub")) as node:
        until(lambda: len(node.frames) > 12, 60, "no frames")
        assert set(node.camera.counts()) == {"sub"}
        assert node.camera.health()["stream"] == "sub"
