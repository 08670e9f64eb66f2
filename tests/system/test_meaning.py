"""Events against the exact truth of drawn scenes, with the model in the box: a real worker on simulated cameras.

Needs nothing but the checkout. What happens in the scenes is computed from them, not written down here.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import pytest
from pydantic import SecretStr
from redis import Redis

from alerts import redis_server
from alerts.bus import EVENTS_KEY
from alerts.delivery.connection import connect
from alerts.event import Event
from alerts.health import CameraHealth, HealthBoard, Unanalysed
from alerts.rules.geometry import crossing, inside
from configs.schema import CameraDetection, IntrusionRule, Line, LineCrossingRule, ModelSettings, Rule, Settings, Zone
from detect.detection import Detections
from detect.detector import CameraDetectors, Detector
from detect.factory import DetectorPlan, plan_detector
from ingest.frame import Picture
from ingest.gating.gate import GateState
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera, camera_timeline
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.scene.scene import SceneKind, TruthObject
from ingest.simulator.source import SceneSource
from ingest.state import Phase
from models.manifest import shipped_manifest
from models.store import ModelStore
from tests.system.running import CACHE, PICTURE, county, wait_for
from xueliang.worker.node import WorkerNode
from xueliang.worker.share import MachineShare

pytestmark = pytest.mark.system

TURN_S = 24
FPS = Fraction(25, 2)
STREAM = Profile(640, 360, FPS, 800_000, gop_s=1)  # a look each second also where the noise hides who walks
PROFILES = Profiles(main=STREAM, sub=STREAM)
DAY = SceneSource(33, SceneKind.YARD, False, 640, 360, TURN_S)
NIGHT = SceneSource(33, SceneKind.YARD, True, 640, 360, TURN_S)
CAMERAS = {
    "DAY": DAY,
    "NIGHT": NIGHT,
    "EMPTY_DAY": SceneSource(33, SceneKind.YARD, False, 640, 360, TURN_S, empty=True),
    "EMPTY_NIGHT": SceneSource(33, SceneKind.YARD, True, 640, 360, TURN_S, empty=True),
    "BROKEN": DAY,
    "LATE": DAY,
}
EMPTY = tuple(name for name, source in CAMERAS.items() if source.empty)
BAY = Zone(id="bay", name="禁入区", polygon=((0.30, 0.79), (0.70, 0.79), (0.70, 1.0), (0.30, 1.0)))
BAR = Line(id="bar", name="警戒线", a=(0.5, 0.78), b=(0.5, 1.0))
REARM_S = 0.5
"""So short that whatever is told twice would be stored twice."""
LEAD_S = 3.0
"""Of calm before somebody enters."""


@dataclass(frozen=True)
class Happening:
    """Seconds of the scene's turn at which somebody enters the zone, crosses the line, and is out again."""

    entered: float
    crossed: float
    left: float
    forward: bool
    person: int


def happening(source: SceneSource) -> Happening:
    """What the scene's truth says of :data:`BAY` and :data:`BAR`; exactly one person comes by in a turn."""
    scene = source.scene(FPS)
    stays: dict[int, list[float]] = {}
    crossings: list[tuple[int, float, bool]] = []
    before: dict[int, tuple[float, float]] = {}
    for index in range(scene.frame_count):
        for one in people(scene.frame(index)[1]):
            at, foot = float(index / FPS), ((one.box[0] + one.box[2]) / 2, one.box[3])
            if inside(foot, BAY.polygon):
                stays.setdefault(one.id, []).append(at)
            if one.id in before and (way := crossing(before[one.id], foot, BAR.a, BAR.b)):
                crossings.append((one.id, at, way > 0))
            before[one.id] = foot
    ((person, stay),) = stays.items()
    ((crosser, crossed, forward),) = crossings
    assert crosser == person
    return Happening(stay[0], crossed, stay[-1], forward, person)


def people(truth: tuple[TruthObject, ...]) -> list[TruthObject]:
    return [one for one in truth if one.label == "person"]


class _Broken:
    """The plan's detectors, but one camera's throws and another's does not answer until ``release`` is set."""

    def __init__(self, real: CameraDetectors, release: threading.Event) -> None:
        self._real, self._release = real, release

    def for_camera(self, camera_id: str) -> Detector:
        real = self._real.for_camera(camera_id)
        return real if camera_id not in ("BROKEN", "LATE") else _Failing(real, camera_id, self._release)


@dataclass
class _Failing:
    real: Detector
    camera_id: str
    release: threading.Event

    @property
    def labels(self) -> tuple[str, ...]:
        return self.real.labels

    @property
    def model_id(self) -> str:
        return self.real.model_id

    def detect(self, picture: Picture) -> Detections:
        if self.camera_id == "LATE":
            self.release.wait(60)
            return self.real.detect(picture)
        raise RuntimeError("no memory")


@dataclass(frozen=True)
class Told:
    """What a worker told in one turn: events, the last health, and when (UTC epoch s) each camera's turn began."""

    events: list[Event]
    health: dict[str, CameraHealth]
    began: dict[str, float]

    def of(self, camera_id: str) -> dict[str, Event]:
        """The camera's events by kind; each kind once."""
        events = [event for event in self.events if event.camera_id == camera_id]
        by_kind = {event.kind: event for event in events}
        assert len(by_kind) == len(events), events
        return cast("dict[str, Event]", by_kind)


@contextmanager
def redis_in(folder: Path) -> Iterator[tuple[str, Redis]]:
    launch = redis_server.command(folder)
    with subprocess.Popen(launch.argv, env=launch.env, stdout=subprocess.DEVNULL) as process:
        client = connect(launch.url, name="test")
        redis_server.wait_ready(client, deadline_s=60, clock=time.monotonic, sleep=threading.Event().wait)
        try:
            yield launch.url, client
        finally:
            client.close()
            process.terminate()


