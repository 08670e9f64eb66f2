"""One access unit of H.264 or H.265 on its way from the reader to the live channel and the decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ingest import h264, h265
from ingest.nal import CodecName, MalformedVideo, NalSyntax, to_annex_b

TIMESCALE = 90_000
"""Ticks a second of every timestamp in this package: RTP's clock for video (RFC 6184, 8.2.1; RFC 7798, 4.1)."""

Clock = Literal["rtcp", "arrival"]
ParameterSets = h264.ParameterSets | h265.ParameterSets
SequenceParameters = h264.SequenceParameters | h265.SequenceParameters
SliceReader = h264.SliceReader | h265.SliceReader

SYNTAX: dict[CodecName, NalSyntax] = {"h264": h264.SYNTAX, "hevc": h265.SYNTAX}


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """All NAL units of one frame: of one picture, or of two where H.264 codes each field as a picture of its own.

    ``units``: without start codes or lengths, parameter sets and delimiters left out. ``dts`` and ``pts``: 90 kHz, on
    the stream's continuous timeline. ``captured_at`` and ``arrived_at``: UTC epoch seconds on the server's clock.
    ``parameters``: the sets that apply to it; they tell the codec too. ``half``: one field, whose other did not come.
    ``settled``: false for the first pictures of a session, which may be old ones: ``captured_at`` is then the latest
    that it can be.
    """

    units: tuple[bytes, ...]
    dts: int
    pts: int
    keyframe: bool
    captured_at: float
    clock: Clock
    arrived_at: float
    parameters: ParameterSets
    half: bool = False
    settled: bool = True

    def annex_b(self) -> bytes:
        """What a decoder takes; a key frame brings its parameter sets along."""
        picture = to_annex_b(self.units)
        return self.parameters.annex_b() + picture if self.keyframe else picture

    @property
    def size(self) -> int:
        """Bytes of picture data."""
        return sum(len(unit) for unit in self.units)

    @property
    def first_slice(self) -> bytes:
        """The first slice; raises :class:`ingest.nal.MalformedVideo` where there is none."""
        syntax = self.parameters.syntax
        for unit in self.units:
            if syntax.is_slice(unit):
                return unit
        raise MalformedVideo("access unit without a slice")


def find_parameter_sets(codec: CodecName, units: list[bytes]) -> ParameterSets | None:
    """The last parameter sets among the units; ``None`` unless all that the codec needs are there."""
    return h264.find_parameter_sets(units) if codec == "h264" else h265.find_parameter_sets(units)


def parameter_sets_of_extradata(codec: CodecName, extradata: bytes | None) -> ParameterSets | None:
    """Parameter sets from a demuxer: byte stream, or the codec's configuration record."""
    if codec == "h264":
        return h264.parameter_sets_of_extradata(extradata)
    return h265.parameter_sets_of_extradata(extradata)


def slice_reader(parameters: ParameterSets) -> SliceReader:
    """Reads picture numbers under these sets. Raises :class:`ingest.nal.MalformedVideo` where they are broken."""
    if isinstance(parameters, h264.ParameterSets):
        return h264.SliceReader(parameters)
    return h265.SliceReader(parameters)
