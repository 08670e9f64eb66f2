"""Pictures for browsers that cannot decode a stream: a few JPEGs a second, decoded here for each viewer."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable, Sequence

import av
import cv2
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from ingest.fragments import NotAFragmentError, parse_head
from ingest.live import Subscription

log = structlog.get_logger(__name__)

INTERVAL_S = 0.25
"""Between two pictures; all others are decoded, since those after them need them, and not sent."""
MOST_WIDTH = 1280
QUALITY = 75

_CAPTURED = struct.Struct(">d")
_CONFIGURATIONS = {"avc1": ("h264", b"avcC"), "hvc1": ("hevc", b"hvcC")}
"""By sample entry: FFmpeg's decoder, and the box that it is configured by (ISO/IEC 14496-15)."""


class StillDecoder:
    """Turns the messages of a live channel into JPEGs. Blocks; called from one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._decoder: av.VideoCodecContext | None = None
        self._codec = ""
        self._segment_next = False
        self._sent_at = float("-inf")
        self.undecodable = 0

    def feed(self, messages: Sequence[str | bytes]) -> list[str | bytes]:
        """What the viewer gets for them: states, ``init`` and ``skipped`` as they are, at most one picture, the newest:
        its time of capture (UTC epoch s, big-endian double) and a JPEG."""
        out: list[str | bytes] = []
        newest: av.VideoFrame | None = None
        for message in messages:
            if isinstance(message, bytes):
                newest = self._decode(message) or newest
                continue
            told = json.loads(message)
            if told["type"] == "init":
                self._codec, self._segment_next = str(told["codec"]), True
            if told["type"] != "overlay":  # its times are those of the stream, which these pictures do not have
                out.append(message)
        now = self._clock()
        if newest is not None and now - self._sent_at >= INTERVAL_S:
            self._sent_at = now
            out.append(_jpeg(newest))
        return out

    def _decode(self, data: bytes) -> av.VideoFrame | None:
        if self._segment_next:
            self._segment_next = False
            self._decoder = _configured(self._codec, data)
            return None
        if self._decoder is None:
            return None
        try:
            head = parse_head(data)
            packet = av.Packet(data[head.head_size : head.size])
            packet.pts = round(head.captured_at * 1e6)
            frames = self._decoder.decode(packet)
        except (NotAFragmentError, av.FFmpegError) as error:
            self.undecodable += 1
            if self.undecodable == 1:
                log.warning("stills_undecodable", codec=self._codec, kind=type(error).__name__)
            return None
        return frames[-1] if frames else None


def _configured(codec: str, segment: bytes) -> av.VideoCodecContext | None:
    name, box = _CONFIGURATIONS.get(codec.split(".", 1)[0], ("", b""))
    at = segment.find(box) if box else -1
    if at < 4:
        log.warning("stills_unknown_codec", codec=codec)
        return None
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = segment[at + 4 : at - 4 + int.from_bytes(segment[at - 4 : at], "big")]
    decoder.thread_count = 1
    return decoder


def _jpeg(frame: av.VideoFrame) -> bytes:
    width = min(frame.width, MOST_WIDTH)
    height = round(frame.height * width / frame.width)
    image = frame.reformat(width, height, "bgr24").to_ndarray()
    done, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    if not done:
        raise RuntimeError("OpenCV made no JPEG of a picture")
    return _CAPTURED.pack((frame.pts or 0) / 1e6) + data.tobytes()


async def send_stills(socket: WebSocket, subscription: Subscription) -> None:
    """Until the channel ends or the viewer leaves. A viewer too slow for it loses pictures as any other does."""
    decoder = StillDecoder()
    try:
        while messages := await subscription.messages():
            for message in await asyncio.to_thread(decoder.feed, messages):
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_text(message)
    except WebSocketDisconnect:
        return
