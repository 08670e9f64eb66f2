"""Encoded video, ready to be sent: the streams of one camera as loops of packet trains, held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import av

from ingest import h264, h265
from ingest.frame import StreamName
from ingest.nal import CodecName, MalformedVideo, split_length_prefixed
from ingest.simulator.rtsp.rtp import CLOCK_RATE, PacketTrain, packetize


class MaterialError(Exception):
    """Video that cannot be served: which file, and why."""


@dataclass(frozen=True)
class Track:
    """One stream's loop. ``trains[i]`` is frame ``i``; frame 0 is a key frame, so that 0 may follow the last.

    ``since_key[i]`` is the distance in frames from the newest key frame at or before ``i``. ``parameters``: SPS and
    PPS, for H.265 the VPS before them. ``stride``: of the ticks of ``fps`` a second, only every so manieth has a frame.
    ``path``: the file it was read from.
    """

    width: int
    height: int
    fps: Fraction
    parameters: tuple[bytes, ...]
    trains: tuple[PacketTrain, ...] = field(repr=False)
    since_key: tuple[int, ...] = field(repr=False)
    codec: CodecName = "h264"
    stride: int = 1
    path: Path | None = None

    def __post_init__(self) -> None:
        if not self.trains or len(self.trains) != len(self.since_key):
            raise MaterialError(f"track of {len(self.trains)} frames with {len(self.since_key)} key distances")
        if self.since_key[0] != 0:
            raise MaterialError("a loop must begin with a key frame")
        if (CLOCK_RATE / self.fps).denominator != 1:
            raise MaterialError(f"{self.fps} frames a second do not divide the 90 kHz clock")

    @property
    def duration(self) -> Fraction:
        """Of one turn of the loop, seconds."""
        return self.stride * len(self.trains) / self.fps

    @cached_property
    def bit_rate(self) -> int:
        """Mean, bit/s, with RTP's and RTSP's framing."""
        return round(8 * sum(len(train.data) for train in self.trains) / self.duration)

    @cached_property
    def largest_gop(self) -> int:
        """Bytes of the largest group of pictures: what a new viewer is sent at once, at most."""
        keys = [index for index, distance in enumerate(self.since_key) if distance == 0] + [len(self.trains)]
        return max(sum(len(train.data) for train in self.trains[a:b]) for a, b in pairwise(keys))

    @cached_property
    def garbled(self) -> tuple[PacketTrain, ...]:
        """The loop with every slice unreadable; made when first asked for."""
        return tuple(train.garbled() for train in self.trains)


@dataclass(frozen=True)
class Material:
    """The streams of one camera; they turn together, so that main and sub show the same instant."""

    main: Track
    sub: Track

    def __post_init__(self) -> None:
        if self.main.duration != self.sub.duration:
            raise MaterialError(
                f"main lasts {self.main.duration} s and sub {self.sub.duration} s: they would drift apart"
            )

    def track(self, name: StreamName) -> Track:
        """The named stream."""
        return self.main if name == "main" else self.sub


def load_track(path: Path) -> Track:
    """Read an MP4 that :mod:`ingest.simulator.encode` wrote. Raises :class:`MaterialError` that names the file."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec: CodecName = "hevc" if stream.codec_context.name == "hevc" else "h264"
            extradata = stream.codec_context.extradata
            fps = stream.average_rate
            width, height = stream.codec_context.width, stream.codec_context.height
            packets = [(packet.is_keyframe, bytes(packet)) for packet in container.demux(stream) if packet.size]
        samples = [(key, split_length_prefixed(data)) for key, data in packets]
    except (av.FFmpegError, MalformedVideo, IndexError, OSError) as error:
        raise MaterialError(f"{path.name}: not readable as video ({type(error).__name__}); delete it") from error
    parameters = parameter_sets(codec, extradata)
    if parameters is None or fps is None:
        raise MaterialError(f"{path.name}: no codec parameters; delete it")
    return make_track(samples, codec, parameters, (width, height), Fraction(fps), path=path)


def make_track(
    samples: Sequence[tuple[bool, Sequence[bytes]]],
    codec: CodecName,
    parameters: tuple[bytes, ...],
    size: tuple[int, int],
    fps: Fraction,
    *,
    stride: int = 1,
    path: Path | None = None,
) -> Track:
    """A track of samples: whether each is a key frame, and its NAL units. Raises :class:`MaterialError`.

    Parameter sets are sent in front of each key frame; SEI and delimiters not at all.
    """
    syntax = h264.SYNTAX if codec == "h264" else h265.SYNTAX
    trains: list[PacketTrain] = []
    since_key: list[int] = []
    for key, units in samples:
        slices = [unit for unit in units if syntax.is_slice(unit)]
        trains.append(packetize([*parameters, *slices] if key else slices, codec=codec))
        since_key.append(0 if key else since_key[-1] + 1 if since_key else 1)
    return Track(*size, fps, parameters, tuple(trains), tuple(since_key), codec, stride, path)


def parameter_sets(codec: CodecName, extradata: bytes | None) -> tuple[bytes, ...] | None:
    """SPS and PPS, for H.265 the VPS before them, of a configuration record or a byte stream; ``None`` without them."""
    if codec == "hevc":
        found_265 = h265.parameter_sets_of_extradata(extradata)
        return None if found_265 is None else (found_265.vps, found_265.sps, found_265.pps)
    found = h264.parameter_sets_of_extradata(extradata)
    return None if found is None else (found.sps, found.pps)
