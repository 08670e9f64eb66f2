"""A stream is tried as a worker would read it: what it is, with its picture; each way to be wrong has its word."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from fractions import Fraction

import pytest
from pydantic import SecretStr

from dashboard.setup.messages import ProbeReport
from ingest.rtsp.address import Address
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.source import SceneSource
from xueliang.preflight import free_ports
from xueliang.probe.session import ProbeLimits
from xueliang.worker.setup import tried

QUICK = ProbeLimits(timeout_s=8, watch_s=1, clock_s=1)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    small = Profile(320, 180, Fraction(8), 100_000, gop_s=1)
    scene = SceneSource(width=320, height=180, seconds=4)
    cameras = [SimCamera("open", scene), SimCamera("locked", scene, username="admin", password="right")]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("video"), profiles=Profiles(small, small)) as running:
        yield running


def probe(url: str, username: str = "", password: str = "") -> ProbeReport:
    return ProbeReport.model_validate(tried(Address(url, username, SecretStr(password)), QUICK))


def test_a_good_stream_is_told_with_its_picture(simulator: SimulatorThread) -> None:
    report = probe(simulator.url("locked"), "admin", "right")
    assert (report.fault, report.codec, report.width, report.height) == (None, "h264", 320, 180)
    assert report.fps == pytest.approx(8, abs=1.5)
    assert report.picture is not None
    head, _, data = report.picture.partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data).startswith(b"\xff\xd8\xff")


def test_each_way_to_be_wrong_has_its_word(simulator: SimulatorThread) -> None:
    here = simulator.url("open")
    assert probe("rtsp://no-such-camera.invalid/main").fault == "unknown_host"
    assert probe(f"rtsp://127.0.0.1:{free_ports(1)[0]}/main").fault == "nothing_listens"
    assert probe(here.replace("/main", "/mian")).fault == "no_stream"
    refused = probe(simulator.url("locked"), "admin", "wrong")
    assert refused.fault == "refused"
    assert "wrong" not in refused.model_dump_json()
    assert refused.picture is None


def test_the_address_that_was_judged_is_gone_to_whatever_the_name_leads_to(simulator: SimulatorThread) -> None:
    elsewhere = simulator.url("locked").replace("127.0.0.1", "no-such-camera.invalid")
    asked = Address(elsewhere, "admin", SecretStr("right"), peer="127.0.0.1")
    assert tried(asked, QUICK)["fault"] is None
