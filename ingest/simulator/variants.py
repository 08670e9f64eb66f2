"""The pictures of a camera that is stuck, dark, moved, slow or resized: its own ones, changed and encoded again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import islice
from typing import Final

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from ingest.nal import CodecName, split_annex_b
from ingest.simulator.fault import SimFault
from ingest.simulator.material import MaterialError, Track, make_track, parameter_sets

Pixels = NDArray[np.uint8]

_GOPS: Final = 2  # one would make every key frame the same, as only a stuck camera's are
_SLOW_FPS: Final = 2
_BLACK, _NOISE = 17.0, 1.2
_TURN_DEGREES, _ZOOM, _SHIFT = 9.0, 1.25, 0.18


def make_variant(track: Track, fault: SimFault) -> Track:
    """The track that a camera with this fault of :data:`ingest.simulator.fault.PICTURED` sends; takes seconds.

    It has the codec, the rate and the key frame distance of the original. Raises :class:`MaterialError` where the
    original's file is gone or broken.
    """
    gop = _key_distance(track)
    stride = max(1, round(track.fps / _SLOW_FPS)) if fault is SimFault.SLOW else 1
    count = 1 if fault is SimFault.STUCK else min(_GOPS * gop, len(track.trains))
    pictures = list(islice(_decoded(track), 0, count, stride))
    if not pictures:
        raise MaterialError("the track's file holds no picture any more; delete it")
    change = _CHANGES.get(fault, _unchanged)
    changed = [change(picture, number) for number, picture in enumerate(pictures)]
    if fault is SimFault.STUCK:
        changed *= gop
    return _encode(changed, track, max(1, gop // stride), stride, constant=fault is SimFault.STUCK)


def _key_distance(track: Track) -> int:
    return next((place for place, since in enumerate(track.since_key) if place and since == 0), len(track.trains))


def _decoded(track: Track) -> Iterator[Pixels]:
    """BGR pictures of the track's file."""
    if track.path is None:
        raise MaterialError("a track without a file has no variants")
    try:
        with av.open(str(track.path)) as container:
            for frame in container.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    except (av.FFmpegError, OSError) as error:
        raise MaterialError(f"{track.path.name}: not readable as video ({type(error).__name__})") from error


def _unchanged(picture: Pixels, _number: int) -> Pixels:
    return picture


def _black(picture: Pixels, number: int) -> Pixels:
    noise = np.random.default_rng(number).normal(_BLACK - 16, _NOISE, picture.shape[:2])
    return np.repeat(np.clip(noise, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _turned(picture: Pixels, _number: int) -> Pixels:
    """The same street from a camera that somebody turned: tilted, closer, and aside."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), _TURN_DEGREES, _ZOOM)
    matrix[0, 2] += _SHIFT * width
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def _smaller(picture: Pixels, _number: int) -> Pixels:
    """Three quarters of the size, even."""
    height, width = picture.shape[:2]
    size = (max(16, width * 3 // 8 * 2), max(16, height * 3 // 8 * 2))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


_CHANGES: Final[Mapping[SimFault, Callable[[Pixels, int], Pixels]]] = {
    SimFault.DARK: _black,
    SimFault.MOVED: _turned,
    SimFault.RESIZED: _smaller,
}


def _encode(pictures: list[Pixels], like: Track, gop: int, stride: int, *, constant: bool) -> Track:
    """``constant``: the same quality for all, so that a picture repeated costs nothing."""
    height, width = pictures[0].shape[:2]
    context = _encoder(like.codec, width, height, like.fps, gop)
    if constant:
        context.options = {**context.options, **_CONSTANT[like.codec]}
    else:
        context.bit_rate = max(100_000, like.bit_rate)
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format="yuv420p")
        frame.pts = number
        frame.pict_type = PictureType.NONE
        packets += context.encode(frame)
    packets += context.encode(None)
    data = [bytes(packet) for packet in packets]
    parameters = parameter_sets(like.codec, data[0])
    if parameters is None:
        raise MaterialError("the encoder gave no parameter sets")
    samples = [(packet.is_keyframe, split_annex_b(content)) for packet, content in zip(packets, data, strict=True)]
    return make_track(samples, like.codec, parameters, (width, height), like.fps, stride=stride)


_CONSTANT: Final[Mapping[CodecName, Mapping[str, str]]] = {
    "h264": {"qp": "26"},
    "hevc": {"x265-params": "log-level=error:pools=none:frame-threads=1:bframes=0:open-gop=0:repeat-headers=1:qp=28"},
}


def _encoder(codec: CodecName, width: int, height: int, fps: Fraction, gop: int) -> VideoCodecContext:
    context = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate, context.gop_size = 1 / fps, fps, gop
    context.thread_count = 1
    context.options = {"preset": "superfast", "bf": "0", "sc_threshold": "0", "keyint_min": str(gop)}
    if codec == "hevc":
        parameters = "log-level=error:pools=none:frame-threads=1:bframes=0:scenecut=0:open-gop=0:repeat-headers=1"
        context.options = {"preset": "ultrafast", "x265-params": f"{parameters}:keyint={gop}:min-keyint={gop}"}
    return context
