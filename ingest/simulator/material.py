"""Encoded video, ready to be sent: the streams of one camera as loops of packet trains, held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import av

from ingest.frame import StreamName
from ingest.simulator.rtsp.rtp import CLOCK_RATE, PacketTrain, packetize

_KEPT: Final = frozenset({1, 5})  # slices; parameter sets are sent from the header, SEI and delimiters not at all


class MaterialError(Exception):
    """Video that cannot be served: which file, and why."""


@dataclass(frozen=True)
class Track:
    """One stream's loop. ``trains[i]`` is frame ``i``; frame 0 is a key frame, so that 0 may follow the last.

    ``since_key[i]`` is the distance in frames from the newest key frame at or before ``i``.
    """

    width: int
    height: int
    fps: Fraction
    sps: bytes
    pps: bytes
    trains: tuple[PacketTrain, ...] = field(repr=False)
    since_key: tuple[int, ...] = field(repr=False)

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
        return len(self.trains) / self.fps

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
            extradata = stream.codec_context.extradata
            fps = stream.average_rate
            width, height = stream.codec_context.width, stream.codec_context.height
            packets = [(packet.is_keyframe, bytes(packet)) for packet in container.demux(stream) if packet.size]
    except (av.FFmpegError, IndexError, OSError) as error:
        raise MaterialError(f"{path.name}: not readable as video ({type(error).__name__}); delete it") from error
    if extradata is None or fps is None:
        raise MaterialError(f"{path.name}: no codec parameters; delete it")
    sps, pps = parameter_sets(extradata)
    trains: list[PacketTrain] = []
    since_key: list[int] = []
    for key, data in packets:
        units = [unit for unit in split_avcc(data) if unit[0] & 31 in _KEPT]
        trains.append(packetize([sps, pps, *units] if key else units))
        since_key.append(0 if key else since_key[-1] + 1 if since_key else 1)
    return Track(width, height, Fraction(fps), sps, pps, tuple(trains), tuple(since_key))


def parameter_sets(avcc: bytes) -> tuple[bytes, bytes]:
    """First SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    if len(avcc) < 8 or avcc[0] != 1 or avcc[4] & 3 != 3 or avcc[5] & 31 != 1:
        raise MaterialError("codec parameters are not those of one H.264 stream with four-byte lengths")
    end = 8 + int.from_bytes(avcc[6:8], "big")
    pps_at = end + 3
    if len(avcc) < pps_at or avcc[end] < 1:
        raise MaterialError("codec parameters hold no PPS")
    return avcc[8:end], avcc[pps_at : pps_at + int.from_bytes(avcc[end + 1 : pps_at], "big")]


def split_avcc(data: bytes) -> Sequence[bytes]:
    """NAL units of a sample with four-byte lengths (ISO/IEC 14496-15, 5.3.4.2). Raises :class:`MaterialError`."""
    units, position = [], 0
    while position < len(data):
        start = position + 4
        position = start + int.from_bytes(data[start - 4 : start], "big")
        if position > len(data) or position <= start:
            raise MaterialError("a sample is cut short")
        units.append(data[start:position])
    return units
