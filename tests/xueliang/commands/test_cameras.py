"""``xueliang cameras probe`` against our simulator, over real RTSP: what is good, and each fault by its word."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from ingest.rtsp.address import Address, OpenLimits, open_rtsp
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import ClipSource
from ingest.state import Fault
from xueliang.commands.cameras import Target, app, probe_all
from xueliang.probe.report import CameraReport, as_data
from xueliang.probe.session import ProbeLimits, probe_stream

USER, PASSWORD = "admin", "a-camera-password"
CLOCK_AHEAD_S = 100.0
LIMITS = ProbeLimits(
    timeout_s=8, watch_s=1.2, clock_s=1.5, first_s=2.5, silence_s=1, opening=OpenLimits(connect_s=1, poll_s=0.3)
)


def _clip(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "30", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((180, 320, 3), number, np.uint8), "bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    """A good camera, and one for each fault; their clock is wrong."""
    folder = tmp_path_factory.mktemp("probe")
    source = ClipSource(_clip(folder / "grey.mp4"))
    profiles = Profiles(
        Profile(320, 180, Fraction(25), 300_000, gop_s=1), Profile(160, 90, Fraction(25), 100_000, gop_s=1)
    )
    names = ("good", "later", "frozen", "unreachable", "refused", "garbled", "flapping")
    cameras = [SimCamera(name, source, USER, PASSWORD, flap_s=0.3) for name in names]
    clock = lambda: time.time() + CLOCK_AHEAD_S  # noqa: E731  # a name for it would say no more
    with SimulatorThread(cameras, folder, clock=clock, profiles=profiles) as running:
        for name in names[2:]:
            running.set_fault(name, name)
        yield running


def address_of(simulator: SimulatorThread, name: str, password: str = PASSWORD) -> Address:
    return Address(simulator.url(name, "sub"), USER, SecretStr(password))


@pytest.fixture(scope="module")
def reports(simulator: SimulatorThread) -> dict[str, CameraReport]:
    """All probed in one go: the faults take their time, and can take it together."""
    with_password = {name: address_of(simulator, name) for name in simulator._simulator.cameras if name != "later"}
    silent = Address("rtsp://no-such-camera.invalid/main")
    wrong = {"wrong": address_of(simulator, "good", "not-it"), "unknown host": silent}
    targets = [Target(name, (("sub", where),)) for name, where in (with_password | wrong).items()]
    return {report.id: report for report in probe_all(targets, LIMITS)}


@pytest.mark.parametrize(
    ("name", "fault", "detail"),
    [
        ("frozen", Fault.FROZEN, "no packets came"),
        ("unreachable", Fault.UNREACHABLE, "nothing listens"),
        ("refused", Fault.REFUSED, "401"),
        ("wrong", Fault.REFUSED, "401"),
        ("garbled", Fault.GARBLED, "cannot be decoded"),
        ("flapping", Fault.UNREACHABLE, "camera ended the session"),
        ("unknown host", Fault.UNREACHABLE, "host name"),
    ],
)
def test_a_fault_is_told_in_the_walls_own_word(
    reports: dict[str, CameraReport], name: str, fault: Fault, detail: str
) -> None:
    (stream,) = reports[name].streams
    assert stream.fault is fault
    assert detail in stream.detail
    assert reports[name].suggestions, "and what to do"


def test_a_good_stream_is_measured(reports: dict[str, CameraReport]) -> None:
    (stream,) = reports["good"].streams
    assert stream.fault is None
    assert stream.picture is not None
    assert (stream.picture.codec, stream.picture.width, stream.picture.height) == ("h264", 160, 90)
    assert stream.picture.b_frames is False
    assert stream.figures is not None
    assert stream.figures.fps == pytest.approx(25, abs=0.5)
    assert stream.figures.gop_s == pytest.approx(1, abs=0.1)
    assert stream.clock_ahead_s == pytest.approx(CLOCK_AHEAD_S, abs=0.3)
    assert stream.audio == ()
    assert stream.opened_s is not None
    assert stream.first_picture_s is not None
    assert 0 < stream.opened_s <= stream.first_picture_s < 3
    assert stream.broken == 0


def test_nothing_told_holds_an_address_or_a_secret(reports: dict[str, CameraReport]) -> None:
    for report in reports.values():
        told = json.dumps(as_data(report))
        assert "rtsp://" not in told
        assert PASSWORD not in told


def test_a_stream_that_freezes_while_it_is_watched_is_frozen(simulator: SimulatorThread) -> None:
    def opener(address: Address, limits: OpenLimits) -> InputContainer:
        container = open_rtsp(address, limits)
        simulator.set_fault("later", "frozen")
        return container

    report = probe_stream("sub", address_of(simulator, "later"), LIMITS, threading.Event(), opener=opener)
    simulator.set_fault("later", "none")
    assert report.fault is Fault.FROZEN
    assert report.figures is not None
    assert report.figures.packets > 0


@pytest.fixture
def config(simulator: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A settings file with a good camera and one that is not there."""
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    credentials = {"username": USER, "password_env": "CAMERA_PASSWORD"}
    streams = {name: {"url": simulator.url("good", name)} for name in ("main", "sub")}
    good: dict[str, Any] = {"id": "good", "site": "s", "name": "good", "credentials": credentials, **streams}
    gone = {"id": "gone", "site": "s", "name": "gone", "main": {"url": simulator.url("unreachable")}}
    settings = {
        "regions": [{"id": "r", "name": "r", "level": "county"}],
        "sites": [{"id": "s", "name": "s", "region": "r", "location": {"lat": 31, "lon": 118}}],
        "cameras": [good, gone],
    }
    file = tmp_path / "node.yaml"
    file.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
    return str(file)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["probe", "--timeout", "1.5", *arguments])