def settings_for(cameras: SimulatorThread, state_dir: Path) -> Settings:
    """The county; those whose scene is empty watch the whole picture."""
    settings = county(cameras, list(CAMERAS), state_dir)
    made = []
    for camera, (name, source) in zip(settings.cameras, CAMERAS.items(), strict=True):
        zone = PICTURE if source.empty else BAY
        entry = IntrusionRule(id="entry", kind="intrusion", name="闯入", rearm_s=REARM_S, zone=zone.id)
        line = LineCrossingRule(id="cross", kind="line_crossing", name="越线", rearm_s=REARM_S, line=BAR.id)
        detection = CameraDetection(gated=name not in ("BROKEN", "LATE"))
        rules: tuple[Rule, ...] = (entry, line)
        changed = {"id": name, "zones": (zone,), "lines": (BAR,), "rules": rules, "detection": detection}
        made.append(camera.model_copy(update=changed))
    model = ModelSettings(id="xueliang_scenes", allow_pull=False, store=state_dir / "models", sessions=2)
    return settings.model_copy(update={"cameras": tuple(made), "model": model})


@pytest.fixture(scope="module")
def truth() -> Happening:
    """By night the same people walk the same ways."""
    return happening(DAY)


@pytest.fixture(scope="module")
def told(truth: Happening, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One turn of all cameras, from before somebody enters until a second after they have left."""
    folder = tmp_path_factory.mktemp("meaning")
    with SimulatorThread([SimCamera(name, source) for name, source in CAMERAS.items()], CACHE, profiles=PROFILES):
        pass  # drawn and encoded, so that the turn can begin when it is wanted
    phase_s = (time.time() + 2 - (truth.entered - LEAD_S)) % TURN_S
    cameras = [SimCamera(name, source, phase_s=phase_s) for name, source in CAMERAS.items()]
    with SimulatorThread(cameras, CACHE, profiles=PROFILES) as simulator, redis_in(folder) as (url, redis):
        settings = settings_for(simulator, folder / "state")
        store = ModelStore(folder / "models", shipped_manifest(), opener=None)
        plan = plan_detector(settings.model, store, cores=2)
        began = {
            name: turn_begins(time.time(), phase_s + camera_timeline(n, float, float, PROFILES.sub.gop_s).origin)
            for n, name in enumerate(CAMERAS)
        }
        release = threading.Event()
        broken = broken_plan(plan, release)
        failures: list[str] = []
        node = WorkerNode(
            "w", settings, settings.cameras, broken, SecretStr(url), failures.append, share=MachineShare(2)
        )
        try:
            node.start("http://127.0.0.1:1")
            end = max(began.values()) + truth.left + 1
            wait_for(lambda: time.time() > end, TURN_S, "the turn")
            board = HealthBoard(redis)
            wait_for(lambda: all(board.read_health()[name].gate is GateState.SHUT for name in EMPTY), 60, "rest")
            entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrange(EVENTS_KEY))
            health = board.read_health()
        finally:
            release.set()
            node.stop()
        assert failures == []
    return Told([Event.model_validate_json(fields[b"data"]) for _, fields in entries], health, began)


def turn_begins(now: float, phase: float) -> float:
    """When the turn that lasts at ``now`` began, UTC epoch s: see :mod:`ingest.simulator.playout`."""
    return now - (now - phase) % TURN_S


def broken_plan(plan: DetectorPlan, release: threading.Event) -> DetectorPlan:
    return replace(plan, open=lambda: _Broken(plan.open(), release))


@pytest.mark.parametrize("camera", ["DAY", "NIGHT"])
def test_who_enters_is_told_once_with_time_and_place(told: Told, truth: Happening, camera: str) -> None:
    events = told.of(camera)
    assert events.keys() == {"intrusion", "line_crossing"}
    entry, cross = events["intrusion"], events["line_crossing"]
    assert entry.occurred_at - told.began[camera] == pytest.approx(truth.entered, abs=1)
    assert cross.occurred_at - told.began[camera] == pytest.approx(truth.crossed, abs=1)
    assert cross.direction == ("forward" if truth.forward else "backward")
    assert (entry.place_id, cross.place_id, entry.measured) == (BAY.id, BAR.id, 1)

    scene = CAMERAS[camera].scene(FPS)
    for event in (entry, cross):
        seen = next(one for one in event.objects if one.label == "person")
        at = round((event.occurred_at - told.began[camera]) * FPS)
        (there,) = (one for one in people(scene.frame(at)[1]) if one.id == truth.person)
        assert overlap(seen.box, there.box) > 0.5


@pytest.mark.parametrize("camera", EMPTY)
def test_an_empty_scene_raises_nothing_and_its_rest_is_no_failure(told: Told, camera: str) -> None:
    assert told.of(camera) == {}
    health = told.health[camera]
    assert health.analysed > 0
    assert health.gate is GateState.SHUT
    assert health.unanalysed is None


@pytest.mark.parametrize(("camera", "cause"), [("BROKEN", Unanalysed.DETECTOR_ERROR), ("LATE", Unanalysed.LATE)])
def test_a_model_that_throws_or_does_not_answer_is_not_taken_for_an_empty_place(
    told: Told, camera: str, cause: Unanalysed
) -> None:
    health = told.health[camera]
    assert told.of(camera) == {}
    assert (health.phase, health.unanalysed, health.analysed) == (Phase.LIVE, cause, 0)
    assert health.unanalysed_since is not None
    assert health.unanalysed_since < health.at - 3
    assert {told.health[name].unanalysed for name in ("DAY", "NIGHT")} == {None}  # they do not suffer from it


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
