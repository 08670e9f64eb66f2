"""The reader against a server that is not ours: gst-rtsp-server, plain and with Digest authentication."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import av
import pytest
import structlog
from pydantic import SecretStr

from ingest.lifecycle import STALLED_HERE, Limits
from ingest.live import Message
from ingest.rtsp.address import Address, OpenLimits, SessionFailed, open_rtsp
from ingest.rtsp.session import SessionLimits
from ingest.state import Fault, Phase

PASSWORD = "p@ss:w/rd?#%41"
Until = Callable[[Callable[[], object], float, str], float]


StartRig = Callable[..., Any]


def test_frames_come_at_the_analysed_rate_and_all_are_accounted_for(
    start_gst: Callable[..., object], start_rig: StartRig
) -> None:
    rig = start_rig(Address(_url(start_gst())))
    frames = [rig.frame() for _ in range(8)]
    assert rig.session.state.phase is Phase.LIVE
    assert frames[0].picture.bgr(208, 208).shape == (208, 208, 3)
    gaps = [after.pts_s - before.pts_s for before, after in pairwise(frames)]
    assert min(gaps) >= 0.15
    assert sum(gaps) / len(gaps) == pytest.approx(0.2, abs=0.05)
    rig.stop()
    account = rig.ledger.account("cam")
    assert account.in_flight == 0
    assert account.received >= 36
    assert account.analysed == 8


@pytest.mark.parametrize("slices", [1, 4])
async def test_the_live_channel_of_a_real_stream_decodes(
    start_gst: Callable[..., object], start_rig: StartRig, slices: int
) -> None:
    rig = start_rig(Address(_url(start_gst("--slices", str(slices)))))
    messages: list[Message] = []
    with rig.channel.subscribe() as subscription:
        while sum(isinstance(message, bytes) for message in messages) < 31:
            messages += await asyncio.wait_for(subscription.messages(), 60)
    media = b"".join(message for message in messages if isinstance(message, bytes))
    with av.open(io.BytesIO(media), mode="r", format="mp4") as container:
        frames = list(container.decode(video=0))
    assert len(frames) >= 30
    stamps = [frame.pts for frame in frames if frame.pts is not None]
    assert all(2700 <= after - before <= 4500 for before, after in pairwise(stamps))


async def test_a_newcomer_on_a_running_channel_sees_a_picture_at_once(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    rig = start_rig(Address(_url(start_gst("--gop", "50"))))
    until(lambda: rig.channel.counts().published > 5, 60, "no picture was published")
    begun = time.monotonic()
    with rig.channel.subscribe() as subscription:
        messages = await asyncio.wait_for(subscription.messages(), 60)
    media = b"".join(message for message in messages if isinstance(message, bytes))
    with av.open(io.BytesIO(media), mode="r", format="mp4") as container:
        next(container.decode(video=0))
    assert time.monotonic() - begun < 1.0, "without the last key frame it would be half a GOP, 1 s, on average"


def test_capture_time_comes_from_rtcp_and_agrees_with_the_clock_of_this_machine(
    start_gst: Callable[..., object], start_rig: StartRig
) -> None:
    rig = start_rig(Address(_url(start_gst())))
    deadline = time.monotonic() + 60
    frame = rig.frame()
    while frame.clock != "rtcp" and time.monotonic() < deadline:
        frame = rig.frame()
    assert frame.clock == "rtcp"
    ages = []
    for _ in range(10):
        frame = rig.frame()
        ages.append(time.time() - frame.captured_at)
    # A picture is handed out when the next one begins, 40 ms later; the rest is this machine's own delay.
    assert min(ages) == pytest.approx(0.04, abs=0.05)


def test_digest_with_a_password_full_of_reserved_characters(
    start_gst: Callable[..., object], start_rig: StartRig
) -> None:
    url = _url(start_gst("--user", "admin", password=PASSWORD))
    rig = start_rig(Address(url, "admin", SecretStr(PASSWORD)))
    assert rig.frame().camera_id == "cam"


def test_a_wrong_password_is_refused_and_shown_nowhere(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = "wrong-secret-%"
    with structlog.testing.capture_logs() as logs:
        address = Address(_url(start_gst("--user", "admin", password=PASSWORD)), "admin", SecretStr(wrong))
        rig = start_rig(address)
        until(lambda: rig.phase() is Phase.REFUSED, 60, "the refusal was not noticed")
        state = rig.session.state
        assert state.fault is Fault.REFUSED
        assert state.next_try_at == pytest.approx(state.at + 600, abs=5)
        rig.session.retry_now()
        until(lambda: rig.session.state.attempt >= 2, 60, "retry_now was not heard")
        with pytest.raises(SessionFailed) as raised:
            open_rtsp(address, OpenLimits())
        rig.stop()
    error = raised.value
    frames = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__)][1:]
    shown = [
        repr(logs),
        repr(rig.states),
        repr(error),
        str(error),
        repr(error.__context__),
        repr(frames),
        repr(address),
    ]
    shown += [*traceback.format_exception(error), *capfd.readouterr()]
    assert error.__context__ is None
    for text in shown:
        assert "wrong-secret" not in text


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        pytest.param(lambda url: url + "-not-there", "404", id="no such stream"),
        pytest.param(lambda _: "rtsp://127.0.0.1:1/", "nothing listens", id="closed port"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until, change: Callable[[str], str], detail: str
) -> None:
    rig = start_rig(Address(change(_url(start_gst()))))
    until(lambda: rig.phase() is Phase.OFFLINE, 60, "the wrong address was not noticed")
    assert rig.session.state.fault is Fault.UNREACHABLE
    assert detail in rig.session.state.detail


def test_a_port_that_answers_nothing_is_given_up_in_time(start_rig: StartRig, until: Until) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limits = SessionLimits(opening=OpenLimits(connect_s=0.5))
        rig = start_rig(Address(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"), limits)
        took = until(lambda: rig.phase() is Phase.OFFLINE, 60, "the silent port was not given up")
        assert took < 20
        assert rig.session.state.fault is Fault.UNREACHABLE
        rig.stop()


def test_a_server_that_stands_still_is_frozen_within_two_seconds_and_then_goes_on(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    server = start_gst()
    rig = start_rig(Address(_url(server)), SessionLimits(silence_s=60))
    until(lambda: rig.phase() is Phase.LIVE, 60, "never live")
    pid = _pid(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert until(lambda: rig.phase() is Phase.STALE, 60, "not noticed") < 5
        assert rig.session.state.fault is Fault.FROZEN
        until(lambda: rig.phase() is Phase.OFFLINE, 60, "never offline")
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: rig.phase() is Phase.LIVE, 60, "did not heal")
    assert rig.session.counts().sessions == 1


def test_a_trusted_session_outlives_a_silence_is_given_up_after_a_long_one_and_ends_when_asked(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    server = start_gst()
    limits = SessionLimits(silence_s=2.6, trusted_s=0.5, opening=OpenLimits(connect_s=1.0, poll_s=0.3))
    rig = start_rig(Address(_url(server)), limits)
    until(lambda: rig.channel.counts().published > 40, 60, "never live")
    for silence_s, sessions in ((2.1, 1), (4.0, 2)):
        os.kill(_pid(server), signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            until(lambda: time.monotonic() - stopped > silence_s, 60, "")  # noqa: B023 - called at once
            assert rig.phase() in (Phase.STALE, Phase.OFFLINE)
        finally:
            os.kill(_pid(server), signal.SIGCONT)
        before = rig.channel.counts().published
        until(lambda: rig.channel.counts().published > before + 25, 60, "did not heal")  # noqa: B023
        assert rig.session.counts().sessions == sessions
    os.kill(_pid(server), signal.SIGSTOP)
    try:
        rig.session.request_stop()
        assert rig.session.join(2.0)
    finally:
        os.kill(_pid(server), signal.SIGCONT)


def test_a_stall_of_this_machine_restarts_nothing(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    server = start_gst()
    limits = SessionLimits(silence_s=0.1, phases=Limits(offline_s=3.5))
    rig = start_rig(Address(_url(server)), limits)
    until(lambda: rig.phase() is Phase.LIVE, 60, "never live")

    def phase_while_all_stall() -> Phase:
        rig.session.tick(stalled_here=True)
        phase: Phase = rig.session.state.phase
        return phase

    os.kill(_pid(server), signal.SIGSTOP)
    try:
        until(lambda: phase_while_all_stall() is Phase.OFFLINE, 60, "the stall was not noticed")
        assert rig.session.state.detail == STALLED_HERE
    finally:
        os.kill(_pid(server), signal.SIGCONT)
    until(lambda: phase_while_all_stall() is Phase.LIVE, 60, "did not heal")
    assert rig.session.counts().sessions == 1


def test_a_server_that_is_killed_is_noticed_and_the_timeline_goes_on(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    first = start_gst()
    rig = start_rig(Address(_url(first)))
    until(lambda: rig.channel.counts().published > 5, 60, "never live")
    before = rig.frame()
    os.kill(_pid(first), signal.SIGKILL)
    until(lambda: rig.phase() is Phase.STALE, 60, "the end was not noticed")
    assert rig.session.state.fault is Fault.UNREACHABLE
    second = start_gst()
    rig.session._address = replace(rig.session._address, url=_url(second))
    rig.session.retry_now()
    until(lambda: rig.phase() is Phase.LIVE, 60, "did not come back")
    assert rig.frame().pts_s > before.pts_s
    assert rig.session.counts().sessions == 2


def test_a_stop_during_a_freeze_leaves_no_thread(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    server = start_gst()
    rig = start_rig(Address(_url(server)))
    until(lambda: rig.phase() is Phase.LIVE, 60, "never live")
    os.kill(_pid(server), signal.SIGSTOP)
    begun = time.monotonic()
    rig.session.request_stop()
    assert rig.session.join(60)
    assert time.monotonic() - begun < 15
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ingest-")]


async def test_decoding_times_increase_over_a_reconnection(
    start_gst: Callable[..., object], start_rig: StartRig, until: Until
) -> None:
    first = start_gst()
    rig = start_rig(Address(_url(first)))
    times: list[int] = []
    with rig.channel.subscribe() as subscription:
        for server in (first, None):
            if server is None:
                os.kill(_pid(first), signal.SIGKILL)
                rig.session._address = replace(rig.session._address, url=_url(start_gst()))
            wanted = len(times) + 20
            while len(times) < wanted:
                for message in await asyncio.wait_for(subscription.messages(), 60):
                    if isinstance(message, bytes) and b"tfdt" in message:
                        times.append(struct.unpack_from(">Q", message, message.index(b"tfdt") + 8)[0])
    assert times == sorted(set(times))


def _url(server: object) -> str:
    url = getattr(server, "url")  # noqa: B009  # the fixture's type lives in conftest, which cannot be imported
    assert isinstance(url, str)
    return url


def _pid(server: object) -> int:
    pid = getattr(server, "process").pid  # noqa: B009  # as above
    assert isinstance(pid, int)
    return pid
