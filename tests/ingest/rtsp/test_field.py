"""Streams as they are in the field: other codecs and transports, odd sizes, interlacing, B-frames, no RTCP, audio.

Some come from our simulator, some from a server that is not ours; of each, pictures must reach the analysis and the
live channel, on a timeline that holds.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import pytest
from pydantic import SecretStr

from ingest.live import LiveChannel, Message
from ingest.packet import TIMESCALE, AccessUnit
from ingest.rtsp.address import Address
from ingest.rtsp.session import StreamSession
from ingest.simulator.background import SimulatorThread
from ingest.simulator.camera import SimCamera
from ingest.simulator.encode import Profile, Profiles
from ingest.simulator.rtsp.wire import Impairment
from ingest.simulator.scene.place import SceneKind
from ingest.simulator.source import SceneSource
from ingest.state import Fault, Phase, StreamState

USER, PASSWORD = "admin", "p@ss:w/rd?#%41"
Until = Callable[[Callable[[], object], float, str], float]
StartRig = Callable[..., Any]

_SOURCE = "videotestsrc is-live=true pattern=smpte ! video/x-raw,width={w},height={h},framerate=25/1"
_X264 = "x264enc speed-preset=ultrafast threads=1 key-int-max=12 bitrate=1000 option-string=scenecut=0"
_SILENCE = "audiotestsrc is-live=true wave=silence ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay1 pt=8"
_PAY = "rtph264pay name=pay0 pt=96 config-interval=0"


@pytest.fixture(scope="module")
def field_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorThread]:
    """Cameras with one peculiarity each; main is H.264, sub is H.265."""
    source = SceneSource(kind=SceneKind.YARD, width=320, height=180, seconds=4)
    profiles = Profiles(
        Profile(320, 180, Fraction(25), 400_000, gop_s=1), Profile(160, 90, Fraction(25), 300_000, 1, codec="hevc")
    )
    plain = SimCamera("plain", source)
    cameras = [
        plain,
        replace(plain, id="basic", username=USER, password=PASSWORD, scheme="basic"),
        replace(plain, id="late", impairment=Impairment(reorder=0.05)),
        replace(plain, id="wrap", first_timestamp=2**32 - 2 * 90_000),
        replace(plain, id="mute", reports=False),
    ]
    with SimulatorThread(cameras, tmp_path_factory.mktemp("field"), profiles=profiles) as running:
        yield running


async def _live(rig: Any, pictures: int) -> tuple[dict[str, Any], bytes]:
    """The init message and so many pictures of the live channel, as one file."""
    messages: list[Message] = []
    with rig.channel.subscribe() as subscription:
        while sum(isinstance(message, bytes) for message in messages) <= pictures:
            messages += await asyncio.wait_for(subscription.messages(), 60)
    init = next(json.loads(text) for text in messages if isinstance(text, str) and '"init"' in text)
    return init, b"".join(message for message in messages if isinstance(message, bytes))


def _pictures(media: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(media), mode="r", format="mp4") as container:
        return list(container.decode(video=0))


def _gst(source: str, *more: str) -> tuple[str, str]:
    return "--launch", f"( {' ! '.join([source, *more])} )"


async def test_h265_is_analysed_and_shown(field_simulator: SimulatorThread, start_rig: StartRig, until: Until) -> None:
    rig = start_rig(Address(field_simulator.url("plain", "sub")))
    assert rig.frame().picture.bgr(160, 90).std() > 5
    init, media = await _live(rig, 30)
    assert (init["width"], init["height"]) == (160, 90)
    assert init["codec"].startswith("hvc1.1.6.L")
    frames = _pictures(media)
    assert len(frames) >= 29
    assert not any(frame.is_corrupt for frame in frames)
    until(lambda: rig.frame().clock == "rtcp", 60, "no time from RTCP")
    assert rig.session.counts().malformed + rig.session.counts().undecodable == 0


async def test_h265_of_another_server(start_gst: Callable[..., Any], start_rig: StartRig) -> None:
    encoder = "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=12"
    source = _SOURCE.format(w=638, h=358)
    server = start_gst(*_gst(source, encoder, "rtph265pay name=pay0 pt=96 config-interval=0"))
    rig = start_rig(Address(server.url))
    assert (rig.frame().picture.width, rig.frame().picture.height) == (638, 358)
    init, media = await _live(rig, 15)
    assert (init["width"], init["height"]) == (638, 358)
    assert len(_pictures(media)) >= 14


def test_losses_over_udp_and_garbled_h265_are_told_apart(
    field_simulator: SimulatorThread, start_rig: StartRig, until: Until
) -> None:
    rig = start_rig(Address(field_simulator.url("wrap", "sub"), transport="udp"))
    until(lambda: rig.phase() is Phase.LIVE, 60, "never live")
    for fault in (Fault.LOSSY, Fault.GARBLED):
        field_simulator.set_fault("wrap", fault)
        until(lambda: rig.phase() is not None and rig.session.state.fault is fault, 60, f"{fault} was not named")  # noqa: B023  # called before the loop goes on
        field_simulator.set_fault("wrap", "none")
        until(lambda: rig.phase() is Phase.LIVE and rig.session.state.fault is None, 60, f"{fault} did not heal")
    assert field_simulator.report("wrap")["packets_lost"] > 0
    assert rig.session.counts().lost > 0


@pytest.mark.parametrize("camera", ["plain", "late"])
def test_udp_in_order_or_not_brings_every_picture(
    field_simulator: SimulatorThread, start_rig: StartRig, until: Until, camera: str
) -> None:
    rig = start_rig(Address(field_simulator.url(camera), transport="udp"))
    until(lambda: rig.session.counts().units >= 100, 60, "no pictures over UDP")
    counts = rig.session.counts()
    assert (counts.lost, counts.malformed, counts.undecodable) == (0, 0, 0)
    assert rig.session.state.fault is None
    if camera == "late":
        assert field_simulator.report(camera)["packets_reordered"] > 0


def test_basic_credentials_of_our_simulator_and_of_another_server(
    field_simulator: SimulatorThread, start_gst: Callable[..., Any], start_rig: StartRig, until: Until
) -> None:
    ours = field_simulator.url("basic")
    theirs = start_gst("--user", USER, "--basic", password=PASSWORD).url
    for url in (ours, theirs):
        assert start_rig(Address(url, USER, SecretStr(PASSWORD))).frame().camera_id == "cam"
        refused = start_rig(Address(url, USER, SecretStr("wrong")))
        until(lambda: refused.phase() is Phase.REFUSED, 60, "the refusal was not noticed")  # noqa: B023  # called before the loop goes on


def test_rtp_time_that_wraps_is_no_jump(field_simulator: SimulatorThread, start_rig: StartRig, until: Until) -> None:
    rig = start_rig(Address(field_simulator.url("wrap")))
    until(lambda: rig.session.counts().units >= 75, 60, "no pictures")
    frames = [rig.frame() for _ in range(5)]
    assert all(0.1 < after.pts_s - before.pts_s < 0.5 for before, after in pairwise(frames))
    assert rig.session.counts().time_jumps == 0


def test_without_rtcp_the_arrival_is_the_time_of_capture(field_simulator: SimulatorThread, start_rig: StartRig) -> None:
    rig = start_rig(Address(field_simulator.url("mute")))
    frames = [rig.frame() for _ in range(10)]
    assert {frame.clock for frame in frames} == {"arrival"}
    assert rig.session.counts().camera_ahead_s is None
    later = [frame for frame in frames if frame.pts_s > frames[0].pts_s + 1]
    assert all(0 < after.captured_at - before.captured_at < 1 for before, after in pairwise(later))


def test_the_group_of_pictures_that_a_session_begins_with_is_not_told_younger_than_it_may_be(
    field_simulator: SimulatorThread, until: Until
) -> None:
    units: list[AccessUnit] = []

    class Listener:
        def on_unit(self, unit: AccessUnit, duration: int) -> None:
            units.append(unit)

        def on_state(self, state: StreamState) -> None:
            pass

    channel = LiveChannel(StreamState("cam", "sub", Phase.CONNECTING, None, 0, 0, 0, "not started"), tap=Listener())
    session = StreamSession("cam", "sub", Address(field_simulator.url("mute")), channel)
    session.start()
    until(lambda: sum(unit.settled for unit in units) >= 3, 60, "the clock did not settle")
    session.request_stop()
    assert session.join(10)
    assert not units[0].settled
    # By RTP time all were taken in one even row; where that row lies is found out, and only ever moves back.
    rows = [unit.captured_at - unit.pts / TIMESCALE for unit in units]
    assert all(after <= before + 1e-3 for before, after in pairwise(rows))


@pytest.mark.parametrize(
    ("width", "height", "chain", "shown"),
    [
        pytest.param(640, 360, [_X264 + " bframes=2 b-adapt=false", _PAY], 14, id="B-frames"),
        pytest.param(638, 358, [_X264 + " tune=zerolatency", _PAY], 15, id="an odd size"),
        pytest.param(1920, 1080, [_X264 + " tune=zerolatency", _PAY], 15, id="1080 lines, coded as 1088"),
        pytest.param(
            720,
            576,
            ["interlace field-pattern=1:1 top-field-first=true", _X264 + " interlaced=true tune=zerolatency", _PAY],
            15,
            id="interlaced",
        ),
        pytest.param(
            320,
            240,
            [_X264 + " tune=zerolatency", _PAY + " " + _SILENCE],
            15,
            id="beside silent G.711",
        ),
        pytest.param(3840, 2160, [_X264 + " tune=zerolatency", _PAY], 8, id="4K"),
    ],
)
async def test_other_kinds_of_h264(
    start_gst: Callable[..., Any],
    start_rig: StartRig,
    width: int,
    height: int,
    chain: list[str],
    shown: int,
) -> None:
    rig = start_rig(Address(start_gst(*_gst(_SOURCE.format(w=width, h=height), *chain)).url))
    frames = [rig.frame() for _ in range(3)]
    assert {(frame.picture.width, frame.picture.height) for frame in frames} == {(width, height)}
    assert all(before.pts_s < after.pts_s for before, after in pairwise(frames))
    init, media = await _live(rig, shown)
    assert (init["width"], init["height"]) == (width, height)
    pictures = _pictures(media)
    assert len(pictures) >= shown - 2
    stamps = [picture.pts for picture in pictures if picture.pts is not None]
    assert stamps == sorted(set(stamps))
    assert not any(picture.is_corrupt for picture in pictures)
    counts = rig.session.counts()
    assert (counts.malformed, counts.undecodable, counts.lost, counts.time_jumps) == (0, 0, 0, 0)
    assert rig.session.state.fault is None
