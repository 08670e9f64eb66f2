"""Grey pictures as access units, encoded here and now."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from ingest.nal import CodecName, split_annex_b
from ingest.packet import SYNTAX, AccessUnit, find_parameter_sets

_OPTIONS: dict[CodecName, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "veryfast", "x264-params": "annexb=1:scenecut=0:keyint={gop}:min-keyint={gop}"}),
    "hevc": (
        "libx265",
        {"preset": "ultrafast", "x265-params": "log-level=error:pools=none:scenecut=0:bframes={b}:keyint={gop}"},
    ),
}


def encode(
    count: int, *, gop: int = 10, width: int = 320, height: int = 180, b_frames: int = 0, codec: CodecName = "h264"
) -> list[AccessUnit]:
    """``count`` pictures at 25 a second, captured from 1000.0 on; picture ``n`` has the grey level ``10 + n``."""
    encoder, options = _OPTIONS[codec]
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, 90_000)
    context.framerate = Fraction(25)
    context.gop_size, context.max_b_frames = gop, b_frames
    context.options = {name: value.format(gop=gop, b=b_frames) for name, value in options.items()}
    packets = []
    for picture in range(count):
        grey = np.full((height, width, 3), 10 + picture % 240, np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, "bgr24").reformat(format="yuv420p")
        frame.pts = picture * 3600
        packets += context.encode(frame)
    packets += context.encode(None)
    first = split_annex_b(bytes(packets[0]))
    parameters = find_parameter_sets(codec, first)
    assert parameters is not None
    shift = -min(packet.dts for packet in packets if packet.dts is not None)
    units = []
    for packet in packets:
        assert packet.pts is not None
        assert packet.dts is not None
        nals = SYNTAX[codec].picture_units(split_annex_b(bytes(packet)))
        captured_at = 1000.0 + packet.pts / 90_000
        units.append(
            AccessUnit(
                nals,
                packet.dts + shift,
                packet.pts + shift,
                SYNTAX[codec].is_keyframe(nals),
                captured_at,
                "rtcp",
                captured_at,
                parameters,
            )
        )
    return units
