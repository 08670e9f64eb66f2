"""JPEGs for browsers that cannot decode a stream: of real H.264 and H.265, as the live channel hands it out."""

from __future__ import annotations

import asyncio
import json
import struct

import cv2
import numpy as np
import pytest

from ingest.live import LiveChannel, Message
from ingest.nal import CodecName
from ingest.state import Phase, StreamState
from tests.ingest.encoding import encode
from xueliang.worker.stills import INTERVAL_S, StillDecoder

STATE = StreamState("a", "sub", Phase.LIVE, None, 1000.0, 1000.0, 0, "pictures come")


async def channel_of(codec: CodecName, b_frames: int) -> list[list[Message]]:
    """What a viewer is sent: the beginning at once, then picture by picture."""
    channel = LiveChannel(STATE)
    units = encode(30, gop=10, codec=codec, b_frames=b_frames)
    channel.publish_unit(units[0], 3600)
    sent = []
    with channel.subscribe() as viewer:
        for unit in units[1:]:
            sent.append(await viewer.messages())
            channel.publish_unit(unit, 3600)
            await asyncio.sleep(0)
        sent.append(await viewer.messages())
    return sent


@pytest.mark.parametrize(("codec", "b_frames"), [("h264", 0), ("h264", 2), ("hevc", 0)])
def test_a_few_pictures_a_second_with_their_time_of_capture(codec: CodecName, b_frames: int) -> None:
    now = 0.0
    decoder = StillDecoder(lambda: now)
    pictures: list[tuple[float, float]] = []
    told: list[str] = []
    for messages in asyncio.run(channel_of(codec, b_frames)):
        now += 0.04
        for message in decoder.feed(messages):
            if isinstance(message, str):
                told.append(json.loads(message)["type"])
                continue
            (captured_at,) = struct.unpack(">d", message[:8])
            image = cv2.imdecode(np.frombuffer(message[8:], np.uint8), cv2.IMREAD_GRAYSCALE)
            assert image is not None
            assert image.shape == (180, 320)
            pictures.append((captured_at, float(image.mean())))
    assert told == ["state", "init"]
    assert decoder.undecodable == 0
    assert 3 <= len(pictures) <= 30 * 0.04 / INTERVAL_S + 1
    for captured_at, grey in pictures:
        assert grey == pytest.approx(10 + round((captured_at - 1000) * 25), abs=3), "the time is that of the picture"


def test_what_cannot_be_decoded_is_counted_and_the_rest_goes_on() -> None:
    decoder = StillDecoder(lambda: 0.0)
    begin, *rest = asyncio.run(channel_of("h264", 0))
    decoder.feed(begin)
    decoder.feed([b"noise"])
    assert decoder.undecodable == 1
    assert any(isinstance(message, bytes) for messages in rest for message in StillDecoder().feed([*begin, *messages]))
