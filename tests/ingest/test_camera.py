"""A camera against our simulator: each fault is named and healed, capture times are true, streams open on demand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from pydantic import SecretStr

from configs.schema import Camera, CameraDetection, Credentials, StreamSettings
from ingest.camera import CameraIngest
from ingest.frame import Frame
from ingest.ledger import FrameLedger
from ingest.mailbox import Mailboxes
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource
from ingest.state import Fault, Phase, StreamState
from ingest.watch import Watch

USER, PASSWORD = "admin", "s3cret-password"
SEEN = ("stuck", "dark", "moved", "slow", "resized")
FAULTS = ("frozen", "unreachable", "refused", "garbled", "flapping", "lossy", "jumping", *SEEN)
BITS = 7
LOOP = 100
CLOCK_ERROR_S = 3600.0

Until = Callable[[Callable[[], object], float, str], float]


@dataclass
class Story:
    """What a camera's states were, and when: (monotonic seconds, state)."""

    states: list[tuple[float, StreamState]] = field(default_factory=list)

    def hear(self, state: StreamState) -> None:
        self.states.append((time.monotonic(), state))

    def first(self, since: float, matches: Callable[[StreamState], bool]) -> float | None:
        """Seconds after ``since`` of the first state that matches, told after it."""
        return next((at - since for at, state in self.states if at >= since and matches(state)), None)


def _clip(path: Path) -> Path:
    """Four seconds at 25 a second; picture ``n`` shows the bits of ``n`` as black and white columns."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(LOOP):
            pixels = np.zeros((180, 320, 3), np.uint8)
            for bit in range(BITS):
                pixels[:, bit * 320 // BITS : (bit + 1) * 320 // BITS] = 235 if number >> bit & 1 else 16
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        container.mux(stream.encode(None))
    return path


def _yard(path: Path) -> Path:
    """Four seconds of walls and windows behind a sensor's noise; somebody goes up and down in front of them."""
    chance = np.random.default_rng(7)
    walls = cv2.resize(chance.integers(40, 220, (9, 16, 3), np.uint8), (320, 180), interpolation=cv2.INTER_NEAREST)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "20", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(LOOP):
            pixels = np.clip(walls + chance.normal(0, 3, walls.shape), 0, 255).astype(np.uint8)
            left = 20 + 4 * min(number, LOOP - number)
            pixels[90:150, left : left + 24] = 30
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        container.mux(stream.encode(None))
    return path


