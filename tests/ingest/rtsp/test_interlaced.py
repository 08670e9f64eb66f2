"""H.264 that codes each field as a picture of its own: frames are what is counted, analysed, judged and shown."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import socket
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import av
import pytest

from ingest.gating.slice_qp import QpReader
from ingest.h264 import Field, SliceReader
from ingest.ledger import DropCause
from ingest.live import Message
from ingest.rtsp.address import Address, OpenLimits
from ingest.rtsp.session import SessionLimits
from ingest.simulator.rtsp.rtp import packetize
from ingest.state import Fault, Phase
from tests.ingest.conftest import StartPeer, StartRig
from tests.ingest.field_pictures import FPS, CodedFrame, coded_frames, parameters
from tests.ingest.peer import Script, sdp_of

Until = Callable[[Callable[[], object], float, str], float]
Lost = frozenset[tuple[int, int]]
_QUICK = SessionLimits(opening=OpenLimits(poll_s=0.3))


def _script(frames: list[CodedFrame], *, apart: bool, lost: Lost = frozenset()) -> Script:
    """Sends all at once, then nothing. ``apart``: fields have times of their own. ``lost``: frame and picture in it."""
    sets = parameters()
    described = ",".join(base64.b64encode(each).decode() for each in (sets.sps, sets.pps, *sets.more))

    def send(connection: socket.socket) -> None:
        sequence = 0
        for number, frame in enumerate(frames):
            for place, picture in enumerate(frame.pictures):
                if (number, place) in lost:
                    continue
                train = packetize(
                    [sets.sps, sets.pps, *sets.more, picture] if frame.keyframe and place == 0 else [picture]
                )
                timestamp = number * 90_000 // FPS + (place * 45_000 // FPS if apart else 0)
                connection.sendall(train.patched(channel=0, sequence=sequence, timestamp=timestamp, ssrc=1))
                sequence += len(train.offsets)
        connection.settimeout(10)
        while connection.recv(4096):
            pass

    return Script(sdp_of(f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={described}"), send)


async def _live(rig: Any, pictures: int) -> list[av.VideoFrame]:
    messages: list[Message] = []
    with rig.channel.subscribe() as subscription:
        while sum(isinstance(message, bytes) for message in messages) <= pictures:
            messages += await asyncio.wait_for(subscription.messages(), 60)
    init = next(json.loads(text) for text in messages if isinstance(text, str) and '"init"' in text)
    assert (init["width"], init["height"]) == (64, 64)
    media = io.BytesIO(b"".join(message for message in messages if isinstance(message, bytes)))
    with av.open(media, mode="r", format="mp4") as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize(
    ("apart", "whole", "reference"),
    [
        pytest.param(True, frozenset(), True, id="fields with times of their own"),
        pytest.param(False, frozenset(), True, id="one time for both fields"),
        pytest.param(True, frozenset({3, 4, 7}), True, id="fields and frames"),
        pytest.param(False, frozenset({3, 4, 7}), False, id="not referred to"),
    ],
)
async def test_a_frame_of_two_fields_is_one_frame(
    start_peer: StartPeer, start_rig: StartRig, until: Until, apart: bool, whole: frozenset[int], reference: bool
) -> None:
    frames = coded_frames(100, gop=50, whole=whole, reference=reference)
    rig = start_rig(Address(start_peer(_script(frames, apart=apart)).url), _QUICK)
    until(lambda: rig.session.counts().units >= 99, 60, "frames are missing")
    assert (rig.session.state.phase, rig.session.state.fault) == (Phase.LIVE, None)
    until(lambda: rig.session.counts().units == 100, 60, "the parser keeps the last frame")
    counts = rig.session.counts()
    assert (counts.undecodable, counts.malformed, counts.lost, counts.time_jumps) == (0, 0, 0, 0)
    frame = rig.frame()
    assert (frame.picture.width, frame.picture.height) == (64, 64)
    account = rig.ledger.account("cam")
    assert (account.received, account.in_flight) == (100, 0)
    assert account.dropped[DropCause.RATE] == pytest.approx(80, abs=1)
    assert DropCause.UNDECODABLE not in account.dropped
    shown = await _live(rig, 50)
    assert len(shown) >= 49
    assert not any(picture.is_corrupt for picture in shown)
    steps = {after.pts - before.pts for before, after in pairwise(shown)}  # type: ignore[operator]
    assert steps == {90_000 // FPS}


def test_lost_fields_are_lost_and_all_is_accounted_for(
    start_peer: StartPeer, start_rig: StartRig, until: Until
) -> None:
    chance = random.Random(4)
    lost = frozenset((n, chance.randrange(2)) for n in range(10, 290) if n % 10 and chance.random() < 0.1)
    script = _script(coded_frames(300, whole=frozenset({5})), apart=True, lost=lost)
    rig = start_rig(Address(start_peer(script).url), _QUICK)
    until(lambda: rig.session.counts().units >= 285, 60, "frames are missing")
    until(lambda: rig.phase() is not None and rig.session.state.fault is Fault.LOSSY, 60, "loss was not named")
    assert 0.5 * len(lost) <= rig.session.counts().lost <= len(lost)
    rig.stop()
    rig.mailboxes.close()
    account = rig.ledger.account("cam")
    assert account.received == account.analysed + sum(account.dropped.values()) + account.in_flight
    assert account.received <= 300
    assert account.in_flight <= 1


def test_the_field_is_read_off_the_slice() -> None:
    reader = SliceReader(parameters())
    idr, inter, whole = coded_frames(3, whole=frozenset({2}))
    first, second = (reader.field(picture) for picture in idr.pictures)
    assert (first, second) == (Field(0, bottom=False, restarts=True), Field(0, bottom=True, restarts=False))
    assert first is not None
    assert second is not None
    later = reader.field(inter.pictures[1])
    assert later == Field(1, bottom=True, restarts=False)
    assert reader.field(whole.pictures[0]) is None
    assert second.completes(first)
    assert not second.completes(second)
    assert not later.completes(first)
    assert not first.completes(second), "an IDR picture begins a frame"


def test_the_quantiser_is_read_off_fields_and_frames() -> None:
    reader = QpReader(parameters())
    for frame in coded_frames(20, whole=frozenset({4})):
        assert [reader.qp(picture) for picture in frame.pictures] == ([26, 26] if len(frame.pictures) == 2 else [30])