def test_one_camera_of_the_settings_is_probed_for_people(config: str) -> None:
    result = run("good", "--config", config)
    assert result.exit_code == 0, result.output
    main, sub, small, advice = result.stdout.splitlines()
    assert main.startswith("good  main  good; h264 ")
    assert sub.startswith("good  sub   good; h264 ")
    assert "it takes main" in small
    assert "clock is 100 s ahead" in advice


def test_a_url_may_be_probed_over_udp(simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", PASSWORD)
    url = simulator.url("good")
    result = run("--url", url, "--username", USER, "--password-env", "CAMERA_PASSWORD", "--transport", "udp", "--json")
    (camera,) = json.loads(result.stdout)["cameras"]
    assert (camera["good"], camera["streams"][0]["transport"]) == (True, "udp")


def test_all_cameras_are_probed_for_a_program_and_a_fault_is_exit_code_1(config: str) -> None:
    result = run("--config", config, "--json")
    assert result.exit_code == 1
    good, gone = json.loads(result.stdout)["cameras"]
    assert (good["id"], good["good"], gone["id"], gone["good"]) == ("good", True, "gone", False)
    assert [stream["stream"] for stream in good["streams"]] == ["main", "sub"]
    assert gone["streams"][0]["fault"] == "unreachable"
    assert good["streams"][0]["figures"]["bit_rate"] > 1_000


def test_a_url_takes_its_password_from_the_environment(
    simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "not-it")
    url = simulator.url("good")
    result = run("--url", url, "--username", USER, "--password-env", "CAMERA_PASSWORD")
    assert result.exit_code == 1
    assert "FAULT refused" in result.stdout
    assert "not-it" not in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param((), "--config FILE or --url", id="nothing to probe"),
        pytest.param(("--url", f"rtsp://u:{PASSWORD}@192.0.2.1/x"), "--password-env", id="a password in the URL"),
        pytest.param(("--url", "http://192.0.2.1/x"), "rtsp://HOST", id="no RTSP"),
        pytest.param(("--url", "rtsp://192.0.2.1/x", "--username", "u"), "belong together", id="half the credentials"),
        pytest.param(
            ("--url", "rtsp://192.0.2.1/x", "--username", "u", "--password-env", "UNSET"), "UNSET", id="unset variable"
        ),
        pytest.param(("c", "--url", "rtsp://192.0.2.1/x"), "belongs to --config", id="id beside a URL"),
        pytest.param(("--config", "no-such-file.yaml"), "cannot be read", id="no such file"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert told in line
    assert PASSWORD not in result.output


def test_an_unknown_camera_is_told_with_those_there_are(config: str) -> None:
    result = run("god", "--config", config)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "no camera god; it has good, gone" in line