def _number(frame: Frame) -> int:
    """The number that a picture of :func:`_clip` shows."""
    columns = frame.picture.bgr(320, 180).mean(axis=(0, 2))
    return sum(int(columns[(2 * bit + 1) * 320 // (2 * BITS)] > 128) << bit for bit in range(BITS))


@pytest.fixture(scope="module")
def coded_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    """A camera for each fault, one with a wrong clock for all else, one that looks at an empty yard."""
    folder = tmp_path_factory.mktemp("coded")
    source = ClipSource(_clip(folder / "numbers.mp4"))
    profiles = Profiles(
        Profile(320, 180, Fraction(25), 600_000, gop_s=1), Profile(160, 90, Fraction(25), 300_000, gop_s=1)
    )
    yard = ClipSource(_yard(folder / "yard.mp4"))
    cameras = [
        SimCamera(name, yard if name in {"yard", *SEEN} else source, USER, PASSWORD, flap_s=0.3)
        for name in ("calm", "yard", *FAULTS)
    ]
    clock = lambda: time.time() + CLOCK_ERROR_S  # noqa: E731  # a name for it would say no more
    with SimulatorThread(cameras, folder, clock=clock, profiles=profiles) as running:
        yield running


def _settings(simulator: SimulatorThread, name: str, detection: CameraDetection) -> Camera:
    """As the loader makes them: the password is added afterwards, since it cannot be given in the settings."""
    credentials = Credentials(username=USER, password_env="CAMERA_PASSWORD")
    camera = Camera(
        id=name,
        site="site",
        name=name,
        main=StreamSettings(url=simulator.url(name, "main")),
        sub=StreamSettings(url=simulator.url(name, "sub")),
        credentials=credentials,
        detection=detection,
    )
    resolved = credentials.model_copy(update={"password": SecretStr(PASSWORD)})
    return camera.model_copy(update={"credentials": resolved})


class Node:
    """Cameras with what they share, and a thread that analyses their frames."""

    def __init__(self, simulator: SimulatorThread, names: tuple[str, ...], **detection: Any) -> None:
        self.ledger = FrameLedger(names)
        self.mailboxes = Mailboxes(names, self.ledger)
        self.watch = Watch()
        self.stories = {name: Story() for name in names}
        self.frames: list[Frame] = []
        self.cameras = {
            name: CameraIngest(
                _settings(simulator, name, CameraDetection(**detection)),
                ledger=self.ledger,
                frames=self.mailboxes,
                watch=self.watch,
                on_state=self.stories[name].hear,
            )
            for name in names
        }
        self._analysis = threading.Thread(target=self._analyse, name="test-analysis")

    def __enter__(self) -> Node:
        self.watch.start()
        self._analysis.start()
        for camera in self.cameras.values():
            camera.start()
        return self

    def __exit__(self, *_: object) -> None:
        for camera in self.cameras.values():
            camera.request_stop()
        assert [camera.camera.id for camera in self.cameras.values() if not camera.join(4.0)] == []
        assert self.watch.stop()
        self.mailboxes.close()
        self._analysis.join(60)

    def _analyse(self) -> None:
        while not self.mailboxes.closed:
            frame = self.mailboxes.take_next((), 0.5)
            if frame is not None:
                self.frames.append(frame)
                self.ledger.analysed(frame.camera_id)


@dataclass(frozen=True)
class Troubles:
    """All faults at once, each on its own camera: when they began and ended, and what was said."""

    begun: dict[str, float]
    ended: float
    stories: dict[str, Story]
    accounts: dict[str, Any]
    threads_left: list[str]
    made: dict[str, dict[str, int]]


def _named(story: Story, fault: str, since: float) -> bool:
    return story.first(since, lambda state: state.fault == fault) is not None


def _healed(story: Story, since: float) -> bool:
    return story.first(since, lambda state: state.phase is Phase.LIVE and state.fault is None) is not None


@pytest.fixture(scope="module")
def troubles(coded_simulator: SimulatorThread) -> Troubles:
    """Lived through once for all tests of this module: the faults take their time, and can take it together."""
    never = threading.Event()

    def wait(condition: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not condition() and time.monotonic() < deadline:
            never.wait(0.02)

    with Node(coded_simulator, ("calm", "yard", *FAULTS)) as node:
        wait(lambda: all(camera.state.phase is Phase.LIVE for camera in node.cameras.values()), 15)
        wait(lambda: all(node.cameras[fault]._judges["sub"]._view.settled for fault in SEEN), 30)
        begun = {}
        for fault in FAULTS:
            coded_simulator.set_fault(fault, fault)
            begun[fault] = time.monotonic()
        wait(lambda: all(_named(node.stories[fault], fault, begun[fault]) for fault in FAULTS), 20)
        ended = time.monotonic()
        for fault in FAULTS:
            coded_simulator.set_fault(fault, "none")
        node.cameras["refused"].retry_now()
        wait(lambda: all(_healed(node.stories[fault], ended) for fault in FAULTS), 20)
        made = {fault: coded_simulator.report(fault)["faults_made"] for fault in FAULTS}
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("ingest-")]
    return Troubles(begun, ended, node.stories, node.ledger.snapshot(), left, made)


@pytest.mark.parametrize(
    ("fault", "phases", "within_s"),
    [
        pytest.param("frozen", {Phase.STALE}, 2.1, id="frozen within two seconds"),
        pytest.param("unreachable", {Phase.STALE}, 1.0, id="unreachable at once"),
        pytest.param("refused", {Phase.REFUSED}, 4.0, id="refused at the next attempt"),
        pytest.param("garbled", {Phase.LIVE, Phase.STALE}, 3.0, id="garbled within three seconds"),
        pytest.param("flapping", {Phase.LIVE, Phase.STALE}, 5.0, id="flapping at the second end"),
        pytest.param("stuck", {Phase.LIVE}, 10.0, id="stuck within ten seconds"),
        pytest.param("dark", {Phase.LIVE}, 6.0, id="dark within six seconds"),
        pytest.param("moved", {Phase.LIVE}, 10.0, id="moved within ten seconds"),
        pytest.param("lossy", {Phase.LIVE, Phase.STALE}, 10.0, id="lossy within ten seconds"),
        pytest.param("slow", {Phase.LIVE}, 10.0, id="slow within ten seconds"),
        pytest.param("jumping", {Phase.LIVE}, 6.0, id="jumping at the second jump"),
        pytest.param("resized", {Phase.LIVE}, 2.0, id="resized at the key frame"),
    ],
)
def test_a_fault_is_named_and_taken_back(troubles: Troubles, fault: str, phases: set[Phase], within_s: float) -> None:
    story = troubles.stories[fault]
    named = story.first(troubles.begun[fault], lambda state: state.fault == fault and state.phase in phases)
    assert named is not None
    assert named <= within_s
    assert _healed(story, troubles.ended)
    assert troubles.made[fault] == {fault: 1, "none": 1}


@pytest.mark.parametrize("fault", [*SEEN, "jumping"])
def test_a_fault_of_the_pictures_does_not_end_them(troubles: Troubles, fault: str) -> None:
    states = [state for at, state in troubles.stories[fault].states if at >= troubles.begun[fault]]
    assert {state.phase for state in states} == {Phase.LIVE}
    assert {state.fault for state in states} == {None, fault}


@pytest.mark.parametrize("name", ["calm", "yard"])
def test_a_camera_without_a_fault_is_not_drawn_in(troubles: Troubles, name: str) -> None:
    begun = min(troubles.begun.values())
    calm = [state for at, state in troubles.stories[name].states if at >= begun]
    assert not [state for state in calm if state.phase is not Phase.LIVE or state.fault is not None]


def test_every_frame_of_the_troubles_is_accounted_for(troubles: Troubles) -> None:
    for account in troubles.accounts.values():
        assert account.received > 0
        assert account.in_flight == 0
        assert account.received == account.analysed + sum(account.dropped.values())
    assert troubles.accounts["garbled"].dropped.get("undecodable", 0) > 0


def test_nothing_runs_on_after_the_stop(troubles: Troubles) -> None:
    assert troubles.threads_left == []


def test_no_state_holds_an_address_or_a_secret(troubles: Troubles) -> None:
    told = repr([story.states for story in troubles.stories.values()])
    assert "rtsp://" not in told
    assert PASSWORD not in told


def test_capture_times_are_true_although_the_cameras_clock_is_an_hour_wrong(
    coded_simulator: SimulatorThread, until: Until
) -> None:
    with Node(coded_simulator, ("calm",), stream="main", fps=12) as node:
        until(lambda: sum(frame.clock == "rtcp" for frame in node.frames) >= 24, 60, "no time from RTCP")
        counts = node.cameras["calm"].counts()["main"]
    # When picture 0 was "captured", by the steady clock.
    origin = coded_simulator._simulator._cameras["calm"].timeline.origin
    wall_ahead = time.time() - time.monotonic()
    errors = []
    for frame in [frame for frame in node.frames if frame.clock == "rtcp"]:
        truth_in_loop = origin + wall_ahead + _number(frame) / 25
        error = (frame.captured_at - truth_in_loop + LOOP / 50) % (LOOP / 25) - LOOP / 50
        errors.append(error)
    # The clock is wrong by an hour; what a busy machine adds to the shortest way is no error of the mapping.
    assert max(abs(error) for error in errors) <= 0.5
    assert counts.camera_ahead_s == pytest.approx(CLOCK_ERROR_S, abs=0.5)


async def test_the_main_stream_opens_for_a_viewer_and_closes_after_the_last(
    coded_simulator: SimulatorThread, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.camera._LINGER_S", 0.2)
    with Node(coded_simulator, ("calm",)) as node:
        camera = node.cameras["calm"]
        assert set(camera.counts()) == {"sub"}
        last_time = 0.0
        for _ in range(2):
            with camera.live("main").subscribe() as subscription:
                messages = await asyncio.wait_for(subscription.messages(), 60)
                while not any(isinstance(message, bytes) for message in messages):
                    messages = await asyncio.wait_for(subscription.messages(), 60)
                init = next(json.loads(m) for m in messages if isinstance(m, str) and '"init"' in m)
                assert (init["width"], init["height"]) == (320, 180)
                assert camera.state.stream == "sub"
            pts_s = camera.live("main").pts_at(time.time())
            assert pts_s is not None
            assert pts_s > last_time
            last_time = pts_s
            until(lambda: set(camera.counts()) == {"sub"}, 60, "the main stream stayed open")


async def test_boxes_reach_the_viewers_of_both_streams_on_their_own_timelines(
    coded_simulator: SimulatorThread, until: Until
) -> None:
    with Node(coded_simulator, ("calm",)) as node:
        camera = node.cameras["calm"]
        rendered: list[float] = []

        def render(pts_s: float) -> str:
            rendered.append(pts_s)
            return json.dumps({"v": 1, "type": "overlay", "camera_id": "calm", "pts_s": pts_s, "boxes": []})

        camera.publish_overlay(time.time(), render)
        assert rendered == []
        with camera.live("main").subscribe() as main, camera.live("sub").subscribe() as sub:
            for name in ("main", "sub"):
                until(lambda name=name: camera.live(name).counts().published > 3, 60, "no pictures")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            until(lambda: any(frame.clock == "rtcp" for frame in node.frames), 60, "no frames with time from RTCP")
            frame = node.frames[-1]
            camera.publish_overlay(frame.captured_at, render)
            assert len(rendered) == 2
            assert min(abs(pts_s - frame.pts_s) for pts_s in rendered) < 0.1
            for subscription in (main, sub):
                texts: list[str] = []
                while not any('"overlay"' in text for text in texts):
                    texts += [m for m in await asyncio.wait_for(subscription.messages(), 60) if isinstance(m, str)]


def test_health_has_the_figures_of_the_contract(coded_simulator: SimulatorThread, until: Until) -> None:
    with Node(coded_simulator, ("calm",)) as node:
        camera = node.cameras["calm"]
        until(lambda: camera.health()["fps_analysed"] > 4, 60, "no rate of analysed frames")
        health = camera.health()
    assert health["phase"] == "live"
    assert health["fault"] is None
    assert health["fps_received"] >= health["fps_analysed"] > 4
    assert health["received"] >= health["analysed"] + sum(health["dropped"].values())
    assert Fault.FROZEN not in health["detail"]
    json.dumps(health)
